/// What transformers calls the weights; the prefix differs between its versions, and where a vision model is beside.
struct HuggingFaceNames {
  private let prefix: String
  /// The family's own.
  private let layerNames: [LayerTensor: String]
  let head: String

  init(_ weights: SafetensorsSet, layerNames: [LayerTensor: String]) throws(ConversionError) {
    let prefixes = ["model.", "language_model.model.", "model.language_model."]
    guard let prefix = prefixes.first(where: { weights.tensor("\($0)embed_tokens.weight") != nil }) else {
      throw .badData("tensor model.embed_tokens.weight is missing")
    }
    self.prefix = prefix
    self.layerNames = layerNames
    head = prefix == "language_model.model." ? "language_model.lm_head.weight" : "lm_head.weight"
  }

  func name(of tensor: LanguageTensor) -> String {
    switch tensor {
    case .embedding: "\(prefix)embed_tokens.weight"
    case .outputNorm: "\(prefix)norm.weight"
    case .head: head
    case .layer(let layer, let kind): "\(prefix)layers.\(layer).\(layerNames[kind] ?? kind.usualName)"
    }
  }

  /// Every tensor of the configuration is there in its shape and in a type that is read; and no other is there, but for
  /// those of another model, usually of vision. Returns notes.
  func check(
    _ weights: SafetensorsSet, _ configuration: LanguageConfiguration, otherTensors: [String]
  ) throws(ConversionError) -> [String] {
    var expected: Set<String> = [head]
    for tensor in configuration.tensors {
      let key = name(of: tensor)
      expected.insert(key)
      guard let found = weights.tensor(key) else { throw .badData("tensor \(key) is missing") }
      guard found.type != nil else { throw .unsupported("tensor \(key): \(found.typeName) is not supported") }
      let shape = configuration.shape(of: tensor) ?? []
      guard found.shape == shape else {
        throw .badData("tensor \(key): is \(found.shape), but the configuration says \(shape)")
      }
    }
    var skipped = 0
    for key in weights.names where !expected.contains(key) {
      // Tables that old files carry and nobody reads.
      if key.hasSuffix(".rotary_emb.inv_freq") { continue }
      guard otherTensors.contains(where: { key.contains($0) }) else {
        throw .unsupported("tensor \(printable(key)) is not known in a \(configuration.family.rawValue) model")
      }
      skipped += 1
    }
    return skipped > 0 ? ["\(skipped) tensors of the vision model are left out"] : []
  }
}

extension LayerTensor {
  /// In most families.
  fileprivate var usualName: String {
    switch self {
    case .attentionNorm: "input_layernorm.weight"
    case .query: "self_attn.q_proj.weight"
    case .key: "self_attn.k_proj.weight"
    case .value: "self_attn.v_proj.weight"
    case .queryBias: "self_attn.q_proj.bias"
    case .keyBias: "self_attn.k_proj.bias"
    case .valueBias: "self_attn.v_proj.bias"
    case .queryNorm: "self_attn.q_norm.weight"
    case .keyNorm: "self_attn.k_norm.weight"
    case .attentionOutput: "self_attn.o_proj.weight"
    // The one before feed-forward has this name where there is none after attention.
    case .postAttentionNorm, .feedForwardNorm: "post_attention_layernorm.weight"
    case .gate: "mlp.gate_proj.weight"
    case .up: "mlp.up_proj.weight"
    case .down: "mlp.down_proj.weight"
    case .postFeedForwardNorm: "post_feedforward_layernorm.weight"
    }
  }
}
