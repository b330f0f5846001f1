import Testing

@testable import Martlet

/// What is refused, and at which byte.
@Suite struct ConstraintRefusalTests {
  struct Case: Sendable {
    let kind: ConstraintError.Kind
    /// A section sign stands before the byte that the error must name.
    let marked: String

    init(_ kind: ConstraintError.Kind, _ marked: String) {
      self.kind = kind
      self.marked = marked
    }
  }

  static let schemas = [
    Case(.unsupported, #"{"type":"string",§"pattern":"a"}"#),
    Case(.unsupported, #"{"type":"string",§"format":"date"}"#),
    Case(.unsupported, #"{"type":"object","properties":{"a":{"type":"integer",§"multipleOf":2}}}"#),
    Case(.unsupported, #"{§"allOf":[]}"#),
    Case(.unsupported, #"{§"not":{}}"#),
    Case(.unsupported, #"{"type":"object",§"patternProperties":{}}"#),
    Case(.unsupported, #"{"type":"array",§"uniqueItems":true,"items":{"type":"null"}}"#),
    Case(.unsupported, #"{"type":"array",§"prefixItems":[]}"#),
    Case(.unsupported, #"{§"nullable":true,"type":"string"}"#),
    Case(.unsupported, #"{"type":"object","properties":{"a":{§"$id":"x","type":"null"}}}"#),
    Case(.unsupported, #"{"type":"object","additionalProperties":§true}"#),
    Case(.unsupported, #"{"type":"object","additionalProperties":§{"type":"null"}}"#),
    Case(.unsupported, #"{"type":"object","properties":{"a":§true}}"#),
    Case(.unsupported, "§true"),
    Case(.unsupported, "§{}"),
    Case(.unsupported, #"{"type":"array","items":§{"title":"any"}}"#),
    Case(.unsupported, #"§{"type":"array"}"#),
    Case(.unsupported, #"{"enum":[1,§[2]]}"#),
    Case(.unsupported, #"{"const":§{}}"#),
    Case(.unsupported, #"{"type":"string","enum":["a"],§"maxLength":3}"#),
    Case(.unsupported, #"{"anyOf":[{"type":"null"}],§"type":"null"}"#),
    Case(.unsupported, ##"{"$ref":"#/$defs/a",§"minLength":1,"$defs":{"a":{"type":"string"}}}"##),
    Case(.unsupported, ##"{"$ref":§"#"}"##),
    Case(.unsupported, #"{"$ref":§"other.json"}"#),
    Case(.unsupported, ##"{"$ref":§"#/$defs/a~1b","$defs":{}}"##),
    Case(.badValue, ##"{"$ref":§"#/$defs/b","$defs":{"a":{"type":"string"}}}"##),
    Case(.badValue, ##"{"$ref":§"#/$defs/a"}"##),
    Case(.unsupported, ##"§{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##),
    Case(.unsupported, #"{"type":"object","required":[§"b"],"properties":{"a":{"type":"null"}}}"#),
    Case(.unsupported, #"{"oneOf":[{"type":"integer"},§{"type":"number"}]}"#),
    Case(.unsupported, #"{"oneOf":[{"enum":["a","b"]},{"type":"null"},§{"enum":["c","b"]}]}"#),
    Case(.unsupported, #"{"oneOf":[{"const":1},§{"const":1.0}]}"#),
    Case(.badValue, #"{"type":§"text"}"#),
    Case(.badValue, #"{"type":§[]}"#),
    Case(.badValue, #"{"type":["null",§"null"]}"#),
    Case(.badValue, #"{"type":§3}"#),
    Case(.badValue, #"{"anyOf":§[]}"#),
    Case(.badValue, #"{"anyOf":§{"type":"null"}}"#),
    Case(.badValue, #"{"enum":§3}"#),
    Case(.badValue, #"{"type":"object","properties":§[]}"#),
    Case(.badValue, #"{"type":"object","required":§"a"}"#),
    Case(.badValue, #"{"type":"object","required":[§1]}"#),
    Case(.badValue, #"{"type":"string","maxLength":§-1}"#),
    Case(.badValue, #"{"type":"string","maxLength":§1.5}"#),
    Case(.badValue, #"{"type":"string","minLength":§"1"}"#),
    Case(.badValue, #"{"type":"integer","minimum":§null}"#),
    Case(.overLimit, #"{"type":"string","minLength":§65536}"#),
    Case(.overLimit, #"{"type":"string","minLength":§1e999999999999,"maxLength":1e9999999999999}"#),
    Case(.nothingAllowed, #"{"type":"string","minLength":3,"maxLength":§2}"#),
    Case(.nothingAllowed, #"{"type":"array","items":{"type":"null"},"minItems":3,"maxItems":§2}"#),
    Case(.nothingAllowed, #"{"type":"integer","minimum":3,"maximum":§2.5}"#),
    Case(.nothingAllowed, #"{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":§4}"#),
    Case(.nothingAllowed, #"§{"type":"integer","minimum":1e400}"#),
    Case(.nothingAllowed, #"{"enum":§[]}"#),
    Case(.nothingAllowed, #"{"type":"string","enum":§[1,null]}"#),
    Case(.syntax, #"{"type":"null",§}"#),
    Case(.syntax, #"{"type":"null"}§x"#),
    Case(.syntax, #"{"type":"null",§"type":"null"}"#),
    Case(.syntax, #"{"a":1,"b":{"c":2},§"\u0061":3}"#),
    Case(.syntax, #"{"type"§"null"}"#),
    Case(.syntax, #"{"type":§'null'}"#),
    Case(.syntax, #"{"enum":[1 §2]}"#),
    Case(.syntax, #"{"enum":[1,§]}"#),
    Case(.syntax, #"{"enum":[0§1]}"#),
    Case(.syntax, #"{"enum":[1.§]}"#),
    Case(.syntax, #"{"enum":[§+1]}"#),
    Case(.syntax, #"{"enum":[nul§]}"#),
    Case(.syntax, #"{"enum":["\§x"]}"#),
    Case(.syntax, #"{"enum":["\ud800§"]}"#),
    Case(.syntax, #"{"enum":["\u12§"]}"#),
    Case(.syntax, #"{"enum":[1§}"#),
    Case(.syntax, #"{"type":"null"§"#),
    Case(.syntax, "§"),
    Case(.syntax, "\u{20}\n\t§"),
    Case(.syntax, #"{"type":"nul§"#),
    Case(.syntax, "§\u{FEFF}{}"),
    Case(.syntax, "{\"type\":\"null\"§\u{0}}"),
  ]

  @Test("Schemas beyond the subset, with the place", arguments: schemas)
  func place(_ one: Case) throws {
    let bytes = Array(one.marked.utf8)
    let mark = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xC2 && bytes[$0 + 1] == 0xA7 })
    let error = try #require(refusal(Array(bytes[..<mark] + bytes[(mark + 2)...])), "accepted: \(one.marked)")
    #expect(error.kind == one.kind, "\(one.marked): \(error.reason)")
    #expect(error.position == mark, "\(one.marked): \(error.reason)")
  }

  @Test("Recursive schemas, whatever the way around")
  func recursion() {
    let schemas = [
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}}}"##,
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}"##,
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/a"}]}}}"##,
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"x":{"$ref":"#/$defs/b"}}},"##
        + ##""b":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/a"}]}}}"##,
      ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}"##,
    ]
    for schema in schemas { #expect(refusal(Array(schema.utf8))?.kind == .unsupported, "\(schema)") }
  }

  @Test("Shared definitions do not multiply without end")
  func sharing() {
    // Ten alternatives each of the next definition: 10^8 in all.
    var definitions = #""d8":{"type":"null"}"#
    for index in 0..<8 {
      let one = Array(repeating: ##"{"$ref":"#/$defs/d\##(index + 1)"}"##, count: 10).joined(separator: ",")
      definitions += #","d\#(index)":{"anyOf":[\#(one)]}"#
    }
    #expect(refusal(Array(##"{"$ref":"#/$defs/d0","$defs":{\##(definitions)}}"##.utf8))?.kind == .unsupported)
  }

  @Test("A region that is too small or not aligned")
  func region() throws {
    let schema = Array(#"{"type":"null"}"#.utf8)
    let needed = Constraint.workBytes(schemaBytes: schema.count)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: needed + 8, alignment: 64)
    defer { memory.deallocate() }
    for (start, count) in [(0, needed - 1), (4, needed), (0, 0)] {
      let region = UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + count])
      schema.withUnsafeBytes { source in
        _ = #expect(throws: ConstraintError(.badRegion, at: 0, "")) {
          try Constraint(jsonSchema: source, region: region)
        }
      }
    }
  }
}
