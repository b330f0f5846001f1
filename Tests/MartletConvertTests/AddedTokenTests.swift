import Foundation
import Testing

@testable import MartletConvert

/// Tokens that files beside tokenizer.model and tokenizer.json add. The ids are those of transformers 5.24.
@Suite struct AddedTokenTests {
  private func folder(_ body: (TokenizerFolder) throws -> Void) throws {
    let folder = try TokenizerFolder()
    defer { folder.remove() }
    try body(folder)
  }

  private func decoder(_ tokens: String, _ rest: String = "") -> String {
    "{\"added_tokens_decoder\":{\(tokens)},\"legacy\":false\(rest)}"
  }

  @Test func theFileOfOldFolders() throws {
    try folder {
      try $0.writePieces()
      try $0.write("{\"<|end|>\":9,\"<|start|>\":10,\"<tool>\":11}", "added_tokens.json")
      try $0.write("{\"eos_token\":\"<|end|>\",\"legacy\":false}", "tokenizer_config.json")
      let names = "{\"additional_special_tokens\":[{\"content\":\"<|start|>\"}]}"
      try $0.write(names, "special_tokens_map.json")
      let source = try $0.source(), tokenizer = try $0.tokenizer()
      #expect(tokenizer.tokenCount == 12 && source.notes.isEmpty)
      #expect(tokenizer.ends == [9, 2])
      #expect(try tokenizer.ids("<|start|>ab<|end|>a<tool>b") == [10, 6, 9, 4, 11, 5])
      // What something names is special, and no text spells it out; the others are found in every text.
      #expect(tokenizer.tokens[9...].map(\.type) == [.control, .control, .userDefined])
      #expect(try !tokenizer.ids("<|end|>", parsesSpecial: false).contains(9))
      #expect(try tokenizer.ids("<tool>", parsesSpecial: false) == [11])
    }
  }

  @Test func theDecoderOfTheConfiguration() throws {
    try folder {
      try $0.writePieces()
      let flags = "\"lstrip\":true,\"rstrip\":true,\"normalized\":false,\"single_word\":false"
      let tokens = """
        "11":{"content":"<|c|>"},"0":{"content":"<unk>","special":true},"10":{"content":"<|b|>","special":true},
        "9":{"content":"<|a|>","special":true,\(flags)},"2":{"content":"</s>","special":true}
        """
      try $0.write(decoder(tokens), "tokenizer_config.json")
      let tokenizer = try $0.tokenizer()
      #expect(tokenizer.tokens[9...].map(\.type) == [.control, .control, .userDefined])
      #expect(tokenizer.tokens[0].type == .unknown && tokenizer.ends == [2])
      #expect(try tokenizer.ids("ab <|a|> ab<|b|> ab<|c|>") == [8, 9, 6, 10, 8, 11])
    }
  }

  /// Behind an added token a text begins anew where the model's own rule puts a space before a text.
  @Test(arguments: [true, false]) func spacesBehindAddedTokens(legacy: Bool) throws {
    try folder {
      try $0.writePieces()
      let tokens = "\"9\":{\"content\":\"<|a|>\",\"special\":true},\"10\":{\"content\":\"<|b|>\"}"
      try $0.write("{\"added_tokens_decoder\":{\(tokens)},\"legacy\":\(legacy)}", "tokenizer_config.json")
      let behind = legacy ? 8 : 6
      #expect(try $0.tokenizer().ids("ab<|a|>ab<|b|>ab") == [8, 9, behind, 10, behind])
    }
  }

  @Test func piecesThatAreAddedTokensToo() throws {
    try folder {
      try $0.writePieces()
      let tokens = """
        "6":{"content":"ab"},"5":{"content":"b","special":true},"8":{"content":"▁ab"},"1":{"content":"<s>"}
        """
      try $0.write(decoder(tokens), "tokenizer_config.json")
      let tokenizer = try $0.tokenizer()
      #expect(tokenizer.tokens[4...8].map(\.type) == [.normal, .control, .userDefined, .byte, .normal])
      #expect(tokenizer.tokens[1].type == .control)
      #expect(try tokenizer.ids("aab ab") == [3, 4, 6, 3, 6])
      #expect(try tokenizer.ids("b") == [3, 5])
      #expect(try tokenizer.ids("b", parsesSpecial: false) == [3, 0])
    }
  }

  @Test func severalThousand() throws {
    try folder {
      try $0.writePieces()
      let members = (0..<5000).map { "\"\($0 + 9)\":{\"content\":\"<extra_\($0)>\",\"special\":\($0 % 2 == 0)}" }
      try $0.write(decoder(members.joined(separator: ",")), "tokenizer_config.json")
      let tokenizer = try TokenizerConversion(path: "\($0.path)/tokenizer.model").tokenizer
      #expect(tokenizer.tokenCount == 5009)
      #expect(try tokenizer.ids("<extra_7><extra_4999>a<extra_49>") == [16, 5008, 4, 58])
    }
  }

  /// As transformers: the decoder alone counts.
  @Test func theDecoderComesFirst() throws {
    try folder {
      try $0.writePieces()
      try $0.write(decoder("\"9\":{\"content\":\"<|a|>\"}"), "tokenizer_config.json")
      try $0.write("{\"<|a|>\":9,\"<s>\":1,\"<|b|>\":10}", "added_tokens.json")
      try $0.write("{\"eos_token\":\"<|a|>\"}", "special_tokens_map.json")
      let tokenizer = try $0.tokenizer()
      #expect(tokenizer.tokenCount == 10 && tokenizer.ends == [2])
      #expect(tokenizer.notes.count == 1 && tokenizer.notes[0].contains("added_tokens.json: \"<|b|>\" left out"))
      try $0.write("{\"<|a|>\":10}", "added_tokens.json")
      #expect($0.refusal().hasPrefix("added_tokens.json: \"<|a|>\" is token 10, but tokenizer_config.json: "))
    }
  }

  @Test func namesOfTokens() throws {
    try folder {
      try $0.writePieces()
      try $0.write("{\"<|a|>\":9,\"<|b|>\":10}", "added_tokens.json")
      try $0.write("{\"eos_token\":\"</s>\",\"bos_token\":\"\"}", "tokenizer_config.json")
      try $0.write("{\"eos_token\":{\"content\":\"<|a|>\"},\"bos_token\":\"<|b|>\"}", "special_tokens_map.json")
      let tokenizer = try $0.tokenizer()
      #expect(tokenizer.ends == [9, 2] && tokenizer.beginning == 10)
      try $0.write("{\"eos_token\":\"\",\"bos_token\":\"\",\"unk_token\":\"\"}", "special_tokens_map.json")
      let bare = try $0.tokenizer()
      #expect(bare.ends == [2] && bare.beginning == 1)
    }
  }

  @Test func contradictions() throws {
    func expect(_ words: String, added: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
      for isJSON in [false, true] {
        try folder {
          if isJSON { try $0.writeJSON() } else { try $0.writePieces() }
          try $0.write(added, "added_tokens.json")
          let line = $0.refusal()
          let wanted = words.replacingOccurrences(of: "FILE", with: isJSON ? "tokenizer.json" : "tokenizer.model")
          #expect(line.hasPrefix("added_tokens.json: "), "\(line)", sourceLocation: sourceLocation)
          #expect(line.contains(wanted), "\(line)", sourceLocation: sourceLocation)
        }
      }
    }
    try expect("\"ab\" is token 9, but in FILE it is token 6", added: "{\"ab\":9}")
    try expect("token 4 is \"<|a|>\", but in FILE it is \"a\"", added: "{\"<|a|>\":4}")
    try expect("\"<|b|>\" is token 11, but no file names token 10", added: "{\"<|a|>\":9,\"<|b|>\":11}")
    try expect(
      "\"[PAD]\" is token 12, but the model has only 12 rows",
      added: "{\"<|a|>\":9,\"<|b|>\":10,\"<|c|>\":11,\"[PAD]\":12}")
    try expect("\"<|a|>\" and \"<|b|>\" are both token 9", added: "{\"<|a|>\":9,\"<|b|>\":9}")
    try expect("tokens 9 and 10 are both \"<|a|>\"", added: "{\"<|a|>\":9,\"<|a|>\":10}")
    try expect("token id -1 is not within", added: "{\"<|a|>\":-1}")
    try expect("\"<|a|>\" has no token id", added: "{\"<|a|>\":\"9\"}")
    try expect("token 9 has no text", added: "{\"\":9}")
    try expect("is not a JSON object", added: "[9]")
    try expect("JSON: ", added: "{\"<|a|>\":")
  }

  @Test func decodersThatAreRefused() throws {
    func expect(_ words: String, _ tokens: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
      try folder {
        try $0.writePieces()
        try $0.write(decoder(tokens), "tokenizer_config.json")
        let line = $0.refusal()
        #expect(line.hasPrefix("tokenizer_config.json: added_tokens_decoder: "), sourceLocation: sourceLocation)
        #expect(line.contains(words), "\(line)", sourceLocation: sourceLocation)
      }
    }
    try expect("\"x\" is not a token id", "\"x\":{\"content\":\"<|a|>\"}")
    try expect("token 9 has no content", "\"9\":{\"special\":true}")
    try expect("token 9 has no content", "\"9\":\"<|a|>\"")
    try expect("added token 9 is for single words", "\"9\":{\"content\":\"<|a|>\",\"single_word\":true}")
    try expect("\"<0x0A>\" is a byte of tokenizer.model", "\"7\":{\"content\":\"<0x0A>\"}")
    try expect("\"▁x\" is no piece of tokenizer.model, but has its U+2581", "\"9\":{\"content\":\"▁x\"}")
    try expect("token id 1048576 is not within", "\"1048576\":{\"content\":\"x\"}")
  }

  /// tokenizer.json says how its own tokens are found; what it lacks is added.
  @Test func besideTokenizerJSON() throws {
    try folder {
      try $0.writeJSON(added: "[{\"id\":9,\"content\":\"<|a|>\",\"special\":true,\"rstrip\":true}]")
      try $0.write("{\"<|a|>\":9,\"<|b|>\":10,\"ab\":6}", "added_tokens.json")
      try $0.write("{\"eos_token\":\"<|b|>\"}", "special_tokens_map.json")
      let tokenizer = try $0.tokenizer()
      #expect(tokenizer.tokenCount == 11 && tokenizer.ends.first == 10)
      #expect(tokenizer.tokens[9].type == .control && tokenizer.tokens[9].flags == .stripsRight)
      #expect(try tokenizer.ids("a<|a|> ab<|b|>") == [3, 4, 9, 6, 10])
    }
  }
}
