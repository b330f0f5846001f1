/// A value of GGUF metadata. Integers and reals of every width are widened; nested arrays are refused by the reader.
public enum GGUFValue: Sendable, Equatable {
  case unsigned(UInt64)
  case signed(Int64)
  case real(Double)
  case boolean(Bool)
  /// Raw bytes: GGUF promises UTF-8, and nobody checks.
  case string([UInt8])
  case integers([Int64])
  case reals([Double])
  case booleans([Bool])
  case strings([[UInt8]])

  /// What the value is called in messages.
  public var typeName: String {
    switch self {
    case .unsigned, .signed: "an integer"
    case .real: "a real number"
    case .boolean: "a boolean"
    case .string: "a string"
    case .integers: "an array of integers"
    case .reals: "an array of real numbers"
    case .booleans: "an array of booleans"
    case .strings: "an array of strings"
    }
  }

  /// The integer, of either sign, if it is one and fits.
  public var integer: Int? {
    switch self {
    case .unsigned(let value): Int(exactly: value)
    case .signed(let value): Int(value)
    default: nil
    }
  }

  /// The number, if it is one; integers are numbers too.
  public var number: Double? {
    switch self {
    case .unsigned(let value): Double(value)
    case .signed(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// The text, if it is a string; invalid UTF-8 is repaired with U+FFFD.
  public var text: String? {
    if case .string(let bytes) = self { return String(decoding: bytes, as: UTF8.self) }
    return nil
  }
}
