/// A strict JSON reader (RFC 8259) that is asked for one event after the other. It keeps no tree and does not recurse.
///
/// Text is copied to memory of the caller: numbers and words as they are, strings in one canonical spelling with quotes
/// (the shortest escape for what must be escaped, everything else as UTF-8), so that equal strings are equal bytes. The
/// canonical spelling is never longer than the source.
struct JSONReader {
  enum Event: UInt8 {
    case beginObject, endObject, beginArray, endArray, key, string, number, word, end
  }
  private enum Expected { case value, firstItem, firstKey, key, colon, separator, nothing }

  /// Arrays and objects inside one another.
  static let maxDepth = 64

  let source: UnsafeRawBufferPointer
  private let text: UnsafeMutablePointer<UInt8>
  private(set) var textEnd = 0
  /// Where the latest event begins, in the source and in the text.
  private(set) var position = 0
  private(set) var textStart = 0
  private var offset = 0
  private var depth = 0
  /// Bit d: level d is an object.
  private var objects: UInt64 = 0
  private var expected = Expected.value

  /// - Parameter text: has room for as many bytes as `source`.
  init(_ source: UnsafeRawBufferPointer, text: UnsafeMutablePointer<UInt8>) {
    self.source = source
    self.text = text
  }

  private var isInObject: Bool { objects >> UInt64(depth - 1) & 1 == 1 }

  mutating func next() throws(ConstraintError) -> Event {
    while true {
      skipSpace()
      position = offset
      textStart = textEnd
      guard offset < source.count else {
        guard expected == .nothing else { throw fail("the text ends early") }
        return .end
      }
      switch (expected, source[offset]) {
      case (.nothing, _): throw fail("something follows the value")
      case (.colon, UInt8(ascii: ":")):
        offset += 1
        expected = .value
      case (.separator, UInt8(ascii: ",")):
        offset += 1
        expected = isInObject ? .key : .value
      case (.separator, UInt8(ascii: "}")) where isInObject, (.firstKey, UInt8(ascii: "}")): return close(.endObject)
      case (.separator, UInt8(ascii: "]")) where !isInObject, (.firstItem, UInt8(ascii: "]")): return close(.endArray)
      case (.key, UInt8(ascii: "\"")), (.firstKey, UInt8(ascii: "\"")):
        try readString()
        expected = .colon
        return .key
      case (.value, let byte), (.firstItem, let byte): return try readValue(byte)
      case (.colon, _): throw fail("expected a colon")
      case (.separator, _): throw fail("expected a comma or the end of the array or object")
      default: throw fail("expected a key in quotes")
      }
    }
  }

  private func fail(_ reason: StaticString) -> ConstraintError { ConstraintError(.syntax, at: offset, reason) }

  private mutating func skipSpace() {
    while offset < source.count {
      switch source[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  private mutating func readValue(_ byte: UInt8) throws(ConstraintError) -> Event {
    switch byte {
    case UInt8(ascii: "{"): return try open(.beginObject)
    case UInt8(ascii: "["): return try open(.beginArray)
    case UInt8(ascii: "\""):
      try readString()
      valueEnded()
      return .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try readNumber()
      valueEnded()
      return .number
    case UInt8(ascii: "t"): return try readWord("true")
    case UInt8(ascii: "f"): return try readWord("false")
    case UInt8(ascii: "n"): return try readWord("null")
    default: throw fail("expected a value")
    }
  }

  private mutating func valueEnded() { expected = depth == 0 ? .nothing : .separator }

  private mutating func open(_ event: Event) throws(ConstraintError) -> Event {
    guard depth < JSONReader.maxDepth else {
      throw ConstraintError(.overLimit, at: offset, "more than 64 arrays and objects inside one another")
    }
    let bit: UInt64 = 1 << UInt64(depth)
    objects = event == .beginObject ? objects | bit : objects & ~bit
    depth += 1
    offset += 1
    expected = event == .beginObject ? .firstKey : .firstItem
    return event
  }

  private mutating func close(_ event: Event) -> Event {
    depth -= 1
    offset += 1
    valueEnded()
    return event
  }

  private mutating func put(_ byte: UInt8) {
    // Never more than was read; the check keeps a mistake from writing past the memory.
    guard textEnd < source.count else { return }
    text[textEnd] = byte
    textEnd += 1
  }

  private mutating func readWord(_ word: StaticString) throws(ConstraintError) -> Event {
    for index in 0..<word.utf8CodeUnitCount {
      guard offset < source.count, source[offset] == word.utf8Start[index] else { throw fail("expected a value") }
      put(source[offset])
      offset += 1
    }
    valueEnded()
    return .word
  }

  private mutating func readNumber() throws(ConstraintError) {
    var scanner = JSONNumberScanner()
    while offset < source.count, JSONNumberScanner.continues(with: source[offset]) {
      guard scanner.advance(source[offset]) else { throw fail("a number is not written like this") }
      put(source[offset])
      offset += 1
    }
    guard scanner.isComplete else { throw fail("a number ends early") }
  }

  private mutating func readString() throws(ConstraintError) {
    var scanner = JSONStringScanner()
    put(source[offset])
    offset += 1
    while offset < source.count {
      switch scanner.advance(source[offset]) {
      case .refused: throw fail("a string holds a byte or an escape that it must not")
      case .inside: break
      case .character: putCanonical(scanner.code)
      case .end:
        put(source[offset])
        offset += 1
        return
      }
      offset += 1
    }
    throw fail("a string ends early")
  }

  private mutating func putCanonical(_ code: UInt32) {
    var short: UInt8 = 0
    switch code {
    case 0x22, 0x5C: short = UInt8(code)
    case 8: short = UInt8(ascii: "b")
    case 9: short = UInt8(ascii: "t")
    case 10: short = UInt8(ascii: "n")
    case 12: short = UInt8(ascii: "f")
    case 13: short = UInt8(ascii: "r")
    case 0..<0x20:
      put(UInt8(ascii: "\\"))
      put(UInt8(ascii: "u"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0") + UInt8(code >> 4))
      let digit = UInt8(code & 15)
      return put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
    case 0..<0x80: return put(UInt8(code))
    default: return putMultibyte(code)
    }
    put(UInt8(ascii: "\\"))
    put(short)
  }

  private mutating func putMultibyte(_ code: UInt32) {
    if code < 0x800 {
      put(0xC0 | UInt8(code >> 6))
    } else {
      if code < 0x1_0000 {
        put(0xE0 | UInt8(code >> 12))
      } else {
        put(0xF0 | UInt8(code >> 18 & 0x07))
        put(0x80 | UInt8(code >> 12 & 0x3F))
      }
      put(0x80 | UInt8(code >> 6 & 0x3F))
    }
    put(0x80 | UInt8(code & 0x3F))
  }
}
