/// Characters of a text that is known to be UTF-8, each with its class.
struct CharacterReader {
  let bytes: UnsafePointer<UInt8>

  struct Character {
    var code: UInt32
    var kind: CharacterClass
    /// The index after it.
    var end: Int

    func isIn(_ set: CharacterClass) -> Bool { set.intersects(kind) }
    var isNewline: Bool { code == 0x0A || code == 0x0D }
  }

  /// The character at `index`, or nil at `end` (or beyond).
  @inline(__always)
  func character(_ index: Int, _ end: Int) -> Character? {
    guard index < end else { return nil }
    let scalar = UTF8Scalar(bytes + index, count: end - index)
    return Character(code: scalar.code, kind: CharacterClass(of: scalar.code), end: index + scalar.length)
  }

  /// Where the run of characters of a class ends that begins at `start`.
  @inline(never)
  func run(_ set: CharacterClass, _ start: Int, _ end: Int, limit: Int = .max) -> Int {
    var index = start
    var count = 0
    while count < limit, let next = character(index, end), next.isIn(set) {
      index = next.end
      count += 1
    }
    return index
  }

  /// Where the run of line ends (and slashes, if wanted) stops that begins at `start`.
  func newlines(_ start: Int, _ end: Int, slashes: Bool = false) -> Int {
    var index = start
    while index < end, bytes[index] == 0x0A || bytes[index] == 0x0D || (slashes && bytes[index] == 0x2F) { index += 1 }
    return index
  }
}
