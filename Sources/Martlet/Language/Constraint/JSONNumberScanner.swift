/// A JSON number's bytes, one at a time, by the grammar of RFC 8259, section 6.
struct JSONNumberScanner: BitwiseCopyable, Sendable {
  enum Phase: UInt8, BitwiseCopyable, Sendable {
    case start, sign, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
  }

  /// Digits of which `magnitude` can hold any.
  static let maxDigits = 18

  /// All digits before an exponent as one integer; meaningless beyond `maxDigits`.
  private(set) var magnitude: Int64 = 0
  private(set) var phase = Phase.start
  private(set) var isNegative = false
  /// Counts end at 255.
  private(set) var digits: UInt8 = 0
  private(set) var fractionDigits: UInt8 = 0
  private(set) var exponentDigits: UInt8 = 0

  /// Whether the number may end here.
  var isComplete: Bool {
    switch phase {
    case .zero, .integer, .fraction, .exponentDigits: true
    default: false
    }
  }
  var hasExponent: Bool { phase.rawValue >= Phase.exponent.rawValue }

  static func continues(with byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  /// False if no number goes on like this.
  mutating func advance(_ byte: UInt8) -> Bool {
    switch (byte, phase) {
    case (UInt8(ascii: "0")...UInt8(ascii: "9"), _): return digit(byte - UInt8(ascii: "0"))
    case (UInt8(ascii: "-"), .start):
      phase = .sign
      isNegative = true
    case (UInt8(ascii: "-"), .exponent), (UInt8(ascii: "+"), .exponent): phase = .exponentSign
    case (UInt8(ascii: "."), .zero), (UInt8(ascii: "."), .integer): phase = .point
    case (UInt8(ascii: "e"), .zero), (UInt8(ascii: "e"), .integer), (UInt8(ascii: "e"), .fraction),
      (UInt8(ascii: "E"), .zero), (UInt8(ascii: "E"), .integer), (UInt8(ascii: "E"), .fraction):
      phase = .exponent
    default: return false
    }
    return true
  }

  private mutating func digit(_ value: UInt8) -> Bool {
    switch phase {
    case .zero: return false
    case .start, .sign: phase = value == 0 ? .zero : .integer
    case .integer: break
    case .point, .fraction:
      phase = .fraction
      if fractionDigits < 255 { fractionDigits += 1 }
    case .exponent, .exponentSign, .exponentDigits:
      phase = .exponentDigits
      if exponentDigits < 255 { exponentDigits += 1 }
      return true
    }
    if digits < 255 { digits += 1 }
    if digits <= JSONNumberScanner.maxDigits { magnitude = magnitude * 10 + Int64(value) }
    return true
  }
}
