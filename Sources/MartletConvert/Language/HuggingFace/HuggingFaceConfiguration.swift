/// config.json as a configuration, with the defaults of Hugging Face transformers' configuration classes.
struct HuggingFaceConfiguration {
  private let source: HuggingFaceFamily
  private let json: JSONObject

  init(_ source: HuggingFaceFamily) {
    self.source = source
    json = source.json
  }

  private var family: LanguageConfiguration.Family { source.family }
  private var isGemma: Bool { source.isGemma }

  func configuration() throws(ConversionError) -> LanguageConfiguration {
    try refuseWhatIsNotHeeded()
    let hiddenSize = try json.required("hidden_size")
    let layerCount = try json.required("num_hidden_layers")
    guard (1...LanguageLimits.layers).contains(layerCount) else {
      throw .badData("the number of layers is \(layerCount); 1 to \(LanguageLimits.layers) are taken")
    }
    let headCount = try count("num_attention_heads", gemma: 8)
    let headSize = try headSize(hiddenSize, headCount)
    let contextLength = try json.integer("max_position_embeddings") ?? defaultContext
    let windows = try HuggingFaceWindows(json, family: family, layerCount: layerCount)
    let rope = try HuggingFaceRope(json, family: family, contextLength: contextLength)
    let configuration = LanguageConfiguration(
      family: family, vocabularySize: try vocabularySize(), hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, keyValueHeadCount: try keyValueHeadCount(headCount), headSize: headSize,
      feedForwardSize: try json.required("intermediate_size"), contextLength: contextLength,
      normEpsilon: try json.real("rms_norm_eps") ?? 1e-6, activation: try activation(), ropeTheta: rope.theta,
      ropeScaling: rope.scaling, localRopeTheta: windows.size == nil ? nil : rope.localTheta, window: windows.size,
      isWindowed: windows.layers, attentionScale: try attentionScale(headSize),
      attentionSoftCap: isGemma ? try softCap("attn_logit_softcapping", family == .gemma2 ? 50 : nil) : nil,
      outputSoftCap: isGemma ? try softCap("final_logit_softcapping", family == .gemma2 ? 30 : nil) : nil,
      embeddingScale: isGemma ? Float(Double(hiddenSize).squareRoot()) : 1,
      hasQueryKeyNorm: family == .qwen3 || family == .gemma3, hasQueryKeyValueBias: family == .qwen2,
      hasPostNorms: isGemma, isHeadTied: source.isTied ?? isGemma)
    try configuration.validate()
    return configuration
  }

  private func refuseWhatIsNotHeeded() throws(ConversionError) {
    for key in ["attention_bias", "mlp_bias", "use_bidirectional_attention"] where try json.boolean(key) == true {
      // Qwen2 has its biases whatever the key says, and Mistral has none.
      if key == "attention_bias", family == .qwen2 || family == .mistral { continue }
      throw .unsupported("\(json.place): \(key) is not supported")
    }
    for key in ["num_local_experts", "num_experts"] where json.has(key) {
      throw .unsupported("\(json.place): \(key): a mixture of experts is not supported")
    }
  }

  private var defaultContext: Int {
    switch family {
    case .llama: 2048
    case .qwen2, .qwen3: 32768
    case .gemma2: 8192
    case .mistral, .gemma3: 131072
    }
  }

  /// A required number, which Gemma's folders leave out where it is the class's default.
  private func count(_ key: String, gemma: Int) throws(ConversionError) -> Int {
    if let value = try json.integer(key) { return value }
    guard isGemma else { throw json.missing(key) }
    return gemma
  }

  private func vocabularySize() throws(ConversionError) -> Int {
    try count("vocab_size", gemma: family == .gemma3 ? 262_208 : 256_000)
  }

  /// Absent: Llama has as many as heads, and Gemma 4; the others' defaults suit no model, so they must say. Null means
  /// as many as heads.
  private func keyValueHeadCount(_ headCount: Int) throws(ConversionError) -> Int {
    if let value = try json.integer("num_key_value_heads") { return value }
    if json.isNull("num_key_value_heads") || family == .llama { return headCount }
    return try count("num_key_value_heads", gemma: 4)
  }

  private func headSize(_ hiddenSize: Int, _ headCount: Int) throws(ConversionError) -> Int {
    if let size = try json.integer("head_dim") { return size }
    if isGemma { return 256 }
    if family == .qwen3 { return 128 }
    guard headCount > 0, hiddenSize % headCount == 0 else {
      throw .badData("\(json.place): hidden_size \(hiddenSize) is not a multiple of num_attention_heads \(headCount)")
    }
    return hiddenSize / headCount
  }

  private func activation() throws(ConversionError) -> LanguageConfiguration.Activation {
    let key = isGemma ? "hidden_activation" : "hidden_act"
    let expected = isGemma ? "gelu_pytorch_tanh" : "silu"
    let name = try json.text(key) ?? expected
    guard name == expected else { throw .unsupported("\(json.place): \(key) \(printable(name)) is not supported") }
    return isGemma ? .geluTanh : .silu
  }

  private func attentionScale(_ headSize: Int) throws(ConversionError) -> Float {
    let scalar = isGemma ? try json.real("query_pre_attn_scalar") ?? 256 : Float(headSize)
    return Float(1 / Double(scalar).squareRoot())
  }

  /// Null is none; absent is the family's default.
  private func softCap(_ key: String, _ otherwise: Float?) throws(ConversionError) -> Float? {
    json.isNull(key) ? nil : try json.real(key) ?? otherwise
  }
}
