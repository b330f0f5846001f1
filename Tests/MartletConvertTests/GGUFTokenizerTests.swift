import Foundation
import Martlet
import Testing

@testable import MartletConvert

/// What a GGUF file leaves open about its tokenizer is said, or refused.
@Suite struct GGUFTokenizerTests {
  /// Byte-level: the printable bytes, one merge, and a token of each type behind them.
  private func metadata(_ change: (inout [String: GGUFValue]) -> Void = { _ in }) -> [String: GGUFValue] {
    let letters = (33...126).map { [UInt8($0)] } + [Array("ab".utf8)]
    let others: [(String, TokenType)] = [
      ("<unk>", .unknown), ("<|im_end|>", .normal), ("<|c|>", .control), ("<u>", .userDefined), ("[PAD]", .unused),
    ]
    var values: [String: GGUFValue] = [
      "model": .string(Array("gpt2".utf8)), "pre": .string(Array("gpt-2".utf8)),
      "tokens": .strings(letters + others.map { Array($0.0.utf8) }),
      "token_type": .integers(letters.map { _ in 1 } + others.map { Int64($0.1.rawValue) }),
      "merges": .strings([Array("a b".utf8)]),
    ]
    change(&values)
    return Dictionary(uniqueKeysWithValues: values.map { ("tokenizer.ggml." + $0.key, $0.value) })
  }

  @Test func aMissingPreTokenizerIsNoted() throws {
    #expect(try TokenizerSource(gguf: metadata()).notes.isEmpty)
    let source = try TokenizerSource(gguf: metadata { $0["pre"] = nil })
    #expect(source.words == .plain)
    #expect(source.notes.count == 1 && source.notes[0].hasPrefix("tokenizer.ggml.pre is missing: "))
    let stated = try TokenizerSource(gguf: metadata { $0["pre"] = .string(Array("default".utf8)) })
    #expect(stated.words == .plain && stated.notes.isEmpty)
  }

  @Test func anUnknownPreTokenizerIsRefused() {
    let error = #expect(throws: ConversionError.self) {
      try TokenizerSource(gguf: metadata { $0["pre"] = .string(Array("gpt-9".utf8)) })
    }
    #expect(error?.lines.first?.hasPrefix("tokenizer.ggml.pre \"gpt-9\" is not supported; gpt-2, ") == true)
  }

  /// Control and user-defined tokens are found as llama.cpp finds them, unused ones never; a known end is a control
  /// token, whatever its type says.
  @Test func typesOfTokens() throws {
    let source = try TokenizerSource(gguf: metadata())
    let first = 95
    #expect(source.tokens[first...].map(\.type) == [.unknown, .control, .control, .userDefined, .unused])
    #expect(source.ends == [first + 1])
    #expect(try source.ids("<u>a<|c|>") == [first + 3, 64, first + 2])
    #expect(try source.ids("<u><|c|>", parsesSpecial: false).first == first + 3)
    #expect(try !source.ids("<|c|><|im_end|>", parsesSpecial: false).contains { $0 >= first })
    #expect(try !source.ids("[PAD]").contains { $0 >= first })
  }
}
