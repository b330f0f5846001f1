import Testing

@testable import Martlet

/// A vocabulary in memory.
final class TestVocabulary: ConstraintVocabulary {
  let texts: [UnsafeMutableRawBufferPointer]
  let ends: Set<Int32>
  let controls: Set<Int32>

  init(_ texts: [[UInt8]], ends: Set<Int32>, controls: Set<Int32>) {
    self.texts = texts.map { text in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
      copy.copyBytes(from: text)
      return copy
    }
    self.ends = ends
    self.controls = controls
  }

  deinit { for text in texts { text.deallocate() } }

  var count: Int { texts.count }
  func bytes(of token: Int32) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(texts[Int(token)]) }
  func isControl(_ token: Int32) -> Bool { controls.contains(token) }
  func isEnd(_ token: Int32) -> Bool { ends.contains(token) }

  /// Every byte once, pieces of JSON with long shared prefixes, repeated texts, empty ones; two ends, two controls.
  static func random(_ count: Int, using random: inout ConstraintRandom) -> TestVocabulary {
    var texts = (UInt8.min...UInt8.max).map { [$0] } + [[], [], Array("{}".utf8), Array("null".utf8)]
    let pieces = [
      #"{""#, "{", "}", "[", "]", ",", ", ", ":", ": ", "\"", "\":", "a", "ab", "abc", "k", "v", "x", "1", "12", "0.",
      "null", "true", "-", "\\u", "d8", "ü", "  ", "\"k\": \"x\"",
    ]
    while texts.count < count {
      let text = (0..<Int.random(in: 1...6, using: &random)).flatMap { _ in
        Array((pieces.randomElement(using: &random) ?? "").utf8)
      }
      texts.append(Bool.random(using: &random) ? text : text + text)
    }
    // Past the bytes of a prefix that are remembered, and past what a shared length can say.
    texts += [Array("{\"k\":\"".utf8) + Array(repeating: 0x61, count: 60)]
    for length in [31, 32, 33, 34, 35, 254, 255, 256, 300] {
      texts.append([0x22] + Array(repeating: 0x61, count: length))
    }
    texts.append([0x22] + Array(repeating: 0x61, count: 300) + [0x22])
    texts.shuffle(using: &random)
    let special = Array(texts.indices.filter { texts[$0].count != 1 }.prefix(4)).map { Int32($0) }
    return TestVocabulary(texts, ends: [special[0], special[1]], controls: [special[1], special[2], special[3]])
  }
}

@Suite struct ConstraintMaskTests {
  private static func order(_ vocabulary: TestVocabulary) throws -> (TokenOrder, UnsafeMutableRawBufferPointer) {
    let region = UnsafeMutableRawBufferPointer.allocate(
      byteCount: TokenOrder.workBytes(tokens: vocabulary.count), alignment: 64)
    return (try TokenOrder(vocabulary, region: region), region)
  }

  @Test("Tokens sorted by bytes, with what each shares with the one before")
  func sorted() throws {
    var random = ConstraintRandom(5)
    let vocabulary = TestVocabulary.random(900, using: &random)
    let (order, region) = try ConstraintMaskTests.order(vocabulary)
    defer { region.deallocate() }
    let expected = (0..<Int32(vocabulary.count)).filter {
      !vocabulary.isControl($0) && !vocabulary.isEnd($0) && vocabulary.bytes(of: $0).count > 0
    }
    #expect(order.count == expected.count)
    let ids = (0..<order.count).map { order.ids[$0] }
    #expect(ids.sorted() == expected)
    for index in 1..<order.count {
      let before = Array(vocabulary.bytes(of: ids[index - 1]))
      let text = Array(vocabulary.bytes(of: ids[index]))
      #expect(!text.lexicographicallyPrecedes(before))
      #expect(Int(order.common[index]) == min(zip(before, text).prefix { $0 == $1 }.count, 255))
    }
  }

  @Test("The mask is what advancing over each token says", arguments: constraintSchemas.indices)
  func bruteForce(_ schema: Int) throws {
    var random = ConstraintRandom(UInt64(schema) + 20)
    let test = try TestConstraint(constraintSchemas[schema])
    let vocabulary = TestVocabulary.random(700, using: &random)
    let (order, region) = try ConstraintMaskTests.order(vocabulary)
    defer { region.deallocate() }
    var words = [UInt32](repeating: .max, count: (vocabulary.count + 31) / 32)
    var state = test.constraint.start
    for _ in 0..<40 {
      let left = Bool.random(using: &random) ? nil : Int.random(in: 0...40, using: &random)
      let set = test.constraint.mask(state, tokenizer: vocabulary, order: order, tokensLeft: left, into: &words)
      var expected = 0
      for token in 0..<Int32(vocabulary.count) {
        let isSet = words[Int(token) / 32] >> UInt32(token % 32) & 1 == 1
        let isAllowed = ConstraintMaskTests.isAllowed(token, state, test.constraint, vocabulary, left)
        #expect(isSet == isAllowed, "token \(token): \(String(decoding: vocabulary.bytes(of: token), as: UTF8.self))")
        expected += isAllowed ? 1 : 0
      }
      #expect(set == expected)
      guard let next = test.successors(state).randomElement(using: &random) else {
        state = test.constraint.start
        continue
      }
      state = next.state
    }
  }

  private static func isAllowed(
    _ token: Int32, _ start: ConstraintState, _ constraint: Constraint, _ vocabulary: TestVocabulary, _ left: Int?
  ) -> Bool {
    if vocabulary.isEnd(token) { return constraint.isComplete(start) }
    let bytes = vocabulary.bytes(of: token)
    if vocabulary.isControl(token) || bytes.count == 0 { return false }
    var state = start
    for byte in bytes where !constraint.advance(&state, byte: byte) { return false }
    guard let left, left > 0, constraint.missingBytes(start) <= left else { return true }
    return constraint.missingBytes(state) <= left - 1
  }

  @Test("With a token for each byte an output is complete when tokens run out", arguments: constraintSchemas.indices)
  func budget(_ schema: Int) throws {
    var random = ConstraintRandom(UInt64(schema) + 40)
    let test = try TestConstraint(constraintSchemas[schema])
    let vocabulary = TestVocabulary.random(400, using: &random)
    let (order, region) = try ConstraintMaskTests.order(vocabulary)
    defer { region.deallocate() }
    var words = [UInt32](repeating: 0, count: (vocabulary.count + 31) / 32)
    for _ in 0..<8 {
      var state = test.constraint.start
      var left = test.constraint.missingBytes(state) + Int.random(in: 0...6, using: &random)
      while left > 0, !test.constraint.mustEnd(state) {
        test.constraint.mask(state, tokenizer: vocabulary, order: order, tokensLeft: left, into: &words)
        let allowed = (0..<Int32(vocabulary.count)).filter {
          words[Int($0) / 32] >> UInt32($0 % 32) & 1 == 1 && !vocabulary.isEnd($0)
        }
        guard let token = allowed.randomElement(using: &random) else { break }
        for byte in vocabulary.bytes(of: token) { #expect(test.constraint.advance(&state, byte: byte)) }
        left -= 1
      }
      #expect(test.constraint.isComplete(state))
    }
  }
}
