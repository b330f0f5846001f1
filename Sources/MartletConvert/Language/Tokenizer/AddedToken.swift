import Martlet

/// A token that a file beside the vocabulary names.
struct AddedToken {
  var id: Int
  var text: [UInt8]
  var isSpecial: Bool
  var flags: TokenFlags
  /// "added_tokens.json", or "tokenizer_config.json: added_tokens_decoder".
  var place: String

  var shown: String { Self.shown(text) }

  static func shown(_ text: [UInt8]) -> String { "\"\(printable(String(decoding: text, as: UTF8.self)))\"" }

  /// One value of `added_tokens_decoder`, or of `added_tokens` in a tokenizer.json.
  init(_ value: JSONValue, id: Int, place: String) throws(ConversionError) {
    guard let text = value["content"]?.bytes, !text.isEmpty else {
      throw .badData("\(place): token \(id) has no content")
    }
    guard value["single_word"]?.boolean != true else {
      throw .unsupported("\(place): added token \(id) is for single words, which is not supported")
    }
    self.init(text, id: id, isSpecial: value["special"]?.boolean == true, place: place)
    if value["lstrip"]?.boolean == true { flags.insert(.stripsLeft) }
    if value["rstrip"]?.boolean == true { flags.insert(.stripsRight) }
    if value["normalized"]?.boolean == true { flags.insert(.isNormalized) }
  }

  init(_ text: [UInt8], id: Int, isSpecial: Bool, place: String) {
    self.id = id
    self.text = text
    self.isSpecial = isSpecial
    self.place = place
    flags = TokenFlags()
  }
}

/// Where the added tokens of the files beside a vocabulary stand in it.
struct AddedTokenPlaces {
  /// Those that the vocabulary has, at the same ids.
  private(set) var known: [AddedToken] = []
  /// Those that it has not, by id: each fills a hole, or continues it by one.
  private(set) var new: [AddedToken] = []

  /// Ids are those of the files. Where `transformers` would not keep to them, it depends on the tokenizer's class and
  /// on the version which others it takes: such files are refused.
  /// - Parameters:
  ///   - file: what holds the vocabulary, for messages.
  ///   - count: ids that the vocabulary reaches.
  ///   - text: of a token of the vocabulary, as its file has it; nil for a hole.
  init(
    _ settings: TokenizerSettings, file: String, ids: [[UInt8]: Int], count: Int, text: (Int) -> [UInt8]?
  ) throws(ConversionError) {
    var next = count
    for token in settings.added {
      if let id = ids[token.text] {
        guard id == token.id else {
          throw .badData("\(token.place): \(token.shown) is token \(token.id), but in \(file) it is token \(id)")
        }
        known.append(token)
        continue
      }
      if token.id < count, let other = text(token.id) {
        throw .badData(
          "\(token.place): token \(token.id) is \(token.shown), but in \(file) it is \(AddedToken.shown(other))")
      }
      if let rows = settings.rows, token.id >= rows {
        throw .badData(
          "\(token.place): \(token.shown) is token \(token.id), but the model has only \(rows) rows; "
            + "remove it there if the model was not trained with it")
      }
      guard token.id <= next else {
        throw .badData(
          "\(token.place): \(token.shown) is token \(token.id), but no file names token \(next); "
            + "name the tokens between, or save the tokenizer as a tokenizer.json")
      }
      next = max(next, token.id + 1)
      new.append(token)
    }
  }
}
