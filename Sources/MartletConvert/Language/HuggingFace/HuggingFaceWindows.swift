/// Which layers of a config.json see a window only.
struct HuggingFaceWindows {
  /// Nil if no layer has one.
  let size: Int?
  /// One per layer.
  let layers: [Bool]

  init(_ json: JSONObject, traits: LanguageTraits, layerCount: Int) throws(ConversionError) {
    guard let size = try Self.size(json, traits.huggingFace) else {
      if let types = try Self.layerTypes(json, traits.huggingFace, layerCount), types.contains(true) {
        throw .badData("\(json.place): layer_types has windows, but there is no sliding_window")
      }
      self.size = nil
      layers = Array(repeating: false, count: layerCount)
      return
    }
    let pattern = try Self.pattern(json, traits.windows, layerCount)
    let layers = try Self.layerTypes(json, traits.huggingFace, layerCount) ?? pattern
    self.size = layers.contains(true) ? size : nil
    self.layers = layers
  }

  private static func size(
    _ json: JSONObject, _ defaults: LanguageTraits.HuggingFace
  ) throws(ConversionError) -> Int? {
    guard let otherwise = defaults.windowSize else { return nil }
    if let key = defaults.windowSwitch, try json.boolean(key) != true { return nil }
    return json.isNull("sliding_window") ? nil : try json.integer("sliding_window") ?? otherwise
  }

  /// The newer form.
  private static func layerTypes(
    _ json: JSONObject, _ defaults: LanguageTraits.HuggingFace, _ layerCount: Int
  ) throws(ConversionError) -> [Bool]? {
    guard defaults.windowSize != nil, defaults.readsLayerTypes, let types = try json.texts("layer_types") else {
      return nil
    }
    guard types.count == layerCount else {
      throw .badData("\(json.place): layer_types has \(types.count) entries for \(layerCount) layers")
    }
    for type in types where type != "sliding_attention" && type != "full_attention" {
      throw .unsupported("\(json.place): layer_types: \(printable(type)) is not supported")
    }
    return types.map { $0 == "sliding_attention" }
  }

  private static func pattern(
    _ json: JSONObject, _ windows: LanguageTraits.Windows, _ layerCount: Int
  ) throws(ConversionError) -> [Bool] {
    switch windows {
    case .all: return Array(repeating: true, count: layerCount)
    case .from(let key, let otherwise):
      let first = try json.integer(key) ?? otherwise
      return (0..<layerCount).map { $0 >= first }
    case .allButLast(let usual, let key):
      var period = usual
      if let key {
        period = try json.integer(key) ?? usual
        guard period > 0 else { throw json.wrong(key, "positive") }
      }
      return (0..<layerCount).map { $0 % period != period - 1 }
    }
  }
}
