/// Where an output stands in a constraint: a plain value of 676 bytes. A copy is a trial run.
public struct ConstraintState: BitwiseCopyable, Sendable {
  enum Mode: UInt8, BitwiseCopyable, Sendable {
    /// A value must begin; with one space before it; or the array ends.
    case value, spacedValue, firstItem
    /// A key must begin; with one space before it; or the object ends.
    case key, spacedKey, firstKey
    case insideKey, colon, string, number, word
    /// After a value: a comma or the container's end.
    case separator
    /// Nothing may follow.
    case done
    /// After a byte that was refused.
    case refused
    /// Inside one of several choices, which are no JSON.
    case choice
  }

  /// One way to read the output: alternatives of `anyOf` run side by side. JSON shows by itself where a value ends, so
  /// that all ways have the same mode and depth, and become one again at their value's end.
  struct Way: BitwiseCopyable, Sendable {
    /// The scalar's node, or the property whose key begins with what has been read.
    var leaf = ConstraintNode.none
    /// Literals that begin with what has been read.
    var first: UInt16 = 0
    var end: UInt16 = 0
    /// Bytes read of the key or the literal.
    var offset: UInt16 = 0
    /// For each level the array, or the object or its latest property.
    var frames = InlineArray<32, UInt16>(repeating: ConstraintNode.none)
  }

  var mode = Mode.value
  var depth: UInt8 = 0
  var wayCount: UInt8 = 1
  var string = JSONStringScanner()
  var number = JSONNumberScanner()
  /// Code points that the string has begun.
  var codePoints: UInt32 = 0
  /// For each level, items that the array has begun.
  var items = InlineArray<32, UInt16>(repeating: 0)
  /// The first `wayCount` count. Last, so that a copy can leave the others out.
  var ways = InlineArray<8, Way>(repeating: Way())

  init() {}

  static let maxDepth = 32
  static let maxWays = 8

  /// Copies without the ways that do not count.
  static func copy(_ source: UnsafePointer<ConstraintState>, to target: UnsafeMutablePointer<ConstraintState>) {
    let unused = (maxWays - Int(source.pointee.wayCount)) * MemoryLayout<Way>.stride
    UnsafeMutableRawPointer(target).copyMemory(
      from: source, byteCount: MemoryLayout<ConstraintState>.size - unused)
  }
}
