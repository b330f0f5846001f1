/// A set of JSON Schema's type names.
struct ConstraintTypes: BitwiseCopyable, Equatable {
  private(set) var rawValue: UInt8
  static let object = ConstraintTypes(rawValue: 1)
  static let array = ConstraintTypes(rawValue: 2)
  static let string = ConstraintTypes(rawValue: 4)
  static let number = ConstraintTypes(rawValue: 8)
  static let integer = ConstraintTypes(rawValue: 16)
  static let boolean = ConstraintTypes(rawValue: 32)
  static let null = ConstraintTypes(rawValue: 64)
  static let all = ConstraintTypes(rawValue: 127)
  static let count = 7

  init(rawValue: UInt8) { self.rawValue = rawValue }

  var isSingle: Bool { rawValue != 0 && rawValue & (rawValue - 1) == 0 }

  func contains(_ type: ConstraintTypes) -> Bool { rawValue & type.rawValue != 0 }

  /// - Parameter token: a value of `type`: a name, or an array of names.
  init(_ tape: JSONTape, token: Int) throws(ConstraintError) {
    rawValue = 0
    let isArray = tape.tokens[token].kind == .beginArray
    var name = isArray ? token + 1 : token
    let end = Int(tape.tokens[token].next)
    while name < end {
      guard let type = ConstraintTypes.type(tape, name), !contains(type) else {
        throw ConstraintError(.badValue, at: Int(tape.tokens[name].position), "not a type, or a type twice")
      }
      rawValue |= type.rawValue
      name = Int(tape.tokens[name].next)
    }
    guard rawValue != 0 else { throw ConstraintError(.badValue, at: Int(tape.tokens[token].position), "no type") }
    // A number may be an integer.
    if contains(.number) { rawValue &= ~ConstraintTypes.integer.rawValue }
  }

  private static func type(_ tape: JSONTape, _ token: Int) -> ConstraintTypes? {
    guard tape.tokens[token].kind == .string else { return nil }
    if tape.isNamed(token, "object") { return .object }
    if tape.isNamed(token, "array") { return .array }
    if tape.isNamed(token, "string") { return .string }
    if tape.isNamed(token, "number") { return .number }
    if tape.isNamed(token, "integer") { return .integer }
    if tape.isNamed(token, "boolean") { return .boolean }
    if tape.isNamed(token, "null") { return .null }
    return nil
  }
}
