/// What an output must look like: a JSON Schema or a list of choices, compiled into the caller's memory, and run over
/// the output byte by byte.
///
/// From every state that bytes can lead to, more bytes lead to a complete output; a complete output is valid JSON that
/// satisfies the schema. The subset of JSON Schema (2020-12):
///
/// - `type`, one name or several; `enum` and `const` of strings, numbers, booleans and null; `anyOf`; `oneOf` whose
///   alternatives cannot overlap; `$ref` to `#/$defs/NAME` or `#/definitions/NAME`, not recursive.
/// - Objects: `properties`, `required`, `additionalProperties` false. Properties come in the schema's order, optional
///   ones may be left out, and there are no others.
/// - Arrays: `items`, `minItems`, `maxItems` (`defaultArrayCount` if it is left out, `minItems` if that is more).
/// - Strings: `minLength`, `maxLength` in code points (`defaultStringLength` likewise). Every escape of JSON is
///   allowed, surrogates in pairs. Values of `enum` and keys have one spelling: no escapes but those that must be.
/// - Integers: up to 18 digits; `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, exactly. Numbers: with
///   one of these up to 12 digits before the point and 6 after it, otherwise 18 in all and two in an exponent.
/// - `title`, `description`, `default`, `examples`, `$schema`, `$comment` are ignored, `$id` in the outermost schema.
///
/// Everything else is refused by name. Keywords about another type than the schema's say nothing, as in JSON Schema.
/// White space: at most one space after a colon and after a comma.
///
/// Limits: `maxSourceBytes`, 32 levels of arrays and objects, 32 alternatives at one place, of which 8 may begin with
/// the same byte and then run side by side.
///
/// Work for one byte: the alternatives times the properties of an object or the logarithm of the number of values of an
/// `enum`, times the length of the key; otherwise constant.
public struct Constraint {
  /// Longest schema or list of choices, in bytes.
  public static let maxSourceBytes = 65_000
  /// `maxLength` of a string that has none, in code points.
  public static let defaultStringLength: Int64 = 256
  /// `maxItems` of an array that has none.
  public static let defaultArrayCount: Int64 = 64
  static let maxCount: Int64 = 65_535
  static let maxUnions = 8

  let program: ConstraintProgram
  private let isChoice: Bool

  /// Bytes that a constraint of `schemaBytes` bytes of schema or choices needs: 21 for each, and 24,016.
  public static func workBytes(schemaBytes: Int) -> Int {
    ConstraintProgram.bytes(source: min(max(schemaBytes, 0), maxSourceBytes))
  }

  /// Compiles a JSON Schema.
  ///
  /// - Parameters:
  ///   - jsonSchema: UTF-8, of any content. Not needed afterwards.
  ///   - region: `workBytes(schemaBytes:)` bytes, aligned to 8, which the constraint keeps.
  public init(
    jsonSchema: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer
  ) throws(ConstraintError) {
    guard jsonSchema.count <= Constraint.maxSourceBytes else {
      throw ConstraintError(.overLimit, at: Constraint.maxSourceBytes, "more than 65000 bytes")
    }
    let empty = try ConstraintProgram(source: jsonSchema.count, region: region)
    program = try ConstraintCompiler.compile(jsonSchema, into: empty)
    isChoice = false
  }

  /// Compiles a list of choices, of which the output is exactly one.
  ///
  /// - Parameters:
  ///   - choices: separated by commas; `\,` is a comma and `\\` a backslash in a choice. Not needed afterwards.
  ///   - region: `workBytes(schemaBytes:)` bytes, aligned to 8, which the constraint keeps.
  public init(choices: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer) throws(ConstraintError) {
    guard choices.count <= Constraint.maxSourceBytes else {
      throw ConstraintError(.overLimit, at: Constraint.maxSourceBytes, "more than 65000 bytes")
    }
    let empty = try ConstraintProgram(source: choices.count, region: region)
    program = try ConstraintChoices.compile(choices, into: empty)
    isChoice = true
  }

  /// The state before the first byte.
  public var start: ConstraintState {
    var state = ConstraintState()
    if isChoice {
      state.mode = .choice
      state.ways[0].leaf = 0
      state.ways[0].end = program.nodes[0].count
    }
    return state
  }

  /// Whether the output may end here.
  public func isComplete(_ state: ConstraintState) -> Bool {
    switch state.mode {
    case .done: return true
    case .choice: return isLiteralComplete(state.ways[0])
    case .number where state.depth == 0:
      for index in 0..<Int(state.wayCount) where isNumberComplete(state, state.ways[index]) { return true }
      return false
    default: return false
    }
  }

  /// Whether the output may end here and nothing may follow.
  public func mustEnd(_ state: ConstraintState) -> Bool {
    guard isComplete(state) else { return false }
    if state.mode == .done { return true }
    for byte in UInt8.min...UInt8.max {
      var trial = state
      if advance(&trial, byte: byte) { return false }
    }
    return true
  }
}
