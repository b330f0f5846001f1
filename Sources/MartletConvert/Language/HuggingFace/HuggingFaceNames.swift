/// What transformers calls the weights; the prefix differs between its versions, and where a vision model is beside.
struct HuggingFaceNames {
  private let prefix: String
  private let hasPostNorms: Bool
  let head: String

  init(_ weights: SafetensorsSet, hasPostNorms: Bool) throws(ConversionError) {
    let prefixes = ["model.", "language_model.model.", "model.language_model."]
    guard let prefix = prefixes.first(where: { weights.tensor("\($0)embed_tokens.weight") != nil }) else {
      throw .badData("tensor model.embed_tokens.weight is missing")
    }
    self.prefix = prefix
    self.hasPostNorms = hasPostNorms
    head = prefix == "language_model.model." ? "language_model.lm_head.weight" : "lm_head.weight"
  }

  func name(of tensor: LanguageTensor) -> String {
    switch tensor {
    case .embedding: "\(prefix)embed_tokens.weight"
    case .outputNorm: "\(prefix)norm.weight"
    case .head: head
    case .layer(let layer, let kind): "\(prefix)layers.\(layer).\(name(of: kind))"
    }
  }

  private func name(of tensor: LayerTensor) -> String {
    switch tensor {
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
    case .postAttentionNorm: "post_attention_layernorm.weight"
    // Without norms after attention, the one before feed-forward has that name.
    case .feedForwardNorm: hasPostNorms ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight"
    case .gate: "mlp.gate_proj.weight"
    case .up: "mlp.up_proj.weight"
    case .down: "mlp.down_proj.weight"
    case .postFeedForwardNorm: "post_feedforward_layernorm.weight"
    }
  }

  /// Every tensor of the configuration is there in its shape and in a type that is read; and no other is there, but for
  /// a vision model. Returns notes.
  func check(
    _ weights: SafetensorsSet, _ configuration: LanguageConfiguration, hasVision: Bool
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
      guard hasVision, key.contains("vision_tower.") || key.contains("multi_modal_projector.") else {
        throw .unsupported("tensor \(printable(key)) is not known in a \(configuration.family.rawValue) model")
      }
      skipped += 1
    }
    return skipped > 0 ? ["\(skipped) tensors of the vision model are left out"] : []
  }
}
