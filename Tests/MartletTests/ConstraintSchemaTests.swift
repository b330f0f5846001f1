import Testing

@testable import Martlet

@Suite struct ConstraintSchemaTests {
  struct Case: Sendable {
    let schema: String
    let accepted: [String]
    let refused: [String]
  }

  static let cases = [
    Case(
      schema: #"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"},"c":{"type":"boolean"}},"#
        + #""required":["b"]}"#,
      accepted: [
        #"{"b":null}"#, #"{"a":1,"b":null}"#, #"{"a": 1, "b": null, "c": true}"#, #"{"b":null,"c":false}"#,
      ],
      refused: [
        "{}", #"{"a":1}"#, #"{"b":null,"a":1}"#, #"{"b":null,}"#, #"{"b":null,"d":1}"#, #"{ "b":null}"#,
        #"{"b" :null}"#, #"{"b":  null}"#, #"{"b":null }"#, #" {"b":null}"#, #"{"b":null} "#, #"{"b":null,"b":null}"#,
        "null", "[]", #"{"b":null"#,
      ]),
    Case(schema: #"{"type":"object"}"#, accepted: ["{}"], refused: [#"{"a":1}"#, "{ }", "{,}"]),
    Case(
      schema: #"{"type":"object","properties":{"":{"const":1},"\u0041\"":{"const":2}}}"#,
      accepted: ["{}", #"{"":1}"#, #"{"A\"":2}"#, #"{"":1,"A\"":2}"#], refused: [#"{"\u0041\"":2}"#, #"{"A"":2}"#]),
    Case(
      schema: #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"#,
      accepted: ["[1]", "[1,2]", "[1, 2, -3]"],
      refused: ["[]", "[1,2,3,4]", "[1,]", "[,1]", "[1 ,2]", "[1.5]", "[1"]),
    Case(schema: #"{"type":"array","items":{"type":"null"},"maxItems":0}"#, accepted: ["[]"], refused: ["[null]"]),
    Case(
      schema: #"{"type":"string","minLength":1,"maxLength":2}"#,
      accepted: [
        #""a""#, #""ab""#, #""üü""#, #""😀😀""#, #""\ud83d\ude00\uD83D\uDE00""#, #""\"\\""#, #""\/\b""#, #""\f\n""#,
        #""\r\t""#, #""\u0000a""#, "\"\u{7F}\u{10FFFF}\"", #""\uFFFF\ud7ff""#,
      ],
      refused: [
        #""""#, #""abc""#, #""\ud83d""#, #""\ud83d\u0041""#, #""\ude00""#, #""\x""#, #""\u12g4""#, "\"\n\"",
        "\"\u{1F}\"",
        #""a"#, "a", #""\ud83d\ud83d""#, #""\ud83da""#,
      ]),
    Case(
      schema: #"{"type":"number"}"#,
      accepted: ["0", "-0", "1.5", "-12.25", "1e5", "1E+05", "2.5e-10", "123456789012345678", "0.12345678901234567"],
      refused: ["01", "-", "1.", ".5", "+1", "1e", "1e+", "1e100", "1234567890123456789", "NaN", "1 ", "--1", "0x1"]),
    Case(
      schema: #"{"type":"integer"}"#, accepted: ["0", "-1", "999999999999999999", "-999999999999999999"],
      refused: ["-0", "1.0", "1e2", "01", "1000000000000000000"]),
    Case(
      schema: #"{"type":"integer","minimum":17,"maximum":1703}"#, accepted: ["17", "18", "99", "170", "1000", "1703"],
      refused: ["1", "16", "1704", "1800", "18000", "-17", "0", "2000"]),
    Case(
      schema: #"{"type":"integer","minimum":1.5,"exclusiveMaximum":1.2e1}"#, accepted: ["2", "11"],
      refused: ["1", "12"]),
    Case(
      schema: #"{"type":"number","minimum":-0.5,"exclusiveMaximum":2}"#,
      accepted: ["-0.5", "0", "0.0", "1.999999", "-0.000001", "1"],
      refused: ["-0.500001", "2", "2.0", "-0", "-0.0", "1.9999999", "1e0", "-1"]),
    Case(
      schema: #"{"type":["string","null","integer"],"maxLength":1,"maximum":5}"#,
      accepted: ["null", #""a""#, "5", "-7"], refused: ["6", #""ab""#, "true", "5.0"]),
    Case(
      schema: #"{"enum":["scratch","scratched",1,12,1.50,null,true,"a\u0062\n"]}"#,
      accepted: [#""scratch""#, #""scratched""#, "1", "12", "1.50", "null", "true", #""ab\n""#],
      refused: [#""scratche""#, "123", "1.5", "false", "scratch", #""a\u0062\n""#]),
    Case(schema: #"{"type":"integer","enum":["x",1,1.5,2]}"#, accepted: ["1", "2"], refused: ["1.5", #""x""#]),
    Case(schema: #"{"const":12345678901234567890}"#, accepted: ["12345678901234567890"], refused: ["1", "2"]),
    Case(
      schema: #"{"anyOf":[{"type":"integer","maximum":9},{"type":"number","minimum":100},{"const":"x"}]}"#,
      accepted: ["9", "-3", "100.5", "100", #""x""#], refused: ["10", "9.5", "99.9", #""y""#]),
    Case(
      schema: #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"null"}},"required":["k","v"]},"#
        + #"{"type":"object","properties":{"k":{"const":"b"},"w":{"type":"null"}},"required":["k"]},{"type":"null"}]}"#,
      accepted: [#"{"k":"a","v":null}"#, #"{"k":"b"}"#, #"{"k":"b","w":null}"#, "null"],
      refused: [#"{"k":"a"}"#, #"{"k":"a","w":null}"#, #"{"k":"b","v":null}"#, #"{"k":"c"}"#]),
    // Alternatives that become one again, inside an array.
    Case(
      schema: #"{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"number"},{"enum":[1,2]}]}}"#,
      accepted: ["[]", "[1,2.5,1,1,1,1,1,1,1,1,1,1]", "[1e3, 2]"], refused: ["[1,a]", "[01]"]),
    // If they did not, the first array's would leave no room for the second array.
    Case(
      schema: #"{"anyOf":[{"type":"array","maxItems":3,"items":{"anyOf":[{"type":"integer"},{"type":"number"},"#
        + #"{"const":1}]}},{"type":"array","maxItems":6,"items":{"anyOf":[{"type":"integer"},{"type":"number"}]}}]}"#,
      accepted: ["[1,1,1]", "[1,1,1,1]", "[1, 1, 1, 1, 1, 2.5]"], refused: ["[1,1,1,1,1,1,1]"]),
    Case(
      schema: ##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"type":"null"}}}"##,
      accepted: ["null"], refused: ["{}"]),
    Case(
      schema: #"{"title":"t","description":"d","default":[{"x":1}],"examples":[],"$schema":"s","$id":"i","#
        + #""$comment":"","type":"null"}"#,
      accepted: ["null"], refused: []),
  ]

  @Test("Outputs that satisfy a schema, and others", arguments: cases)
  func outputs(_ one: Case) throws {
    let constraint = try TestConstraint(one.schema)
    for text in one.accepted { #expect(constraint.accepts(text), "\(text) of \(one.schema)") }
    for text in one.refused { #expect(!constraint.accepts(text), "\(text) of \(one.schema)") }
  }

  @Test("Only well-formed UTF-8 gets into a string")
  func encoding() throws {
    let constraint = try TestConstraint(#"{"type":"string"}"#)
    let wrong: [[UInt8]] = [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0x80, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5], [0xFF], [0xC3, 0x22], [0xE2, 0x82, 0x22],
    ]
    for bytes in wrong { #expect(constraint.state(after: [0x22] + bytes) == nil, "\(bytes)") }
    for text in ["\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"] {
      #expect(constraint.accepts("\"\(text)\""))
    }
  }

  @Test("Every integer of many ranges, against counting")
  func integerRanges() throws {
    var random = ConstraintRandom(3)
    for _ in 0..<60 {
      let bounds = [Int.random(in: -1200...1200, using: &random), Int.random(in: -1200...1200, using: &random)].sorted()
      let constraint = try TestConstraint(#"{"type":"integer","minimum":\#(bounds[0]),"maximum":\#(bounds[1])}"#)
      for value in -1500...1500 {
        let isWithin = value >= bounds[0] && value <= bounds[1]
        #expect(constraint.accepts("\(value)") == isWithin, "\(value) in \(bounds)")
      }
    }
  }

  @Test("Limits without maxLength and maxItems")
  func defaults() throws {
    let string = try TestConstraint(#"{"type":"string"}"#)
    let longest = Int(Constraint.defaultStringLength)
    #expect(string.accepts("\"" + String(repeating: "ü", count: longest) + "\""))
    #expect(!string.accepts("\"" + String(repeating: "ü", count: longest + 1) + "\""))
    let least = try TestConstraint(#"{"type":"string","minLength":300}"#)
    #expect(least.accepts("\"" + String(repeating: "x", count: 300) + "\""))
    let array = try TestConstraint(#"{"type":"array","items":{"type":"null"}}"#)
    let most = Int(Constraint.defaultArrayCount)
    #expect(array.accepts("[" + Array(repeating: "null", count: most).joined(separator: ",") + "]"))
    #expect(!array.accepts("[" + Array(repeating: "null", count: most + 1).joined(separator: ",") + "]"))
  }

  @Test("Thirty-two levels, and no more")
  func depth() throws {
    func nested(_ levels: Int) -> String {
      String(repeating: #"{"type":"array","items":"#, count: levels) + #"{"type":"null"}"#
        + String(repeating: "}", count: levels)
    }
    let constraint = try TestConstraint(nested(32))
    #expect(constraint.accepts(String(repeating: "[", count: 32) + "null" + String(repeating: "]", count: 32)))
    #expect(refusal(Array(nested(33).utf8))?.kind == .unsupported)
  }

  @Test("Eight alternatives side by side, and no more")
  func alternatives() throws {
    func schema(_ count: Int) -> String {
      let one = (0..<count).map { #"{"type":"object","properties":{"k":{"const":"\#($0)"}},"required":["k"]}"# }
      return #"{"anyOf":[\#(one.joined(separator: ","))]}"#
    }
    let constraint = try TestConstraint(schema(8))
    for index in 0..<8 { #expect(constraint.accepts(#"{"k":"\#(index)"}"#)) }
    #expect(!constraint.accepts(#"{"k":"8"}"#))
    #expect(refusal(Array(schema(9).utf8))?.kind == .overLimit)
  }

  @Test("An output that may end, and one that must")
  func ends() throws {
    let number = try TestConstraint(#"{"type":"integer","minimum":1,"maximum":12}"#)
    for (text, isComplete, mustEnd) in [("1", true, false), ("2", true, true), ("12", true, true), ("", false, false)] {
      let state = try #require(number.state(after: text.utf8))
      #expect(number.constraint.isComplete(state) == isComplete)
      #expect(number.constraint.mustEnd(state) == mustEnd)
    }
    #expect(try #require(number.state(after: [])).mode == .value)
    #expect(number.state(after: "0".utf8) == nil)
  }
}
