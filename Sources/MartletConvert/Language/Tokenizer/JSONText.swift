/// A JSON text (RFC 8259), with strings as bytes and members in their order.
///
/// Foundation's parser gives `String` keys, of which two are equal that differ only in their Unicode normalization:
/// vocabularies have both.
enum JSONValue {
  case null
  case boolean(Bool)
  case number(Double)
  case string([UInt8])
  case array([JSONValue])
  case object([(key: [UInt8], value: JSONValue)])
}

extension JSONValue {
  /// The first member of that name, if this is an object that has one. `null` counts as none.
  subscript(_ name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    let key = Array(name.utf8)
    guard let value = members.first(where: { $0.key == key })?.value, !value.isNull else { return nil }
    return value
  }

  var isNull: Bool { if case .null = self { true } else { false } }

  var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }
  var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
  var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }

  /// A whole number of at most 53 bits.
  var integer: Int? {
    guard let number, number == number.rounded(), number.magnitude < 9e15 else { return nil }
    return Int(number)
  }

  /// A value and all below it have this many parts at most, and are nested no deeper than this.
  static let maxValues = 1 << 23
  static let maxDepth = 64

  /// - Throws: one line that names the byte where it is no JSON.
  init(parsing bytes: [UInt8]) throws(ConversionError) {
    var parser = JSONParser(bytes)
    self = try parser.document()
  }
}

private struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0
  private var values = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A byte order mark is not JSON, but some files begin with one.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func document() throws(ConversionError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error("more than one value") }
    return value
  }

  private func error(_ what: String) -> ConversionError { .badData("JSON: \(what) at byte \(position)") }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard next == character.asciiValue else { return false }
    position += 1
    return true
  }

  // Recursion is bounded by `maxDepth`.
  private mutating func value(depth: Int) throws(ConversionError) -> JSONValue {
    guard depth < JSONValue.maxDepth else { throw error("nested too deeply") }
    values += 1
    guard values <= JSONValue.maxValues else { throw error("too many values") }
    skipSpace()
    guard let first = next else { throw error("ends too early") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(ConversionError) -> JSONValue {
    position += 1
    var members: [(key: [UInt8], value: JSONValue)] = []
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("no name") }
      let key = try string()
      guard take(":") else { throw error("no colon") }
      members.append((key, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw error("no end of an object") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(ConversionError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    if take("]") { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw error("no end of an array") }
    return .array(elements)
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(ConversionError) -> JSONValue {
    guard bytes[position...].starts(with: text.utf8) else { throw error("no value") }
    position += text.utf8.count
    return value
  }

  private mutating func number() throws(ConversionError) -> JSONValue {
    let start = position
    while let byte = next,
      (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2B || byte == 0x2E || byte | 0x20 == 0x65
    { position += 1 }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
      position = start
      throw error("no value")
    }
    return .number(value)
  }

  private mutating func string() throws(ConversionError) -> [UInt8] {
    position += 1
    var result: [UInt8] = []
    while true {
      let start = position
      while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
      result += bytes[start..<position]
      guard let byte = next else { throw error("no end of a string") }
      position += 1
      if byte == UInt8(ascii: "\"") { return result }
      result += try escaped()
    }
  }

  private mutating func escaped() throws(ConversionError) -> [UInt8] {
    guard let byte = next else { throw error("no end of a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(try escapedScalar()).utf8)
    default: throw error("an unknown escape")
    }
  }

  private mutating func escapedScalar() throws(ConversionError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw error("half a surrogate pair") }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw error("half a surrogate pair") }
    return scalar
  }

  private mutating func hexadecimal() throws(ConversionError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error("an unknown escape") }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw error("an unknown escape") }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }
}
