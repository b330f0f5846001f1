import Foundation

/// What lies beside the weights: tokenizer, end tokens, chat template.
struct HuggingFaceExtras {
  private(set) var tokenizer: TokenizerSource?
  private(set) var chatTemplate: String?
  private(set) var notes: [String] = []

  init(folder: String, config: JSONObject, vocabularySize: Int) throws(ConversionError) {
    let settings = try TokenizerSettings(folder: folder, rows: vocabularySize)
    if let json = try Self.bytes(folder, "tokenizer.json", LanguageLimits.tokenizerBytes) {
      tokenizer = try TokenizerSource(huggingFace: json, settings: settings)
    } else if let model = try Self.bytes(folder, "tokenizer.model", LanguageLimits.tokenizerBytes) {
      tokenizer = try TokenizerSource(sentencePiece: model, settings: settings)
    }
    try addEnds(folder: folder, config: config, vocabularySize: vocabularySize)
    let found = try Self.template(folder: folder)
    chatTemplate = found.text
    notes += found.notes
  }

  /// Nil if there is no such file.
  private static func bytes(_ folder: String, _ name: String, _ limit: Int) throws(ConversionError) -> [UInt8]? {
    let path = "\(folder)/\(name)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try MappedFile(path).content(limit: limit)
  }

  private static func object(_ folder: String, _ name: String) throws(ConversionError) -> JSONObject? {
    guard let bytes = try bytes(folder, name, LanguageLimits.jsonBytes) else { return nil }
    return try JSONObject(bytes, place: name)
  }

  /// generation_config.json says where a text ends; only without it, config.json does.
  private mutating func addEnds(
    folder: String, config: JSONObject, vocabularySize: Int
  ) throws(ConversionError) {
    let generation = try Self.object(folder, "generation_config.json")
    let source = generation?.has("eos_token_id") == true ? generation : config
    for id in try source?.oneOrMoreIntegers("eos_token_id") ?? [] {
      guard id >= 0, id < vocabularySize else {
        throw .badData("\(source?.place ?? ""): eos_token_id \(id) is outside the vocabulary of \(vocabularySize)")
      }
      guard let count = tokenizer?.tokenCount else { continue }
      guard id < count else {
        throw .badData(
          "\(source?.place ?? ""): eos_token_id \(id) is no token, the tokenizer has only \(count): its name is "
            + "missing in \(TokenizerSettings.addedName) or \(TokenizerSettings.configurationName)'s "
            + "added_tokens_decoder")
      }
      tokenizer?.addEnd(id)
    }
  }

  /// A file of its own, or in tokenizer_config.json: a text, or texts with names of which "default" is meant.
  static func template(folder: String) throws(ConversionError) -> (text: String?, notes: [String]) {
    if let bytes = try bytes(folder, "chat_template.jinja", LanguageLimits.jsonBytes) {
      return (String(decoding: bytes, as: UTF8.self), [])
    }
    let json = try object(folder, "tokenizer_config.json")
    if let json, json.isList("chat_template") {
      let templates = try json.objects("chat_template") ?? []
      var chosen: String?
      for template in templates where try template.text("name") == "default" { chosen = try template.text("template") }
      let notes = ["none of the \(templates.count) chat templates is named \"default\""]
      return (chosen, chosen == nil ? notes : [])
    }
    if let text = try json?.text("chat_template") { return (text, []) }
    return (try object(folder, "chat_template.json")?.text("chat_template"), [])
  }
}
