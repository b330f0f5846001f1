/// Which of the supported models a config.json describes, and where its numbers are.
struct HuggingFaceFamily {
  let family: LanguageConfiguration.Family
  /// The text model's numbers: config.json itself, or its `text_config`.
  let json: JSONObject
  let isTied: Bool?
  /// Whether the folder holds a vision model too, of which only the text part is taken.
  let hasVision: Bool

  init(_ config: JSONObject) throws(ConversionError) {
    let modelType = try config.text("model_type")
    let architectures = try config.texts("architectures") ?? []
    guard architectures.count <= 1 else { throw config.wrong("architectures", "a single name") }
    // Of folders without `architectures`, the model's type says as much.
    let byType = [
      "llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM",
      "qwen3": "Qwen3ForCausalLM", "gemma2": "Gemma2ForCausalLM", "gemma3_text": "Gemma3ForCausalLM",
      "gemma3": "Gemma3ForConditionalGeneration",
    ]
    guard let architecture = architectures.first ?? modelType.map({ byType[$0] ?? $0 }) else {
      throw config.missing("architectures")
    }
    guard let expected = byType.first(where: { $0.value == architecture })?.key,
      let family = LanguageConfiguration.Family(rawValue: expected == "gemma3_text" ? "gemma3" : expected)
    else { throw .unsupported("\(config.place): architecture \(printable(architecture)) is not supported") }
    if let modelType, modelType != expected {
      throw .badData(
        "\(config.place): model_type \(printable(modelType)) does not go with architecture \(printable(architecture))")
    }
    self.family = family
    hasVision = architecture == "Gemma3ForConditionalGeneration"
    if hasVision {
      guard let text = try config.object("text_config") else { throw config.missing("text_config") }
      json = text
      let inner = try text.boolean("tie_word_embeddings")
      isTied = try config.boolean("tie_word_embeddings") ?? inner
    } else {
      json = config
      isTied = try config.boolean("tie_word_embeddings")
    }
    try Self.refuseQuantized(config)
    if hasVision { try Self.refuseQuantized(json) }
  }

  var isGemma: Bool { family == .gemma2 || family == .gemma3 }

  private static func refuseQuantized(_ config: JSONObject) throws(ConversionError) {
    for key in ["quantization_config", "compression_config"] where config.has(key) {
      throw .unsupported("\(config.place): \(key): quantized weights are not supported")
    }
  }
}
