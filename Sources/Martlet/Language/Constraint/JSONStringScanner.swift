/// A JSON string's bytes after the opening quote, one at a time: RFC 8259 escapes, well-formed UTF-8 (Unicode 16, table
/// 3-7), surrogates only as pairs.
struct JSONStringScanner: BitwiseCopyable, Sendable {
  enum Phase: UInt8, BitwiseCopyable, Sendable {
    /// Between two characters.
    case between
    case escape, hex, continuation
    /// After a high surrogate: a backslash, then `u`, then four digits.
    case lowEscape, lowMark, lowHex
  }
  enum Event { case refused, inside, character, end }

  private(set) var phase = Phase.between
  /// Digits or continuation bytes that are still to come.
  private(set) var left: UInt8 = 0
  /// What the next continuation byte may be.
  private var least: UInt8 = 0
  private var most: UInt8 = 0
  /// The code point, complete when `advance` says `.character`.
  private(set) var code: UInt32 = 0

  /// Whether `byte` would begin a character.
  func begins(with byte: UInt8) -> Bool { phase == .between && byte != UInt8(ascii: "\"") }

  /// Whether the four digits that are being read have turned out to be a high surrogate.
  var isHighSurrogate: Bool {
    phase == .hex && left <= 2 && (code >> (4 * UInt32(2 - left))) & 0xFC == 0xD8
  }

  mutating func advance(_ byte: UInt8) -> Event {
    switch phase {
    case .between: return begin(byte)
    case .escape: return escaped(byte)
    case .continuation: return continued(byte)
    case .hex: return digit(byte)
    case .lowHex: return lowDigit(byte)
    case .lowEscape:
      guard byte == UInt8(ascii: "\\") else { return .refused }
      phase = .lowMark
      return .inside
    case .lowMark:
      guard byte == UInt8(ascii: "u") else { return .refused }
      phase = .lowHex
      left = 4
      return .inside
    }
  }

  private mutating func begin(_ byte: UInt8) -> Event {
    least = 0x80
    most = 0xBF
    switch byte {
    case UInt8(ascii: "\""): return .end
    case UInt8(ascii: "\\"):
      phase = .escape
      return .inside
    case 0x20...0x7F:
      code = UInt32(byte)
      return .character
    case 0xC2...0xDF:
      left = 1
      code = UInt32(byte & 0x1F)
    case 0xE0...0xEF:
      left = 2
      code = UInt32(byte & 0x0F)
      if byte == 0xE0 { least = 0xA0 }
      if byte == 0xED { most = 0x9F }
    case 0xF0...0xF4:
      left = 3
      code = UInt32(byte & 0x07)
      if byte == 0xF0 { least = 0x90 }
      if byte == 0xF4 { most = 0x8F }
    default: return .refused
    }
    phase = .continuation
    return .inside
  }

  private mutating func continued(_ byte: UInt8) -> Event {
    guard byte >= least, byte <= most else { return .refused }
    code = code << 6 | UInt32(byte & 0x3F)
    least = 0x80
    most = 0xBF
    return counted()
  }

  /// One of the bytes that were still to come has come.
  private mutating func counted() -> Event {
    left -= 1
    if left > 0 { return .inside }
    phase = .between
    return .character
  }

  private mutating func escaped(_ byte: UInt8) -> Event {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): code = UInt32(byte)
    case UInt8(ascii: "b"): code = 8
    case UInt8(ascii: "f"): code = 12
    case UInt8(ascii: "n"): code = 10
    case UInt8(ascii: "r"): code = 13
    case UInt8(ascii: "t"): code = 9
    case UInt8(ascii: "u"):
      phase = .hex
      left = 4
      code = 0
      return .inside
    default: return .refused
    }
    phase = .between
    return .character
  }

  private mutating func digit(_ byte: UInt8) -> Event {
    guard let value = JSONStringScanner.hexadecimal(byte) else { return .refused }
    code = code << 4 | value
    // A low surrogate that no high one went before.
    if left == 3, code >= 0xDC, code <= 0xDF { return .refused }
    let event = counted()
    guard event == .character, code & 0xFC00 == 0xD800 else { return event }
    phase = .lowEscape
    return .inside
  }

  private mutating func lowDigit(_ byte: UInt8) -> Event {
    guard let value = JSONStringScanner.hexadecimal(byte) else { return .refused }
    if left == 4, value != 0xD { return .refused }
    if left == 3, value < 0xC { return .refused }
    // Ten bits of each surrogate; the high one's are in `code` until then.
    if left == 4 { code = code & 0x3FF }
    code = left == 4 ? code : left == 3 ? code << 2 | value & 3 : code << 4 | value
    let event = counted()
    if event == .character { code += 0x1_0000 }
    return event
  }

  static func hexadecimal(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 0x57
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte) - 0x37
    default: nil
    }
  }
}
