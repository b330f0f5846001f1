/// The keywords of one schema object, each as the token of its value.
struct ConstraintKeywords {
  enum Name: Int {
    case type, `enum`, const, properties, required, additionalProperties, items, minItems, maxItems
    case minLength, maxLength
    case minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, oneOf, ref, defs, definitions

    var text: StaticString {
      switch self {
      case .type: "type"
      case .enum: "enum"
      case .const: "const"
      case .properties: "properties"
      case .required: "required"
      case .additionalProperties: "additionalProperties"
      case .items: "items"
      case .minItems: "minItems"
      case .maxItems: "maxItems"
      case .minLength: "minLength"
      case .maxLength: "maxLength"
      case .minimum: "minimum"
      case .maximum: "maximum"
      case .exclusiveMinimum: "exclusiveMinimum"
      case .exclusiveMaximum: "exclusiveMaximum"
      case .anyOf: "anyOf"
      case .oneOf: "oneOf"
      case .ref: "$ref"
      case .defs: "$defs"
      case .definitions: "definitions"
      }
    }
  }

  private var values = InlineArray<20, UInt16>(repeating: JSONToken.none)
  /// The schema's own token.
  let token: Int

  /// - Parameter token: any token of the tape.
  init(_ tape: JSONTape, token: Int) throws(ConstraintError) {
    self.token = token
    let schema = tape.tokens[token]
    guard schema.kind == .beginObject else {
      throw ConstraintError(.unsupported, at: Int(schema.position), "a schema that is no object")
    }
    var key = token + 1
    while key < Int(schema.next) {
      if let name = ConstraintKeywords.name(tape, key) {
        values[name.rawValue] = UInt16(key + 1)
      } else if !ConstraintKeywords.isAnnotation(tape, key, isRoot: token == 0) {
        throw ConstraintError(.unsupported, at: Int(tape.tokens[key].position), "unsupported keyword")
      }
      key = tape.after(key)
    }
  }

  /// The token of the keyword's value.
  subscript(_ name: Name) -> Int? { values[name.rawValue] == JSONToken.none ? nil : Int(values[name.rawValue]) }

  private static func name(_ tape: JSONTape, _ key: Int) -> Name? {
    for raw in 0...Name.definitions.rawValue {
      if let name = Name(rawValue: raw), tape.isNamed(key, name.text) { return name }
    }
    return nil
  }

  /// Keywords that say nothing about values.
  private static func isAnnotation(_ tape: JSONTape, _ key: Int, isRoot: Bool) -> Bool {
    tape.isNamed(key, "title") || tape.isNamed(key, "description") || tape.isNamed(key, "default")
      || tape.isNamed(key, "examples") || tape.isNamed(key, "$schema") || tape.isNamed(key, "$comment")
      || isRoot && tape.isNamed(key, "$id")
  }

  /// Refuses every keyword beside those in `allowed` and definitions: together they would be a conjunction.
  func allowOnly(_ allowed: Name, _ other: Name, _ tape: JSONTape) throws(ConstraintError) {
    for raw in 0..<Name.defs.rawValue where raw != allowed.rawValue && raw != other.rawValue {
      guard values[raw] == JSONToken.none else {
        let position = Int(tape.tokens[Int(values[raw]) - 1].position)
        throw ConstraintError(.unsupported, at: position, "keyword beside $ref, anyOf, oneOf, enum or const")
      }
    }
  }
}
