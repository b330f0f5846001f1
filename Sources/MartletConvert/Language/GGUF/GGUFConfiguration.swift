/// GGUF metadata as a configuration, by llama.cpp's rules for each architecture.
struct GGUFConfiguration {
  private let metadata: GGUFMetadata
  private let file: GGUFFile
  private let family: LanguageFamily
  private let traits: LanguageTraits

  init(_ file: GGUFFile) throws(ConversionError) {
    guard let value = file.metadata["general.architecture"] else {
      throw .badData("key general.architecture is missing")
    }
    guard let architecture = value.text else { throw .badData("key general.architecture: is not a string") }
    guard let family = LanguageFamily.allCases.first(where: { $0.traits.gguf.architecture == architecture }) else {
      throw .unsupported("architecture \(printable(architecture)) is not supported")
    }
    self.family = family
    traits = family.traits
    metadata = GGUFMetadata(values: file.metadata, architecture: architecture)
    self.file = file
  }

  func configuration() throws(ConversionError) -> LanguageConfiguration {
    try refuseWhatIsNotHeeded()
    let layerCount = try metadata.required("block_count")
    guard (1...LanguageLimits.layers).contains(layerCount) else {
      throw .badData("the number of layers is \(layerCount); 1 to \(LanguageLimits.layers) are taken")
    }
    let hiddenSize = try metadata.required("embedding_length")
    let headCount = try metadata.required("attention.head_count")
    let headSize = try headSize(hiddenSize, headCount)
    let windows = try windows(layerCount)
    guard let embedding = file.tensor("token_embd.weight"), embedding.dimensions.count == 2 else {
      throw .badData("tensor token_embd.weight is missing, or not a matrix")
    }
    let configuration = LanguageConfiguration(
      family: family, vocabularySize: embedding.dimensions[1], hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, keyValueHeadCount: try metadata.integer("attention.head_count_kv") ?? headCount,
      headSize: headSize, feedForwardSize: try metadata.required("feed_forward_length"),
      contextLength: try metadata.required("context_length"),
      normEpsilon: try metadata.requiredReal("attention.layer_norm_rms_epsilon"),
      activation: traits.activation, ropeTheta: try metadata.real("rope.freq_base") ?? 10000,
      ropeScaling: try ropeScaling(headSize),
      localRopeTheta: windows.size == nil ? nil : try localTheta(),
      window: windows.size, isWindowed: windows.layers,
      attentionScale: attentionScale(layerCount, hiddenSize, headCount, headSize),
      attentionSoftCap: try softCap(traits.attentionCap, "attn_logit_softcapping"),
      outputSoftCap: try softCap(traits.outputCap, "final_logit_softcapping"),
      embeddingScale: traits.embeddingScale(hiddenSize), hasQueryKeyNorm: traits.hasQueryKeyNorm,
      hasQueryKeyValueBias: file.tensor("blk.0.attn_q.bias") != nil, hasPostNorms: traits.hasPostNorms,
      isHeadTied: file.tensor("output.weight") == nil)
    try configuration.validate()
    return configuration
  }

  /// Keys of llama.cpp that change what is computed.
  private func refuseWhatIsNotHeeded() throws(ConversionError) {
    for name in [
      "expert_count", "attention.scale", "attention.temperature_scale", "logit_scale", "residual_scale",
      "embedding_scale", "pooling_type", "attention.max_alibi_bias", "attention.clamp_kqv", "nextn_predict_layers",
    ] + traits.gguf.refused { try metadata.refuse(name) }
    for name in ["attention.causal", "rope.scaling.attn_factor"] { try metadata.refuse(name, unless: 1) }
  }

  private func headSize(_ hiddenSize: Int, _ headCount: Int) throws(ConversionError) -> Int {
    guard headCount > 0 else { throw .badData("the number of heads is \(headCount)") }
    let keys = try metadata.integer("attention.key_length")
    if keys == nil, hiddenSize % headCount != 0 {
      throw .badData("the hidden size \(hiddenSize) is not a multiple of the \(headCount) heads")
    }
    let size = keys ?? hiddenSize / headCount
    if let values = try metadata.integer("attention.value_length"), values != size {
      throw .unsupported("keys of \(size) with values of \(values) are not supported")
    }
    if let turned = try metadata.integer("rope.dimension_count"), turned != size {
      throw .unsupported("rotary embedding of \(turned) of a head's \(size) values is not supported")
    }
    return size
  }

  private func ropeScaling(_ headSize: Int) throws(ConversionError) -> LanguageConfiguration.RopeScaling {
    let oldFactor = try metadata.real("rope.scale_linear")
    let factor = try metadata.real("rope.scaling.factor") ?? oldFactor ?? 1
    let kind = try metadata.text("rope.scaling.type") ?? "linear"
    guard kind == "none" || kind == "linear" else {
      throw .unsupported("rotary scaling \(printable(kind)) is not supported")
    }
    // llama.cpp takes 0 for no factor.
    let linear = kind == "none" || factor == 0 ? 1 : factor
    if traits.gguf.hasRotaryFactors, let tensor = file.tensor("rope_freqs.weight") {
      guard tensor.type == .f32, tensor.elementCount == headSize / 2 else {
        throw .badData("tensor rope_freqs.weight: is not \(headSize / 2) values of F32")
      }
      let factors = try file.values(tensor)
      return factors.allSatisfy { $0 == 1 } && linear == 1 ? .none : .factors(factors.map { $0 * linear })
    }
    return linear == 1 ? .none : .linear(factor: linear)
  }

  private func localTheta() throws(ConversionError) -> Float? {
    guard let otherwise = traits.localTheta else { return nil }
    return try metadata.real("rope.freq_base_swa") ?? otherwise
  }

  private func windows(_ layerCount: Int) throws(ConversionError) -> (size: Int?, layers: [Bool]) {
    let none = Array(repeating: false, count: layerCount)
    let size = try metadata.integer("attention.sliding_window") ?? traits.gguf.windowSize ?? 0
    guard size != 0 else { return (nil, none) }
    let period =
      switch traits.windows {
      // Where Qwen's windows begin is nowhere in GGUF: a file that states one has it everywhere.
      case .all, .from: 0
      case .allButLast(let period, _): period
      }
    let layers =
      try metadata.pattern("attention.sliding_window_pattern", layerCount: layerCount)
      ?? GGUFMetadata.everyLast(of: period, layerCount: layerCount)
    return layers.contains(true) ? (size, layers) : (nil, none)
  }

  /// 0 is none; absent is the family's default.
  private func softCap(_ cap: LanguageTraits.SoftCap, _ name: String) throws(ConversionError) -> Float? {
    switch cap {
    case .never:
      try metadata.refuse(name)
      return nil
    case .stated(let otherwise):
      let value = try metadata.real(name) ?? otherwise
      return value == 0 ? nil : value
    }
  }

  private func attentionScale(_ layers: Int, _ hidden: Int, _ heads: Int, _ headSize: Int) -> Float {
    1 / Float(layers == traits.gguf.layersOfWideScale ? hidden / heads : headSize).squareRoot()
  }
}
