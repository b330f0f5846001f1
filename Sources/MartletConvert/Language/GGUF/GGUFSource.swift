/// A language model from a GGUF file.
struct GGUFSource: LanguageSource {
  let configuration: LanguageConfiguration
  let tokenizer: TokenizerSource?
  let chatTemplate: String?
  let notes: [String]
  private let file: GGUFFile
  private let isInterleaved: Bool

  var name: String { file.name }
  var formatName: String { "GGUF v\(file.version)" }
  var sha256: String { file.file.sha256 }

  init(_ path: String) throws(ConversionError) { try self.init(GGUFFile(path)) }

  init(_ file: GGUFFile) throws(ConversionError) {
    self.file = file
    let opened = try named(file.name) { () throws(ConversionError) in try Self.open(file) }
    configuration = opened.configuration
    isInterleaved = configuration.family.traits.gguf.isInterleaved
    tokenizer = opened.tokenizer
    chatTemplate = try named(file.name) { () throws(ConversionError) in try Self.template(file) }
    notes = vocabularyNotes(opened.configuration, opened.tokenizer)
  }

  private static func open(_ file: GGUFFile) throws(ConversionError) -> (
    configuration: LanguageConfiguration, tokenizer: TokenizerSource?
  ) {
    let configuration = try GGUFConfiguration(file).configuration()
    try checkTensors(file, configuration)
    let tokenizer = file.metadata["tokenizer.ggml.model"] == nil ? nil : try TokenizerSource(gguf: file.metadata)
    try checkVocabulary(configuration, tokenizer)
    return (configuration, tokenizer)
  }

  static func template(_ file: GGUFFile) throws(ConversionError) -> String? {
    guard let value = file.metadata["tokenizer.chat_template"] else { return nil }
    guard let text = value.text else {
      throw .badData("key tokenizer.chat_template: is \(value.typeName), not a string")
    }
    return text
  }

  /// Every tensor of the configuration is there in its shape and in a type that is read; and no other is there.
  private static func checkTensors(
    _ file: GGUFFile, _ configuration: LanguageConfiguration
  ) throws(ConversionError) {
    var expected: Set<String> = configuration.family.traits.gguf.hasRotaryFactors ? ["rope_freqs.weight"] : []
    for tensor in configuration.tensors {
      let name = Self.name(of: tensor)
      expected.insert(name)
      guard let found = file.tensor(name) else { throw .badData("tensor \(name) is missing") }
      guard found.type.layout != nil else {
        throw .unsupported("tensor \(name): \(found.type.name) is not supported")
      }
      let shape = Array((configuration.shape(of: tensor) ?? []).reversed())
      // Trailing dimensions of 1 say nothing.
      let trimmed = found.dimensions.count > shape.count ? found.dimensions.dropFirst(shape.count) : []
      guard Array(found.dimensions.prefix(shape.count)) == shape, trimmed.allSatisfy({ $0 == 1 }) else {
        throw .badData("tensor \(name): is \(found.dimensions), but the configuration says \(shape)")
      }
    }
    for tensor in file.tensors where !expected.contains(tensor.name) {
      // Tables that old files carry and nobody reads.
      if tensor.name.hasSuffix(".attn_rot_embd.weight") { continue }
      throw .unsupported("tensor \(printable(tensor.name)) is not known in a \(configuration.family.rawValue) model")
    }
  }

  func values(_ tensor: LanguageTensor) throws(ConversionError) -> [Float] {
    let name = Self.name(of: tensor)
    guard configuration.shape(of: tensor) != nil, let found = file.tensor(name) else {
      throw .badData("\(file.name): tensor \(name) is missing")
    }
    let values = try file.values(found)
    guard isInterleaved, let heads = configuration.rotaryHeads(of: tensor) else { return values }
    return halvesFromInterleaved(values, heads: heads, headSize: configuration.headSize)
  }

  /// ggml's names.
  static func name(of tensor: LanguageTensor) -> String {
    switch tensor {
    case .embedding: "token_embd.weight"
    case .outputNorm: "output_norm.weight"
    case .head: "output.weight"
    case .layer(let layer, let kind): "blk.\(layer).\(name(of: kind))"
    }
  }

  private static func name(of tensor: LayerTensor) -> String {
    switch tensor {
    case .attentionNorm: "attn_norm.weight"
    case .query: "attn_q.weight"
    case .key: "attn_k.weight"
    case .value: "attn_v.weight"
    case .queryBias: "attn_q.bias"
    case .keyBias: "attn_k.bias"
    case .valueBias: "attn_v.bias"
    case .queryNorm: "attn_q_norm.weight"
    case .keyNorm: "attn_k_norm.weight"
    case .attentionOutput: "attn_output.weight"
    case .postAttentionNorm: "post_attention_norm.weight"
    case .feedForwardNorm: "ffn_norm.weight"
    case .gate: "ffn_gate.weight"
    case .up: "ffn_up.weight"
    case .down: "ffn_down.weight"
    case .postFeedForwardNorm: "post_ffw_norm.weight"
    }
  }
}
