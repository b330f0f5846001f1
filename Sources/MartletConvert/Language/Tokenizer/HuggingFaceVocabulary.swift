import Martlet

/// The vocabulary of a `tokenizer.json`: the model's tokens and the added ones.
struct HuggingFaceVocabulary {
  private var texts: [[UInt8]?] = []
  private var scores: [Float] = []
  private var ids: [[UInt8]: Int] = [:]
  private var added: [Int: AddedToken] = [:]
  private let hasByteTokens: Bool
  private(set) var unknown: Int?

  /// Whether an added token is looked for in normalized text.
  var hasNormalizedTokens: Bool { added.values.contains { $0.flags.contains(.isNormalized) } }

  init(_ model: JSONValue, isUnigram: Bool) throws(ConversionError) {
    hasByteTokens = model["byte_fallback"]?.boolean == true
    if isUnigram {
      try readPieces(model)
    } else {
      try readTexts(model)
    }
    guard !texts.isEmpty else { throw .badData("tokenizer.json: the vocabulary is empty") }
  }

  private mutating func readPieces(_ model: JSONValue) throws(ConversionError) {
    for (id, piece) in (model["vocab"]?.array ?? []).enumerated() {
      guard let pair = piece.array, pair.count == 2, let text = pair[0].bytes, let score = pair[1].number else {
        throw .badData("tokenizer.json: piece \(id) is no pair of a text and a score")
      }
      try set(id, text)
      scores[id] = Float(score)
    }
    if let value = model["unk_id"] {
      guard let id = value.integer, texts.indices.contains(id) else {
        throw .badData("tokenizer.json: unk_id is no token")
      }
      unknown = id
    }
  }

  private mutating func readTexts(_ model: JSONValue) throws(ConversionError) {
    guard case .object(let members)? = model["vocab"] else {
      throw .badData("tokenizer.json: the model has no vocabulary")
    }
    for (text, value) in members {
      guard let id = value.integer else {
        throw .badData("tokenizer.json: token \"\(printable(String(decoding: text, as: UTF8.self)))\" has no id")
      }
      try set(id, text)
    }
    if let text = model["unk_token"]?.bytes {
      guard let id = ids[text] else { throw .badData("tokenizer.json: unk_token is no token") }
      unknown = id
    }
  }

  private mutating func set(_ id: Int, _ text: [UInt8]) throws(ConversionError) {
    guard id >= 0, id < TokenizerFormat.maxTokens else {
      throw .unsupported("tokenizer.json: token id \(id) is not below \(TokenizerFormat.maxTokens)")
    }
    while texts.count <= id {
      texts.append(nil)
      scores.append(0)
    }
    guard texts[id] == nil || texts[id] == text, ids.updateValue(id, forKey: text) ?? id == id else {
      throw .badData(
        "tokenizer.json: token \(id), \"\(printable(String(decoding: text, as: UTF8.self)))\", is there twice")
    }
    texts[id] = text
  }

  mutating func add(_ value: JSONValue?) throws(ConversionError) {
    for item in value?.array ?? [] {
      guard let id = item["id"]?.integer, let text = item["content"]?.bytes, !text.isEmpty else {
        throw .badData("tokenizer.json: an added token has no id or no content")
      }
      try set(id, text)
      added[id] = try AddedToken(item, id: id, place: "tokenizer.json")
    }
  }

  /// Those of the files beside it that tokenizer.json lacks; of the others it knows itself how they are found.
  mutating func add(_ settings: TokenizerSettings) throws(ConversionError) {
    let texts = self.texts
    let places = try AddedTokenPlaces(
      settings, file: "tokenizer.json", ids: ids, count: texts.count, text: { texts[$0] })
    for token in places.known + places.new where added[token.id] == nil {
      try set(token.id, token.text)
      added[token.id] = token
    }
  }

  func isToken(_ text: [UInt8]) -> Bool { ids[text] != nil }

  /// - Parameter normalizes: the normalizer changes texts, so that it matters in which text a token is looked for.
  func tokens(isByteLevel: Bool, normalizes: Bool) -> [TokenizerSource.Token] {
    texts.enumerated().map { id, text in
      guard let text else { return TokenizerSource.Token(text: [], type: .unused, isSearched: false) }
      if let added = added[id] { return token(id, added, isByteLevel, normalizes) }
      if id == unknown { return TokenizerSource.Token(text: text, type: .unknown, isSearched: false, isSpecial: true) }
      if isByteLevel {
        let decoded = ByteAlphabet.decode(text)
        return TokenizerSource.Token(
          text: decoded ?? text, type: .normal, isSearched: decoded != nil && !text.isEmpty)
      }
      if hasByteTokens, let byte = SpaceMark.byte(text) {
        return TokenizerSource.Token(text: [byte], type: .byte, isSearched: false)
      }
      return TokenizerSource.Token(
        text: SpaceMark.decode(text), type: .normal, score: scores[id],
        isSearched: !text.isEmpty && !text.contains(0x20))
    }
  }

  private func token(
    _ id: Int, _ added: AddedToken, _ isByteLevel: Bool, _ normalizes: Bool
  ) -> TokenizerSource.Token {
    var flags = added.flags
    if !normalizes { flags.remove(.isNormalized) }
    let type: TokenType = id == unknown ? .unknown : added.isSpecial ? .control : .userDefined
    // A run of marks is what the model makes of spaces; as an added token it would be found in no ordinary text.
    let isOfMarks = !isByteLevel && added.text.starts(with: SpaceMark.bytes)
    return TokenizerSource.Token(
      text: isByteLevel ? added.text : SpaceMark.decode(added.text), type: type, score: scores[id], flags: flags,
      isSearched: isOfMarks && !added.isSpecial, isSpecial: !isOfMarks || added.isSpecial)
  }

  /// The two texts of a merge, in either of the forms that files have.
  static func pair(_ value: JSONValue) -> (left: [UInt8], right: [UInt8])? {
    if let parts = value.array {
      guard parts.count == 2, let left = parts[0].bytes, let right = parts[1].bytes else { return nil }
      return (left, right)
    }
    guard let parts = value.bytes?.split(separator: 0x20, omittingEmptySubsequences: false), parts.count == 2 else {
      return nil
    }
    return (Array(parts[0]), Array(parts[1]))
  }

  func id(_ text: [UInt8], merge: Int) throws(ConversionError) -> Int {
    guard let id = ids[text] else {
      throw .badData(
        "tokenizer.json: merge \(merge) is about \"\(printable(String(decoding: text, as: UTF8.self)))\", "
          + "which is no token")
    }
    return id
  }
}
