/// One part of a language model's source, in memory: what the fuzzer and tests read without a file.
public enum LanguageBytes: UInt8, CaseIterable, Sendable {
  case gguf, safetensors, llama2c, config

  /// Reads `bytes` and every value of every tensor in them; returns the number of values.
  ///
  /// Throws lines that begin with `name`, whatever the bytes are.
  public func read(_ bytes: [UInt8], name: String) throws(ConversionError) -> Int {
    let file = MappedFile(bytes, name: name)
    switch self {
    case .gguf: return try Self.count(GGUFSource(GGUFFile(file)))
    case .llama2c: return try Self.count(Llama2CSource(file, tokenizer: nil))
    case .safetensors:
      let file = try SafetensorsFile(file)
      var count = 0
      for tensor in file.tensors.values { count += try file.values(tensor).count }
      return count
    case .config:
      return try named(file.name) { () throws(ConversionError) in
        let json = try JSONObject(bytes, place: "config.json")
        let configuration = try HuggingFaceConfiguration(HuggingFaceModel(json)).configuration()
        return configuration.inverseFrequencies(isLocal: true).count
      }
    }
  }

  private static func count(_ source: some LanguageSource) throws(ConversionError) -> Int {
    var count = 0
    for tensor in source.configuration.tensors {
      let values = try source.values(tensor).count
      precondition(values == source.configuration.shape(of: tensor)?.reduce(1, *))
      count += values
    }
    return count
  }
}
