import Foundation
import MartletTestSupport
import Testing

@testable import Martlet

/// Text in, text out: what the generator adds to engine, tokenizer and sampler.
@Suite struct TextGeneratorTests {
  private static let model = TestLanguageModel.llama().file()
  private static let bare = TestLanguageModel.llama(tokenizer: nil).file()

  private static func sampling(_ seed: UInt64) -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = 3
    (options.topK, options.topP, options.minP, options.seed) = (0, 1, 0, seed)
    return options
  }

  private func text(_ tokens: [Int32], _ test: borrowing TestGenerator) -> [UInt8] {
    tokens.flatMap { Array(test.generator.tokenizer!.bytes(of: $0, special: false)) }
  }

  @Test func tokensOfATextAreItsBytes() throws {
    var test = try TestGenerator(Self.model)
    let words = "the end of the thing and 鳥"
    try test.append(words)
    let tokens = Array(test.generator.engine.tokens)
    #expect(tokens.first == 261)
    #expect(tokens.count < words.utf8.count)
    #expect(text(tokens, test) == Array(words.utf8))
  }

  @Test func whatIsRefusedChangesNothing() throws {
    var test = try TestGenerator(Self.model, context: 20)
    try test.append([1, 2, 3])
    let bits = test.bits
    #expect(throws: LanguageError.textTooLong(161, limit: 160)) { try test.append(String(repeating: "x", count: 161)) }
    #expect(throws: LanguageError.contextTooShort(21, room: 17)) { try test.append(String(repeating: "x", count: 100)) }
    #expect(throws: LanguageError.contextTooShort(19, room: 17)) { try test.append(String(repeating: "x", count: 18)) }
    for token: Int32 in [-1, 270, .max, .min] {
      #expect(throws: LanguageError.unknownToken(token, vocabulary: 270)) {
        _ = try [5, token].withUnsafeBufferPointer { (ids) throws(LanguageError) in try test.generator.place(ids) }
      }
    }
    #expect(test.bits == bits)
    #expect(test.generator.length == 3)
  }

  @Test func withoutTokenizerThereAreTokensOnly() throws {
    var test = try TestGenerator(Self.bare, constraintBytes: Constraint.workBytes(schemaBytes: 100))
    #expect(throws: LanguageError.noTokenizer) { try test.append("a") }
    try test.append([1, 2, 3])
    #expect(try test.next(5).count == 5)
  }

  @Test func aDroppedTokenLeavesNoTrace() throws {
    var test = try TestGenerator(Self.model)
    try test.append([1, 2, 3])
    let bits = test.bits
    let token = try test.next(1)
    #expect(test.generator.length == 4)
    test.generator.drop()
    #expect(test.generator.length == 3)
    #expect(try test.next(1) == token)
    #expect(test.bits == bits)
  }

  /// Reading asks before each step. What is there then is whole batches, and what comes behind them has the same bits.
  @Test func readingStopsAtEveryStep() throws {
    let tokens = (0..<200).map { Int32($0) }
    var whole = try TestGenerator(Self.model)
    var steps = 0
    try whole.append(tokens) {
      steps += 1
      return true
    }
    #expect(steps > 6)
    for last in 0..<steps {
      var test = try TestGenerator(Self.model)
      var asked = 0
      #expect(throws: LanguageError.interrupted) {
        try test.append(tokens) {
          asked += 1
          return asked <= last
        }
      }
      #expect(asked == last + 1)
      #expect([0, 64, 128, 192].contains(test.generator.length))
      try test.append(Array(tokens[test.generator.length...]))
      #expect(test.bits == whole.bits)
    }
  }

  /// A token that waits goes on waiting, also where the context had to slide before it.
  @Test func writingStopsAtEveryStep() throws {
    func begin() throws -> TestGenerator {
      var test = try TestGenerator(Self.model, context: 40)
      test.generator.policy = .slide
      test.generator.kept = 5
      try test.append((0..<20).map { Int32($0) })
      return test
    }
    var whole = try begin()
    let expected = try whole.next(60)
    var test = try begin()
    var tokens: [Int32] = []
    var stops = 0
    while tokens.count < 60 {
      // Each time a step later, until a token comes.
      for last in 0... {
        var asked = 0
        do throws(LanguageError) {
          let token = try test.generator.next(on: test.team) {
            asked += 1
            return asked <= last
          }
          if let token { tokens.append(token) }
          break
        } catch {
          #expect(error == .interrupted)
          stops += 1
        }
      }
    }
    #expect(tokens == expected && stops >= 59)
  }

  // MARK: Constraints

  private static let schema = """
    {"type": "object", "properties": {"name": {"type": "string", "maxLength": 30}, "age": {"type": "integer"},
    "kind": {"enum": ["bird", "fish"]}, "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 9}},
    "required": ["name", "age", "kind", "tags"], "additionalProperties": false}
    """

  /// Where the context is less than the tokens that are asked for, it is what the output must do with.
  @Test(arguments: UInt64(1)...10, [80, 256, nil]) func constrainedTextFitsTheContext(seed: UInt64, left: Int?) throws {
    let bytes = Array(Self.schema.utf8)
    var test = try TestGenerator(
      Self.model, context: 14 + 80, constraintBytes: Constraint.workBytes(schemaBytes: bytes.count),
      sampling: Self.sampling(seed))
    let region = test.generator.constraintRegion
    try test.generator.constrain(by: try bytes.withUnsafeBytes { try Constraint(jsonSchema: $0, region: region) })
    try test.append("the answer is ")
    var count = 0
    let room = test.generator.room
    while let token = try test.generator.next(on: test.team, left: left.map { $0 - count }) {
      if test.generator.tokenizer?.isEnd(token) == true { break }
      count += 1
    }
    let isComplete = test.generator.isComplete
    #expect(isComplete && count <= room + 1 && room < 150)
  }

  /// A model with random weights writes valid JSON, and is through with it before the tokens end.
  @Test(arguments: UInt64(1)...20) func constrainedTextIsComplete(seed: UInt64) throws {
    let bytes = Array(Self.schema.utf8)
    var test = try TestGenerator(
      Self.model, constraintBytes: Constraint.workBytes(schemaBytes: bytes.count), sampling: Self.sampling(seed))
    let region = test.generator.constraintRegion
    let constraint = try bytes.withUnsafeBytes { try Constraint(jsonSchema: $0, region: region) }
    try test.append("the answer is ")
    for limit in [80, 120] {
      try test.generator.constrain(by: constraint)
      var tokens: [Int32] = []
      while tokens.count < limit, let token = try test.generator.next(on: test.team, left: limit - tokens.count) {
        tokens.append(token)
      }
      let isComplete = test.generator.isComplete
      #expect(isComplete)
      let object = try JSONSerialization.jsonObject(with: Data(text(tokens, test))) as? [String: Any]
      #expect(Set(try #require(object).keys) == ["name", "age", "kind", "tags"])
      test.generator.drop()
      try test.generator.constrain(by: nil)
      test.generator.rewind(to: 14)
    }
  }
}
