import Martlet

@testable import MartletConvert

/// A tiny language model out of nothing: any configuration, weights by a generator, and a byte-level tokenizer.
struct SyntheticLanguageModel: LanguageSource {
  var configuration: LanguageConfiguration
  var tokenizer: TokenizerSource?
  var seed: UInt64 = 1
  var chatTemplate: String?
  var name: String { "synthetic" }
  var formatName: String { "test" }
  var sha256: String { "" }
  var notes: [String] { [] }

  /// Matrices around 0, so that activations keep their size; norms around 1.
  func values(_ tensor: LanguageTensor) throws(ConversionError) -> [Float] {
    let shape = configuration.shape(of: tensor) ?? []
    var state = LanguageFixtures.key(tensor).utf8.reduce(seed &+ 0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let spread = shape.count == 2 ? 3 / Float(shape[1]).squareRoot() : 0.6
    let centre: Float = "\(tensor)".contains("Norm") ? 1 : 0
    return (0..<shape.reduce(1, *)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return centre + spread * (Float(state >> 40) / 16_777_216 - 0.5)
    }
  }

  /// Three layers, four heads on two pairs of keys and values, seven rows more than there are tokens.
  static func llama(seed: UInt64 = 1, tokenizer: TokenizerSource? = byteTokenizer) -> SyntheticLanguageModel {
    let configuration = LanguageConfiguration(
      family: .llama, vocabularySize: (tokenizer?.tokenCount ?? 250) + 7, hiddenSize: 32, layerCount: 3, headCount: 4,
      keyValueHeadCount: 2, headSize: 8, feedForwardSize: 48, contextLength: 512, normEpsilon: 1e-5, activation: .silu,
      ropeTheta: 10000, ropeScaling: .none, localRopeTheta: nil, window: nil, isWindowed: [false, false, false],
      attentionScale: 1 / Float(8).squareRoot(), attentionSoftCap: nil, outputSoftCap: nil, embeddingScale: 1,
      hasQueryKeyNorm: false, hasQueryKeyValueBias: false, hasPostNorms: false, isHeadTied: true)
    return SyntheticLanguageModel(configuration: configuration, tokenizer: tokenizer, seed: seed)
  }

  /// Every byte, a few merges, and `<s>` and `</s>` behind them.
  static let byteTokenizer: TokenizerSource = {
    var source = TokenizerSource(model: .byteLevel)
    source.words = .gpt2
    source.tokens = (0..<256).map { .init(text: [UInt8($0)], type: .normal, isSearched: true) }
    for text in ["th", "the", " the", "an", "and"] {
      source.tokens.append(.init(text: Array(text.utf8), type: .normal, isSearched: true))
    }
    func id(_ text: String) -> Int32 { Int32(source.tokens.firstIndex { $0.text == Array(text.utf8) }!) }
    for (left, right) in [("t", "h"), ("th", "e"), (" ", "the"), ("a", "n"), ("an", "d")] {
      source.merges.append(.init(left: id(left), right: id(right), merged: id(left + right)))
    }
    for text in ["<s>", "</s>"] {
      source.tokens.append(.init(text: Array(text.utf8), type: .control, isSearched: false, isSpecial: true))
    }
    source.flags = .addsBeginning
    source.beginning = source.tokens.count - 2
    source.ends = [source.tokens.count - 1]
    return source
  }()

  /// Fifteen tokens with scores.
  static let pieceTokenizer: TokenizerSource = {
    var source = TokenizerSource(model: .scored)
    source.tokens = [
      .init(text: Array("<unk>".utf8), type: .unknown, isSearched: false, isSpecial: true),
      .init(text: Array("<s>".utf8), type: .control, isSearched: false, isSpecial: true),
      .init(text: Array("</s>".utf8), type: .control, isSearched: false, isSpecial: true),
    ]
    for (rank, text) in ["a", "b", "c", " ", "ab", "abc", "bc", "aa", " a", "é"].enumerated() {
      source.tokens.append(.init(text: Array(text.utf8), type: .normal, score: -Float(rank), isSearched: true))
    }
    source.tokens.append(.init(text: [0x0A], type: .byte, isSearched: false))
    source.tokens.append(.init(text: [0xFF], type: .byte, isSearched: false))
    source.flags = .addsBeginning | .prefixesStart | .fallsBackToBytes
    source.unknown = 0
    source.beginning = 1
    source.ends = [2]
    return source
  }()

  func file(_ weights: LanguageWeights = .int8) throws -> [UInt8] {
    var options = LanguageConversionOptions()
    options.weights = weights
    return try LanguageConverter.convert(self, options: options).bytes
  }
}
