import Testing

@testable import Martlet

/// Any bytes at all give a constraint or a typed error.
@Suite struct ConstraintHostileTests {
  @Test("Sources that are too long, too deep or cut off")
  func shapes() throws {
    #expect(refusal(Array(repeating: UInt8(ascii: "["), count: 1 << 20))?.kind == .overLimit)
    #expect(refusal(Array(repeating: UInt8(ascii: "["), count: Constraint.maxSourceBytes))?.kind == .overLimit)
    #expect(refusal(Array(repeating: UInt8(ascii: "["), count: 64))?.position == 64)
    #expect(refusal(Array(repeating: UInt8(ascii: "["), count: 65))?.position == 64)
    let deep = Array(String(repeating: #"{"a":"#, count: 10_000).utf8)
    #expect(refusal(deep)?.position == 64 * 5)
    for schema in constraintSchemas.map({ Array($0.utf8) }) {
      for count in 0..<schema.count {
        let error = try #require(refusal(Array(schema[..<count])), "accepted when cut at \(count)")
        #expect(error.kind == .syntax && error.position == count)
      }
    }
    let word = String(repeating: "7", count: 30_000)
    _ = try TestConstraint("{\"const\":\(word)}")
    _ = try TestConstraint("{\"type\":\"number\",\"minimum\":-\(word),\"maximum\":0.\(word)}")
    #expect(refusal(Array("{\"type\":\"integer\",\"minimum\":\(word)e\(word)}".utf8))?.kind == .nothingAllowed)
  }

  @Test("As much of everything as fits")
  func capacity() throws {
    func list(_ one: (Int) -> String) -> String {
      var text = ""
      var index = 0
      while text.utf8.count < 60_000 {
        text += (index == 0 ? "" : ",") + one(index)
        index += 1
      }
      return text
    }
    let schemas = [
      #"{"enum":[\#(list { "\($0 % 10)" })]}"#,
      #"{"type":"object","properties":{\#(list { #""\#($0)":{"const":1}"# })}}"#,
      #"{"type":"object","properties":{\#(list { #""\#($0)":{"type":["null","object"]}"# })}}"#,
      #"{"type":"null","examples":[\#(list { _ in "[]" })]}"#,
      #"{"type":"null","examples":[\#(list { _ in #"{"":1}"# })]}"#,
      #"{"type":"null","examples":{\#(list { #""\#($0)":1"# })}}"#,
      ##"{"$defs":{"a":{"type":"null"}},"type":"object","properties":{"##
        + list { ##""\##($0)":{"$ref":"#/$defs/a"}"## } + "}}",
    ]
    for schema in schemas { _ = try TestConstraint(schema) }
    let alternatives = #"{"anyOf":[\#(list { _ in #"{"const":1}"# })]}"#
    #expect(refusal(Array(alternatives.utf8))?.kind == .unsupported)
  }

  @Test("Changed bytes", arguments: constraintSchemas.indices)
  func changed(_ index: Int) throws {
    let schema = Array(constraintSchemas[index].utf8)
    var random = ConstraintRandom(UInt64(index) + 60)
    let pieces = [
      "{", "}", "[", "]", "\"", ",", ":", "\\", "\0", "9", "e", "-", "\u{FF}", "null", "\"anyOf\":", "\"type\":",
      "\"const\":", "\"items\":", "\"minLength\":", "1e99999", ##"{"$ref":"#/$defs/p"}"##,
    ]
    var constraints = 0
    for _ in 0..<1500 {
      var bytes = schema
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: bytes[place] = ConstraintHostileTests.alike(bytes[place], using: &random)
        case 2: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 3: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 4: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: place)
        default: bytes.removeSubrange(place..<min(place + Int.random(in: 1...9, using: &random), bytes.count))
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do {
        let test = try TestConstraint(schema: bytes)
        constraints += 1
        follow(test, using: &random)
      } catch {
        #expect(error.position >= 0 && error.position <= bytes.count)
      }
    }
    #expect(constraints > 5)
  }

  /// Another digit for a digit, another letter for a letter: what often still is a schema.
  private static func alike(_ byte: UInt8, using random: inout ConstraintRandom) -> UInt8 {
    switch byte {
    case 0x30...0x39: UInt8.random(in: 0x30...0x39, using: &random)
    case 0x61...0x7A: UInt8.random(in: 0x61...0x7A, using: &random)
    default: byte
    }
  }

  /// What compiled must have no dead end either.
  private func follow(_ test: TestConstraint, using random: inout ConstraintRandom) {
    var state = test.constraint.start
    for _ in 0..<12 {
      let next = test.successors(state)
      guard let pick = next.randomElement(using: &random) else {
        #expect(test.constraint.mustEnd(state))
        return
      }
      #expect(test.constraint.missingBytes(state) < 1 << 30)
      state = pick.state
    }
  }

  @Test("Bytes that a constraint refuses, from any state")
  func refusedBytes() throws {
    var random = ConstraintRandom(77)
    for schema in constraintSchemas {
      let test = try TestConstraint(schema)
      for _ in 0..<200 {
        var state = test.constraint.start
        var isRefused = false
        for _ in 0..<30 {
          let isTaken = test.constraint.advance(&state, byte: UInt8.random(in: 0...255, using: &random))
          #expect(!isRefused || !isTaken && !test.constraint.isComplete(state))
          isRefused = isRefused || !isTaken
        }
      }
    }
  }
}
