import Foundation
import Martlet
import Testing

@testable import MartletConvert

/// Markers and end tokens that a vocabulary lacks: refused where a row of the model's is left for them.
@Suite struct ChatMarkerTests {
  private static let chatml =
    "{% for m in messages %}{{'<|im_start|>'+m['role']+'\\n'+m['content']+'<|im_end|>\\n'}}{% endfor %}"
    + "{% if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}"
  private static let zephyr =
    "{% for m in messages %}{{'<|'+m['role']+'|>\\n'+m['content']+eos_token+'\\n'}}{% endfor %}"
    + "{% if add_generation_prompt %}{{'<|assistant|>\\n'}}{% endif %}"

  private static func template(_ name: String) throws -> String {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try String(
      contentsOf: folder.appendingPathComponent("Fixtures/chat/\(name).jinja"), encoding: .utf8)
  }

  /// Bytes, `<s>`, `</s>`, the given control tokens, and rows without a token.
  private func model(_ tokens: [String], spare: Int, _ template: String) -> SyntheticLanguageModel {
    var tokenizer = SyntheticLanguageModel.byteTokenizer
    for text in tokens {
      tokenizer.tokens.append(.init(text: Array(text.utf8), type: .control, isSearched: false, isSpecial: true))
    }
    var model = SyntheticLanguageModel.llama(tokenizer: tokenizer)
    model.configuration.vocabularySize = tokenizer.tokenCount + spare
    model.chatTemplate = template
    return model
  }

  private func convert(_ model: SyntheticLanguageModel, as format: String? = nil) throws -> LanguageSummary {
    var options = LanguageConversionOptions()
    options.chatFormat = format
    options.group = 32
    return try LanguageConverter.convert(model, options: options).summary
  }

  private func refusal(_ model: SyntheticLanguageModel) -> String {
    do {
      _ = try convert(model)
      return ""
    } catch {
      #expect((error as? ConversionError)?.lines.count == 1)
      return (error as? ConversionError)?.lines.first ?? "\(error)"
    }
  }

  @Test func lostMarkersAreRefused() throws {
    let both = refusal(model([], spare: 2, Self.chatml))
    #expect(both.contains("the chat template writes <|im_start|>, <|im_end|>, which the tokenizer does not have"))
    #expect(both.contains("2 of the model's rows belong to no token") && both.contains("--chat-format chatml"))
    #expect(refusal(model(["<|im_end|>"], spare: 1, Self.chatml)).contains("writes <|im_start|>, which"))
    #expect(refusal(model(["<|im_start|>"], spare: 1, Self.chatml)).contains("writes <|im_end|>, which"))
    #expect(refusal(model(["<|im_start|>", "<|im_end|>"], spare: 9, Self.chatml)) == "")
    let llama = try Self.template("llama-3")
    #expect(refusal(model(["<|eot_id|>"], spare: 5, llama)).contains("<|start_header_id|>, <|end_header_id|>, which"))
    let gemma = try Self.template("gemma-2")
    #expect(refusal(model(["<end_of_turn>"], spare: 5, gemma)).contains("writes <start_of_turn>, which"))
    #expect(refusal(model([], spare: 5, gemma)).contains("<start_of_turn>, <end_of_turn>, which"))
  }

  /// Without a row for them the markers were always letters; nor are these control tokens, whatever rows are left.
  @Test(arguments: [0, 7]) func ordinaryMarkersAreNot(spare: Int) throws {
    if spare == 0 { #expect(refusal(model([], spare: 0, Self.chatml)) == "") }
    for name in ["llama-2", "mistral-v0.1", "mistral-v1", "zephyr"] {
      #expect(refusal(model([], spare: spare, try Self.template(name))) == "", "\(name)")
    }
    #expect(refusal(model([], spare: spare, Self.zephyr)) == "")
    // Qwen's calls of tools have markers that no conversation without tools has.
    let qwen = try Self.template("qwen2.5")
    #expect(refusal(model(["<|im_start|>", "<|im_end|>"], spare: spare, qwen)) == "")
  }

  /// GGUF has a token for each row: those without a name are unused.
  @Test func rowsWithoutANameAreLeftOver() {
    var source = model([], spare: 0, Self.chatml)
    let pad = TokenizerSource.Token(text: Array("[PAD]".utf8), type: .unused, isSearched: false)
    source.tokenizer?.tokens += [pad, pad]
    source.configuration.vocabularySize += 2
    #expect(refusal(source).contains("2 of the model's rows"))
  }

  /// Who names the format has decided, and is told.
  @Test func aNamedFormatIsANote() throws {
    let summary = try convert(model([], spare: 2, Self.chatml), as: "chatml")
    #expect(summary.notes.contains { $0.contains("<|im_start|>, <|im_end|> of the chat format are no tokens") })
    let whole = try convert(model(["<|im_start|>", "<|im_end|>"], spare: 2, Self.chatml), as: "chatml")
    #expect(!whole.notes.contains { $0.contains("no tokens, but") })
  }

  @Test(arguments: ["generation_config.json", "config.json"]) func endsWithoutATokenAreRefused(file: String) throws {
    let folder = try TokenizerFolder()
    defer { folder.remove() }
    try folder.writePieces()
    let path = "\(folder.path)/\(file)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    if file == "config.json" { try FileManager.default.removeItem(atPath: "\(folder.path)/generation_config.json") }
    try folder.write(text.replacingOccurrences(of: "\"eos_token_id\": 2", with: "\"eos_token_id\": [2, 9]"), file)
    let line = folder.refusal()
    #expect(line.hasPrefix("\(file): eos_token_id 9 is no token, the tokenizer has only 9"), "\(line)")
    try folder.write("{\"<|end|>\":9}", "added_tokens.json")
    #expect(try folder.tokenizer().ends == [2, 9])
  }

  @Test func endsWithoutATokenAreRefusedByName() throws {
    let folder = try TokenizerFolder()
    defer { folder.remove() }
    try folder.writePieces()
    for file in ["tokenizer_config.json", "special_tokens_map.json"] {
      try folder.write("{\"eos_token\":\"<|end|>\"}", file)
      let line = folder.refusal()
      #expect(line.hasPrefix("\(file): eos_token \"<|end|>\" is no token"), "\(line)")
    }
  }
}
