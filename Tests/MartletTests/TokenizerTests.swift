import Foundation
import Testing

@testable import Martlet

/// Small vocabularies of every kind beside Hugging Face `tokenizers` and SentencePiece, whose token ids
/// Tests/Fixtures/make_tokenizer_cases.py wrote down.
@Suite struct TokenizerTests {
  static let fixtures = TokenizerFixture.all

  @Test(arguments: fixtures) func idsAreThoseOfOthers(fixture: TokenizerFixture) throws {
    try fixture.withTokenizer { tokenizer in
      for text in fixture.cases {
        let ids = try tokenizer.ids(text.bytes, parsesSpecial: text.parsesSpecial)
        #expect(ids == text.ids, "\(String(decoding: text.bytes, as: UTF8.self).debugDescription)")
      }
    }
  }

  @Test(arguments: fixtures) func textsComeBack(fixture: TokenizerFixture) throws {
    try fixture.withTokenizer { tokenizer in
      for text in fixture.cases {
        guard let wanted = text.back else { continue }
        #expect(tokenizer.text(of: text.ids) == wanted)
      }
    }
  }

  /// Every kind of model, and what each does with what it does not know.
  @Test func fixturesAreOfEveryKind() throws {
    var kinds: Set<String> = []
    for fixture in Self.fixtures {
      try fixture.withTokenizer { tokenizer in
        kinds.insert("\(tokenizer.model), \(tokenizer.flags.contains(.fallsBackToBytes) ? "bytes" : "unknown")")
        kinds.insert("\(tokenizer.normalizer)")
        if tokenizer.flags.contains(.collapsesSpaces) { kinds.insert("collapses") }
        if tokenizer.flags.contains(.prefixesStart) { kinds.insert("prefixes") }
      }
    }
    #expect(
      kinds == [
        "byteLevel, unknown", "ranked, bytes", "scored, bytes", "scored, unknown", "unigram, bytes", "unigram, unknown",
        "none", "nfc", "collapses", "prefixes",
      ])
  }

  @Test(arguments: fixtures) func theStartOfATextIsMarkedOnce(fixture: TokenizerFixture) throws {
    try fixture.withTokenizer { tokenizer in
      let whole = try tokenizer.ids(Array("touch".utf8))
      #expect(tokenizer.beginning == nil || whole.first == tokenizer.beginning)
      let later = try tokenizer.ids(Array("touch".utf8), isStart: false)
      #expect(tokenizer.beginning.map { !later.contains($0) } ?? true)
      let bare = try tokenizer.ids(Array("touch".utf8), addsBeginning: false)
      #expect(bare == Array(tokenizer.beginning == nil ? whole : Array(whole.dropFirst())))
      // A text that begins with it as a control token gets no other.
      guard let beginning = tokenizer.beginning else { return }
      let spelled = Array(tokenizer.bytes(of: beginning, special: true))
      #expect(try tokenizer.ids(spelled, parsesSpecial: true) == [beginning])
      #expect(try tokenizer.ids(spelled).count > 2)
    }
  }

  @Test(arguments: fixtures) func roomIsAskedFor(fixture: TokenizerFixture) throws {
    try fixture.withTokenizer { tokenizer in
      let text = Array("The martlet, touched".utf8)
      let ids = try tokenizer.ids(text)
      #expect(throws: TokenizerError.tooManyTokens) { try tokenizer.ids(text, room: ids.count - 1) }
      #expect(try tokenizer.ids(text, room: ids.count) == ids)
      #expect(throws: TokenizerError.textTooLong) { try tokenizer.ids(text, workBytes: 0) }
      #expect(throws: TokenizerError.textTooLong) {
        try tokenizer.ids(Array(repeating: 0x61, count: 2000), workBytes: tokenizer.workBytes(textBytes: 20))
      }
    }
  }

  /// Any bytes at all give tokens, within the room that is stated for them.
  @Test(arguments: fixtures) func anyBytes(fixture: TokenizerFixture) throws {
    try fixture.withTokenizer { tokenizer in
      var state: UInt64 = 7
      for count in 0..<200 {
        let bytes = (0..<count).map { _ -> UInt8 in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(truncatingIfNeeded: state >> 56)
        }
        let ids = try tokenizer.ids(bytes, parsesSpecial: count % 2 == 0)
        #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.count })
        #expect(try tokenizer.ids(bytes, parsesSpecial: count % 2 == 0) == ids)
        let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
        #expect(try tokenizer.ids(repaired, parsesSpecial: count % 2 == 0) == ids)
      }
    }
  }

  @Test(arguments: fixtures) func sectionsThatAreCut(fixture: TokenizerFixture) {
    for count in stride(from: 0, to: fixture.section.count, by: 97) {
      fixture.section.prefix(count).withUnsafeBytes { raw in
        _ = #expect(throws: ModelError.self) { try Tokenizer(raw).validate() }
      }
    }
  }
}
