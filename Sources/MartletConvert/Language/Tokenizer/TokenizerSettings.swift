import Foundation
import Martlet

/// What the files beside a Hugging Face `tokenizer.json` or `tokenizer.model` say of its tokens, with the precedence of
/// `transformers` (`PreTrainedTokenizerBase._from_pretrained`): where `tokenizer_config.json` has an
/// `added_tokens_decoder`, it alone counts; only without it `added_tokens.json` names further tokens, and
/// `special_tokens_map.json` says which tokens are BOS, EOS and the like.
public struct TokenizerSettings: Sendable {
  /// By id; each id and each text is there once.
  private(set) var added: [AddedToken] = []
  /// Of `added_tokens.json`, where it does not count.
  private(set) var ignored: [AddedToken] = []
  /// Rows of the model's embedding, where the model is known.
  let rows: Int?
  private let configuration: JSONValue?
  private let map: JSONValue?

  static let configurationName = "tokenizer_config.json"
  static let addedName = "added_tokens.json"
  static let mapName = "special_tokens_map.json"

  /// Reads what there is of them in a folder.
  init(folder: String, rows: Int? = nil) throws(ConversionError) {
    func bytes(_ name: String) throws(ConversionError) -> [UInt8]? {
      let path = "\(folder)/\(name)"
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      return try MappedFile(path).content(limit: LanguageLimits.jsonBytes)
    }
    try self.init(
      configuration: bytes(Self.configurationName), added: bytes(Self.addedName), map: bytes(Self.mapName), rows: rows)
  }

  /// - Parameters:
  ///   - configuration: the bytes of `tokenizer_config.json`; nil: there is none.
  ///   - added: those of `added_tokens.json`.
  ///   - map: those of `special_tokens_map.json`.
  ///   - rows: of the model's embedding.
  public init(
    configuration: [UInt8]? = nil, added: [UInt8]? = nil, map: [UInt8]? = nil, rows: Int? = nil
  ) throws(ConversionError) {
    self.rows = rows
    self.configuration = try Self.object(configuration, Self.configurationName)
    let file = try Self.object(added, Self.addedName)
    if let decoder = self.configuration?["added_tokens_decoder"] {
      self.map = nil
      self.added = try Self.sorted(Self.tokens(ofDecoder: decoder))
      ignored = try Self.tokens(ofFile: file, special: [])
      try checkIgnored()
    } else {
      self.map = try Self.object(map, Self.mapName)
      self.added = try Self.sorted(Self.tokens(ofFile: file, special: specialTexts()))
    }
  }

  private static func object(_ bytes: [UInt8]?, _ name: String) throws(ConversionError) -> JSONValue? {
    guard let bytes else { return nil }
    let value = try named(name) { () throws(ConversionError) in try JSONValue(parsing: bytes) }
    guard case .object = value else { throw .badData("\(name): is not a JSON object") }
    return value
  }

  private static func tokens(ofDecoder value: JSONValue) throws(ConversionError) -> [AddedToken] {
    let place = "\(configurationName): added_tokens_decoder"
    guard case .object(let members) = value else { throw .badData("\(place): is not a JSON object") }
    var tokens: [AddedToken] = []
    for (key, value) in members {
      guard let id = Int(String(decoding: key, as: UTF8.self)) else {
        throw .badData("\(place): \(AddedToken.shown(key)) is not a token id")
      }
      tokens.append(try AddedToken(value, id: id, place: place))
    }
    return tokens
  }

  private static func tokens(ofFile value: JSONValue?, special: Set<[UInt8]>) throws(ConversionError) -> [AddedToken] {
    guard case .object(let members)? = value else { return [] }
    var tokens: [AddedToken] = []
    for (text, value) in members {
      guard let id = value.integer else { throw .badData("\(addedName): \(AddedToken.shown(text)) has no token id") }
      guard !text.isEmpty else { throw .badData("\(addedName): token \(id) has no text") }
      tokens.append(AddedToken(text, id: id, isSpecial: special.contains(text), place: addedName))
    }
    return tokens
  }

  private static func sorted(_ tokens: [AddedToken]) throws(ConversionError) -> [AddedToken] {
    let tokens = tokens.sorted { $0.id < $1.id }
    var ids: [[UInt8]: Int] = [:]
    for (index, token) in tokens.enumerated() {
      guard token.id >= 0, token.id < TokenizerFormat.maxTokens else {
        throw .unsupported("\(token.place): token id \(token.id) is not within 0 to \(TokenizerFormat.maxTokens - 1)")
      }
      if index > 0, tokens[index - 1].id == token.id {
        throw .badData("\(token.place): \(tokens[index - 1].shown) and \(token.shown) are both token \(token.id)")
      }
      if let other = ids.updateValue(token.id, forKey: token.text) {
        throw .badData("\(token.place): tokens \(other) and \(token.id) are both \(token.shown)")
      }
    }
    return tokens
  }

  /// What does not count may be incomplete, but not say something else.
  private func checkIgnored() throws(ConversionError) {
    let ids = Dictionary(uniqueKeysWithValues: added.map { ($0.text, $0.id) })
    for token in ignored {
      guard let id = ids[token.text], id != token.id else { continue }
      throw .badData(
        "\(token.place): \(token.shown) is token \(token.id), but \(added.first?.place ?? "") says \(id)")
    }
  }

  /// A note on the tokens that are left out, those aside that the vocabulary has by itself.
  func notes(isToken: ([UInt8]) -> Bool) -> [String] {
    let known = Set(added.map(\.text))
    let lost = ignored.filter { !known.contains($0.text) && !isToken($0.text) }
    guard let first = lost.first else { return [] }
    return [
      "\(Self.addedName): \(lost.count == 1 ? first.shown : "\(first.shown) and \(lost.count - 1) more") left out, "
        + "since \(Self.configurationName) has an added_tokens_decoder without"
    ]
  }

  // MARK: Named tokens

  /// The text of a token by its name, `eos_token`, and the file that says it; nil if none does.
  func token(named name: String) -> (text: String, place: String)? {
    for (value, place) in [(map?[name], Self.mapName), (configuration?[name], Self.configurationName)] {
      guard let value else { continue }
      // Old files have empty texts for none.
      guard let text = value.text ?? value["content"]?.text, !text.isEmpty else { return nil }
      return (text, place)
    }
    return nil
  }

  func flag(_ name: String) -> Bool? { configuration?[name]?.boolean }

  /// Texts of the tokens that are special because something names them; `added_tokens.json` itself does not say.
  private func specialTexts() -> Set<[UInt8]> {
    let names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]
    var texts = Set(names.compactMap { token(named: "\($0)_token").map { Array($0.text.utf8) } })
    for list in ["additional_special_tokens", "extra_special_tokens"] {
      for value in (map?[list] ?? configuration?[list])?.array ?? [] {
        if let text = value.bytes ?? value["content"]?.bytes { texts.insert(text) }
      }
    }
    return texts
  }
}
