import MartletTestSupport
import Testing

@testable import Martlet

/// Token ids of small vocabularies. Those expected are what Hugging Face `tokenizers` 0.23 gives for the same tokens,
/// merges and scores, with its models BPE (byte-level and with byte fallback) and Unigram.
@Suite struct TokenizerTests {
  private static func ids(
    _ text: String, _ source: TestTokenizer, parsesSpecial: Bool = false, isStart: Bool = false
  ) throws -> [Int32] {
    let section = TestMemory(copying: source.section()), bytes = TestMemory(copying: Array(text.utf8))
    let tokenizer = try Tokenizer(section.view)
    try tokenizer.validate()
    let work = TestMemory(tokenizer.workBytes(textBytes: bytes.bytes.count))
    var output = [Int32](repeating: -7, count: 64)
    let count = try output.withUnsafeMutableBufferPointer { (output) throws(TokenizerError) in
      try tokenizer.encode(
        bytes.view, parsesSpecial: parsesSpecial, isStart: isStart, work: work.bytes, into: output)
    }
    #expect(work.isIntact && output[count...].allSatisfy { $0 == -7 })
    return Array(output[..<count])
  }

  @Test(arguments: [
    ("the end of the thing and 鳥",
     [257, 32, 101, 110, 100, 32, 111, 102, 258, 32, 256, 105, 110, 103, 32, 260, 32, 233, 179, 165]),
    ("  the\n\nand  the", [32, 258, 10, 10, 260, 32, 258]),
    ("bathe 'the's", [98, 97, 257, 32, 39, 257, 39, 115]),
    ("don't band12 3 ", [100, 111, 110, 39, 116, 32, 98, 260, 49, 50, 32, 51, 32]),
    ("", []),
  ] as [(String, [Int32])]) func byteLevel(text: String, expected: [Int32]) throws {
    #expect(try Self.ids(text, .bytes()) == expected)
  }

  @Test func controlTokensAreReadWhereTheyAreAskedFor() throws {
    let text = "a</s>the<s>"
    #expect(try Self.ids(text, .bytes(), parsesSpecial: true) == [97, 262, 257, 261])
    let letters = [97] + Array("</s>".utf8).map { Int32($0) } + [257] + Array("<s>".utf8).map { Int32($0) }
    #expect(try Self.ids(text, .bytes()) == letters)
    #expect(try Self.ids("the", .bytes(), isStart: true) == [261, 257])
    // A text that begins with it gets no second one.
    #expect(try Self.ids("<s>the", .bytes(), parsesSpecial: true, isStart: true) == [261, 257])
  }

  private static let pieceTexts: [(String, [Int32])] = [
    (" abcabab", [6, 8, 7, 7]), (" bca aab", [6, 9, 3, 11, 7]), (" aaa\néa", [6, 10, 3, 13, 12, 3]),
    (" axb", [11, 0, 4]), (" cab abc aa", [6, 5, 7, 6, 8, 6, 10]),
  ]

  /// Scores in falling order and ranks say the same.
  @Test(arguments: pieceTexts) func pairsByScoreAndByRank(text: String, expected: [Int32]) throws {
    var tokenizer = TestTokenizer.pieces()
    tokenizer.flags = .fallsBackToBytes
    #expect(try Self.ids(text, tokenizer) == expected)
    tokenizer.model = .ranked
    tokenizer.merges = [("a", "b"), ("ab", "c"), ("a", "bc"), ("b", "c"), ("a", "a"), (" ", "a")]
    #expect(try Self.ids(text, tokenizer) == expected)
  }

  @Test func piecesBeginWithASpace() throws {
    for (text, expected) in Self.pieceTexts {
      #expect(try Self.ids(String(text.dropFirst()), .pieces(), isStart: true) == [1] + expected)
    }
  }

  @Test(arguments: [
    (" abcabab", [11, 9, 7, 7]), (" bca aab", [6, 9, 3, 11, 7]), (" aaaéa", [11, 3, 3, 12, 3]), (" axyb", [11, 0, 4]),
    (" cab abc aa", [6, 5, 7, 11, 9, 11, 3]),
  ] as [(String, [Int32])], [false, true]) func unigram(_ text: (String, [Int32]), sumsDoubles: Bool) throws {
    var tokenizer = TestTokenizer.pieces()
    tokenizer.model = .unigram
    let scores: [Float] = [-2, -2.5, -3, -1, -3.5, -7.5, -4, -4.5, -2.5, -5]
    for (index, score) in scores.enumerated() { tokenizer.tokens[3 + index].score = score }
    tokenizer.unknownScore = -17.5
    tokenizer.flags = .fusesUnknown
    if sumsDoubles { tokenizer.flags.insert(.sumsDoubles) }
    #expect(try Self.ids(text.0, tokenizer) == text.1)
  }

  /// A decomposed letter is the composed one where the vocabulary wants it so.
  @Test func normalization() throws {
    var tokenizer = TestTokenizer.bytes()
    #expect(try Self.ids("e\u{301}", tokenizer) == [101, 0xCC, 0x81])
    tokenizer.normalizer = .nfc
    #expect(try Self.ids("e\u{301}", tokenizer) == [0xC3, 0xA9])
  }

  @Test func textsThatDoNotFitAreRefused() throws {
    let section = TestMemory(copying: TestTokenizer.bytes().section())
    let tokenizer = try Tokenizer(section.view)
    let work = TestMemory(tokenizer.workBytes(textBytes: 8))
    func failure(_ text: String, room: Int) -> TokenizerError? {
      let bytes = TestMemory(copying: Array(text.utf8))
      var output = [Int32](repeating: 0, count: room)
      do {
        try output.withUnsafeMutableBufferPointer { (output) throws(TokenizerError) in
          _ = try tokenizer.encode(bytes.view, parsesSpecial: false, isStart: true, work: work.bytes, into: output)
        }
        return nil
      } catch {
        return error
      }
    }
    #expect(failure("the the", room: 3) == nil)
    #expect(failure("the the", room: 2) == .tooManyTokens)
    #expect(failure(String(repeating: "x", count: 400), room: 500) == .textTooLong)
  }
}
