/// One record of a compiled constraint. Lists are linked through `next`, so that records can be added in any order.
struct ConstraintNode: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    /// A schema that is not compiled yet; `first` is its token.
    case pending
    /// `first`: its properties.
    case object
    /// Its key is `text`; `first` is the value's node; `next` the object's next property.
    case property
    /// `first`: the items' node; `low...high`: how many.
    case array
    /// `low...high`: how many code points.
    case string
    /// `low...high`: in units of 10^-fractionDigits.
    case number
    /// Any number, of a bounded length.
    case anyNumber
    /// One of `count` literals from `first` on, which are sorted by bytes.
    case literals
    /// `first`: its alternatives.
    case union
    /// `first`: the alternative's node; `next`: the union's next alternative.
    case alternative
  }
  static let none: UInt16 = 0xFFFF

  var kind: Kind
  var isRequired = false
  var fractionDigits: UInt8 = 0
  /// What its text may begin with: bits of `ValueClass`.
  var classes: UInt8 = 0
  /// How many alternatives can be alive at once.
  var width: UInt8 = 1
  /// Objects and arrays inside one another, its own included.
  var depth: UInt8 = 0
  /// How many nodes that are not unions it stands for.
  var alternatives: UInt8 = 1
  /// Unions directly inside one another, its own included.
  var unions: UInt8 = 0
  var next = ConstraintNode.none
  var first = ConstraintNode.none
  var count: UInt16 = 0
  var text: UInt16 = 0
  var textLength: UInt16 = 0
  /// Where it stands in the source.
  var position: UInt16
  /// The fewest bytes of a value. Of a property: of the required properties after it, each with a comma.
  var minimum: UInt32 = 1
  var low: Int64 = 0
  var high: Int64 = 0

  init(_ kind: Kind, position: UInt16) {
    self.kind = kind
    self.position = position
  }
}

/// What a value's first byte says about it.
struct ValueClass: BitwiseCopyable {
  let rawValue: UInt8
  static let string = ValueClass(rawValue: 1)
  static let number = ValueClass(rawValue: 2)
  static let yes = ValueClass(rawValue: 4)
  static let no = ValueClass(rawValue: 8)
  static let null = ValueClass(rawValue: 16)
  static let object = ValueClass(rawValue: 32)
  static let array = ValueClass(rawValue: 64)
  static let count = 7

  var isEmpty: Bool { rawValue == 0 }

  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Empty if no value begins with `byte`.
  init(of byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): self = .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): self = .number
    case UInt8(ascii: "t"): self = .yes
    case UInt8(ascii: "f"): self = .no
    case UInt8(ascii: "n"): self = .null
    case UInt8(ascii: "{"): self = .object
    case UInt8(ascii: "["): self = .array
    default: self.init(rawValue: 0)
    }
  }
}

/// A text of which a value may consist: a string with its quotes, a number, a word, or a choice.
struct ConstraintLiteral: BitwiseCopyable {
  var text: UInt16
  var length: UInt16
}

/// A compiled constraint's tables in the caller's region. A copy is a view of the same memory.
struct ConstraintProgram {
  private(set) var nodes: UnsafeMutablePointer<ConstraintNode>
  private(set) var literals: UnsafeMutablePointer<ConstraintLiteral>
  private(set) var text: UnsafeMutablePointer<UInt8>
  /// For walks through a vocabulary: one for each byte of a token that is remembered, and one more.
  private(set) var states: UnsafeMutablePointer<ConstraintState>
  private(set) var tokens: UnsafeMutablePointer<JSONToken>
  private let nodeCapacity: Int
  private let literalCapacity: Int
  private(set) var nodeCount = 0
  private(set) var literalCount = 0

  /// Prefixes up to this length are not walked again.
  static let rememberedBytes = 32
  /// The words that are there without the source follow its text.
  static let ownText: StaticString = "falsenulltrue"

  private static func nodeCapacity(_ bytes: Int) -> Int { bytes / 4 + 8 }
  private static func literalCapacity(_ bytes: Int) -> Int { bytes / 2 + 4 }
  private static func rounded(_ bytes: Int) -> Int { (bytes + 7) & ~7 }

  /// What `init` carves for a source of `bytes` bytes.
  static func bytes(source bytes: Int) -> Int {
    nodeCapacity(bytes) * MemoryLayout<ConstraintNode>.stride
      + rounded(literalCapacity(bytes) * MemoryLayout<ConstraintLiteral>.stride)
      + rounded(JSONTape.capacity(bytes: bytes) * MemoryLayout<JSONToken>.stride)
      + rounded(bytes + ownText.utf8CodeUnitCount)
      + (rememberedBytes + 2) * MemoryLayout<ConstraintState>.stride
  }

  init(source bytes: Int, region: UnsafeMutableRawBufferPointer) throws(ConstraintError) {
    guard var next = region.baseAddress, UInt(bitPattern: next) % 8 == 0 else {
      throw ConstraintError(.badRegion, at: 0, "the region is not aligned to 8 bytes")
    }
    guard region.count >= ConstraintProgram.bytes(source: bytes) else {
      throw ConstraintError(.badRegion, at: 0, "the region is too small")
    }
    nodeCapacity = ConstraintProgram.nodeCapacity(bytes)
    literalCapacity = ConstraintProgram.literalCapacity(bytes)
    nodes = next.bindMemory(to: ConstraintNode.self, capacity: nodeCapacity)
    next += nodeCapacity * MemoryLayout<ConstraintNode>.stride
    states = next.bindMemory(to: ConstraintState.self, capacity: ConstraintProgram.rememberedBytes + 2)
    next += (ConstraintProgram.rememberedBytes + 2) * MemoryLayout<ConstraintState>.stride
    literals = next.bindMemory(to: ConstraintLiteral.self, capacity: literalCapacity)
    next += ConstraintProgram.rounded(literalCapacity * MemoryLayout<ConstraintLiteral>.stride)
    let tokenCapacity = JSONTape.capacity(bytes: bytes)
    tokens = next.bindMemory(to: JSONToken.self, capacity: tokenCapacity)
    next += ConstraintProgram.rounded(tokenCapacity * MemoryLayout<JSONToken>.stride)
    let own = ConstraintProgram.ownText
    text = next.bindMemory(to: UInt8.self, capacity: bytes + own.utf8CodeUnitCount)
    for index in 0..<own.utf8CodeUnitCount { text[bytes + index] = own.utf8Start[index] }
  }

  /// A new node's index.
  mutating func add(_ node: ConstraintNode) throws(ConstraintError) -> UInt16 {
    guard nodeCount < min(nodeCapacity, Int(ConstraintNode.none)) else {
      throw ConstraintError(.overLimit, at: Int(node.position), "too many schemas")
    }
    nodes[nodeCount] = node
    nodeCount += 1
    return UInt16(nodeCount - 1)
  }

  mutating func add(_ literal: ConstraintLiteral, position: Int) throws(ConstraintError) {
    guard literalCount < min(literalCapacity, Int(ConstraintNode.none)) else {
      throw ConstraintError(.overLimit, at: position, "too many values")
    }
    literals[literalCount] = literal
    literalCount += 1
  }

  func literalBytes(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: text + Int(literals[index].text), count: Int(literals[index].length))
  }

  /// Sorts literals by their bytes, a shorter one first.
  func sortLiterals(_ range: Range<Int>) {
    HeapSort.sort(range.count) { a, b in
      let one = UnsafeRawBufferPointer(literalBytes(range.lowerBound + a))
      return TokenOrder.precedes(one, UnsafeRawBufferPointer(literalBytes(range.lowerBound + b)))
    } swap: { a, b in
      let kept = literals[range.lowerBound + a]
      literals[range.lowerBound + a] = literals[range.lowerBound + b]
      literals[range.lowerBound + b] = kept
    }
  }
}
