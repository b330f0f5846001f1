/// config.json as a configuration, with the defaults of Hugging Face transformers' configuration classes.
struct HuggingFaceConfiguration {
  private let model: HuggingFaceModel
  private let json: JSONObject
  private let traits: LanguageTraits
  /// What is absent is as the family's configuration class has it.
  private let defaults: LanguageTraits.HuggingFace

  init(_ model: HuggingFaceModel) {
    self.model = model
    json = model.json
    traits = model.traits
    defaults = traits.huggingFace
  }

  func configuration() throws(ConversionError) -> LanguageConfiguration {
    try refuseWhatIsNotHeeded()
    let hiddenSize = try json.required("hidden_size")
    let layerCount = try json.required("num_hidden_layers")
    guard (1...LanguageLimits.layers).contains(layerCount) else {
      throw .badData("the number of layers is \(layerCount); 1 to \(LanguageLimits.layers) are taken")
    }
    let headCount = try count("num_attention_heads", otherwise: defaults.headCount)
    let headSize = try headSize(hiddenSize, headCount)
    let contextLength = try json.integer("max_position_embeddings") ?? defaults.contextLength
    let windows = try HuggingFaceWindows(json, traits: traits, layerCount: layerCount)
    let rope = try HuggingFaceRope(json, traits: traits, contextLength: contextLength)
    let configuration = LanguageConfiguration(
      family: model.family, vocabularySize: try count("vocab_size", otherwise: defaults.vocabularySize),
      hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, keyValueHeadCount: try keyValueHeadCount(headCount), headSize: headSize,
      feedForwardSize: try json.required("intermediate_size"), contextLength: contextLength,
      normEpsilon: try json.real("rms_norm_eps") ?? 1e-6, activation: try activation(), ropeTheta: rope.theta,
      ropeScaling: rope.scaling, localRopeTheta: windows.size == nil ? nil : rope.localTheta, window: windows.size,
      isWindowed: windows.layers, attentionScale: try attentionScale(headSize),
      attentionSoftCap: try softCap(traits.attentionCap, "attn_logit_softcapping"),
      outputSoftCap: try softCap(traits.outputCap, "final_logit_softcapping"),
      embeddingScale: traits.embeddingScale(hiddenSize), hasQueryKeyNorm: traits.hasQueryKeyNorm,
      hasQueryKeyValueBias: defaults.hasQueryKeyValueBias, hasPostNorms: traits.hasPostNorms,
      isHeadTied: model.isTied ?? defaults.isTied)
    try configuration.validate()
    return configuration
  }

  private func refuseWhatIsNotHeeded() throws(ConversionError) {
    for key in ["attention_bias", "mlp_bias", "use_bidirectional_attention"]
    where try json.boolean(key) == true && !defaults.unheeded.contains(key) {
      throw .unsupported("\(json.place): \(key) is not supported")
    }
    for key in ["num_local_experts", "num_experts"] where json.has(key) {
      throw .unsupported("\(json.place): \(key): a mixture of experts is not supported")
    }
  }

  /// Required where the family has no default.
  private func count(_ key: String, otherwise: Int?) throws(ConversionError) -> Int {
    guard let value = try json.integer(key) ?? otherwise else { throw json.missing(key) }
    return value
  }

  /// Null means as many as heads.
  private func keyValueHeadCount(_ headCount: Int) throws(ConversionError) -> Int {
    let key = "num_key_value_heads"
    if json.isNull(key) { return headCount }
    return switch defaults.keyValueHeads {
    case .required: try json.required(key)
    case .asHeads: try json.integer(key) ?? headCount
    case .count(let count): try json.integer(key) ?? count
    }
  }

  private func headSize(_ hiddenSize: Int, _ headCount: Int) throws(ConversionError) -> Int {
    if let size = try json.integer("head_dim") { return size }
    if let size = defaults.headSize { return size }
    guard headCount > 0, hiddenSize % headCount == 0 else {
      throw .badData("\(json.place): hidden_size \(hiddenSize) is not a multiple of num_attention_heads \(headCount)")
    }
    return hiddenSize / headCount
  }

  private func activation() throws(ConversionError) -> LanguageConfiguration.Activation {
    let key = defaults.activationKey
    if let name = try json.text(key), !defaults.activationNames.contains(name) {
      throw .unsupported("\(json.place): \(key) \(printable(name)) is not supported")
    }
    return traits.activation
  }

  private func attentionScale(_ headSize: Int) throws(ConversionError) -> Float {
    var scalar = Float(headSize)
    if let otherwise = defaults.attentionScalar { scalar = try json.real("query_pre_attn_scalar") ?? otherwise }
    return Float(1 / Double(scalar).squareRoot())
  }

  /// Null is none; absent is the family's default.
  private func softCap(_ cap: LanguageTraits.SoftCap, _ key: String) throws(ConversionError) -> Float? {
    switch cap {
    case .never: nil
    case .stated(let otherwise): json.isNull(key) ? nil : try json.real(key) ?? otherwise
    }
  }
}
