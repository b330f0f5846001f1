/// Which layers of a config.json see a window only.
struct HuggingFaceWindows {
  /// Nil if no layer has one.
  let size: Int?
  /// One per layer.
  let layers: [Bool]

  init(_ json: JSONObject, family: LanguageConfiguration.Family, layerCount: Int) throws(ConversionError) {
    let none = Array(repeating: false, count: layerCount)
    guard let size = try Self.size(json, family) else {
      if let types = try Self.layerTypes(json, family, layerCount), types.contains(true) {
        throw .badData("\(json.place): layer_types has windows, but there is no sliding_window")
      }
      self.size = nil
      layers = none
      return
    }
    let pattern = try Self.pattern(json, family, layerCount)
    let layers = try Self.layerTypes(json, family, layerCount) ?? pattern
    self.size = layers.contains(true) ? size : nil
    self.layers = layers
  }

  private static func size(_ json: JSONObject, _ family: LanguageConfiguration.Family) throws(ConversionError) -> Int? {
    switch family {
    // Llama has none, whatever the file says.
    case .llama: return nil
    case .qwen2, .qwen3: if try json.boolean("use_sliding_window") != true { return nil }
    case .mistral, .gemma2, .gemma3: break
    }
    return json.isNull("sliding_window") ? nil : try json.integer("sliding_window") ?? 4096
  }

  /// The newer form, which Llama and Mistral do not heed.
  private static func layerTypes(
    _ json: JSONObject, _ family: LanguageConfiguration.Family, _ layerCount: Int
  ) throws(ConversionError) -> [Bool]? {
    guard family != .mistral, family != .llama, let types = try json.texts("layer_types") else { return nil }
    guard types.count == layerCount else {
      throw .badData("\(json.place): layer_types has \(types.count) entries for \(layerCount) layers")
    }
    for type in types where type != "sliding_attention" && type != "full_attention" {
      throw .unsupported("\(json.place): layer_types: \(printable(type)) is not supported")
    }
    return types.map { $0 == "sliding_attention" }
  }

  private static func pattern(
    _ json: JSONObject, _ family: LanguageConfiguration.Family, _ layerCount: Int
  ) throws(ConversionError) -> [Bool] {
    switch family {
    case .llama, .mistral: return Array(repeating: true, count: layerCount)
    case .qwen2, .qwen3:
      let first = try json.integer("max_window_layers") ?? 28
      return (0..<layerCount).map { $0 >= first }
    case .gemma2, .gemma3:
      let period = family == .gemma2 ? 2 : try json.integer("sliding_window_pattern") ?? 6
      guard period > 0 else { throw json.wrong("sliding_window_pattern", "positive") }
      return (0..<layerCount).map { $0 % period != period - 1 }
    }
  }
}
