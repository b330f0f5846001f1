/// Rotary embedding as a config.json has it: the older keys `rope_theta`, `rope_scaling`, `rope_local_base_freq`, or
/// the newer `rope_parameters`, nested by the kind of layer where layers with a window have a theta of their own.
struct HuggingFaceRope {
  let theta: Float
  let scaling: LanguageConfiguration.RopeScaling
  /// Of layers with a window, where it is another.
  let localTheta: Float?

  init(
    _ json: JSONObject, traits: LanguageTraits, contextLength: Int
  ) throws(ConversionError) {
    if let part = try json.real("partial_rotary_factor"), part != 1 {
      throw .unsupported("\(json.place): partial_rotary_factor \(part) is not supported")
    }
    let old = try json.object("rope_scaling")
    let new = try json.object("rope_parameters")
    let theta = try json.real("rope_theta")
    if let otherwise = traits.localTheta {
      let full = try new?.object("full_attention")
      let local = try new?.object("sliding_attention")
      if let new, full == nil, local == nil, !new.keys.isEmpty {
        throw .unsupported("\(new.place): is not by kind of layer, as this model's must be")
      }
      let oldTheta = try old?.real("rope_theta")
      self.theta = try full?.real("rope_theta") ?? oldTheta ?? theta ?? traits.huggingFace.ropeTheta
      let oldLocal = try json.real("rope_local_base_freq")
      localTheta = try local?.real("rope_theta") ?? oldLocal ?? otherwise
      scaling = try Self.scaling(old ?? full, json, contextLength)
      if let local, try Self.scaling(local, json, contextLength) != .none {
        throw .unsupported("\(local.place): scaling of windowed layers is not supported")
      }
    } else {
      for kind in ["full_attention", "sliding_attention"] where new?.has(kind) == true {
        throw .unsupported("\(json.place): rope_parameters by kind of layer are not supported here")
      }
      let parameters = old ?? new
      self.theta = try parameters?.real("rope_theta") ?? theta ?? traits.huggingFace.ropeTheta
      localTheta = nil
      scaling = try Self.scaling(parameters, json, contextLength)
    }
  }

  private static func scaling(
    _ parameters: JSONObject?, _ json: JSONObject, _ contextLength: Int
  ) throws(ConversionError) -> LanguageConfiguration.RopeScaling {
    guard let parameters else { return .none }
    if let part = try parameters.real("partial_rotary_factor"), part != 1 {
      throw .unsupported("\(parameters.place): partial_rotary_factor \(part) is not supported")
    }
    func required(_ key: String) throws(ConversionError) -> Float {
      guard let value = try parameters.real(key) else { throw parameters.missing(key) }
      return value
    }
    let olderName = try parameters.text("type")
    let name = try parameters.text("rope_type") ?? olderName ?? "default"
    switch name {
    case "default": return .none
    case "linear": return .linear(factor: try required("factor"))
    case "llama3":
      let outer = try json.integer("original_max_position_embeddings")
      let inner = try parameters.integer("original_max_position_embeddings")
      return .llama3(
        factor: try required("factor"), lowFrequencyFactor: try required("low_freq_factor"),
        highFrequencyFactor: try required("high_freq_factor"), originalContext: outer ?? inner ?? contextLength)
    default: throw .unsupported("\(parameters.place): rotary scaling \(printable(name)) is not supported")
    }
  }
}
