/// Which of the supported models a config.json describes, and where its numbers are.
struct HuggingFaceModel {
  let family: LanguageFamily
  /// The text model's numbers: config.json itself, or its `text_config`.
  let json: JSONObject
  let isTied: Bool?
  /// What the names of another model's tensors hold, of which only the text part is taken.
  let otherTensors: [String]

  var traits: LanguageTraits { family.traits }

  init(_ config: JSONObject) throws(ConversionError) {
    let modelType = try config.text("model_type")
    let architectures = try config.texts("architectures") ?? []
    guard architectures.count <= 1 else { throw config.wrong("architectures", "a single name") }
    let known = LanguageFamily.allCases.flatMap { family in family.traits.huggingFace.names.map { (family, $0) } }
    // Of folders without `architectures`, the model's type says as much.
    let byType = known.first { $0.1.modelType == modelType }?.1.architecture ?? modelType
    guard let architecture = architectures.first ?? byType else { throw config.missing("architectures") }
    guard let (family, name) = known.first(where: { $0.1.architecture == architecture }) else {
      throw .unsupported("\(config.place): architecture \(printable(architecture)) is not supported")
    }
    if let modelType, modelType != name.modelType {
      throw .badData(
        "\(config.place): model_type \(printable(modelType)) does not go with architecture \(printable(architecture))")
    }
    self.family = family
    otherTensors = name.otherTensors
    let outer = try config.boolean("tie_word_embeddings")
    if name.isPart {
      guard let text = try config.object("text_config") else { throw config.missing("text_config") }
      json = text
      let inner = try text.boolean("tie_word_embeddings")
      isTied = outer ?? inner
    } else {
      json = config
      isTied = outer
    }
    try Self.refuseQuantized(config)
    if name.isPart { try Self.refuseQuantized(json) }
  }

  private static func refuseQuantized(_ config: JSONObject) throws(ConversionError) {
    for key in ["quantization_config", "compression_config"] where config.has(key) {
      throw .unsupported("\(config.place): \(key): quantized weights are not supported")
    }
  }
}
