import Martlet

/// A tokenizer as an importer found it, ready to be written as the section `tokenizer`.
public struct TokenizerSource: Sendable {
  /// A token of the vocabulary; its id is its index.
  struct Token: Sendable {
    /// The bytes that it stands for: SentencePiece's U+2581 is a space, byte-level BPE's alphabet is decoded.
    var text: [UInt8]
    var type: TokenType
    var score: Float = 0
    var flags = TokenFlags()
    /// Whether merging can arrive at it, or a lattice hold it, by its text.
    var isSearched: Bool
    /// Whether it is found in a text before anything else is looked at.
    var isSpecial = false
  }

  struct Merge: Sendable {
    var left: Int32
    var right: Int32
    var merged: Int32
  }

  var model: TokenizerModel
  var words: WordPattern = .none
  var normalizer: TextNormalizer = .none
  var flags = TokenizerFlags()
  var tokens: [Token] = []
  var merges: [Merge] = []
  var unknown: Int?
  /// Score of a character that is no token, for the unigram model.
  var unknownScore: Float = 0

  /// BOS, whether or not texts begin with it.
  public var beginning: Int?
  /// Tokens that end a text or a turn: several are possible.
  public var ends: [Int] = []
  /// What a person should know.
  public internal(set) var notes: [String] = []

  init(model: TokenizerModel) {
    self.model = model
  }

  public var tokenCount: Int { tokens.count }

  /// Whether texts begin with `beginning`.
  public var addsBeginning: Bool { flags.contains(.addsBeginning) }

  /// What the section says about itself, for a summary.
  public var summary: String {
    let kind =
      switch model {
      case .byteLevel: "byte-level BPE, words as \(words)"
      case .ranked: "BPE of characters by rank"
      case .scored: "BPE of characters by score"
      case .unigram: "unigram"
      }
    return "\(tokens.count) tokens, \(kind)" + (normalizer == .nfc ? ", NFC" : "")
  }

  /// The id of a token by its text. Of tokens with the same text, a control or user-defined one comes first.
  public func token(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    var found: Int?
    for (id, token) in tokens.enumerated() where token.text == bytes {
      if token.type == .control || token.type == .userDefined { return id }
      if found == nil, token.type != .byte { found = id }
    }
    return found
  }

  /// Whether a text is a token that is found before anything else is looked at, or will be once it is marked.
  func hasSpecial(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return tokens.contains { ($0.isSpecial || $0.type == .userDefined) && $0.text == bytes }
  }

  /// A token's text; what is not UTF-8 is replaced.
  public func text(of id: Int) -> String {
    tokens.indices.contains(id) ? String(decoding: tokens[id].text, as: UTF8.self) : ""
  }

  /// One more token that ends a text or a turn.
  public mutating func addEnd(_ id: Int) {
    guard tokens.indices.contains(id), !ends.contains(id) else { return }
    ends.append(id)
  }

  /// Tokens that a chat is made of. Vocabularies call some of them user-defined (DeepSeek's distills do); found in
  /// everybody's text, they would let a user write the turns of others.
  mutating func mark(_ texts: [String]) {
    let marked = Set(texts.map { Array($0.utf8) })
    for id in tokens.indices where tokens[id].type == .userDefined && marked.contains(tokens[id].text) {
      tokens[id].flags.insert(.isMarker)
      // The lattice of a unigram model, where it is found otherwise, does not know who wrote a text.
      if tokens[id].isSearched { tokens[id].flags.insert(.isNormalized) }
      tokens[id].isSearched = false
      tokens[id].isSpecial = true
    }
  }

  /// Texts of tokens that end a turn in the models that have them, whatever the file says.
  static let knownEnds = [
    "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|EOT|>",
    "<｜end▁of▁sentence｜>",
  ]

  /// Adds those of `knownEnds` that are control tokens.
  mutating func addKnownEnds() {
    let known = Set(TokenizerSource.knownEnds.map { Array($0.utf8) })
    for (id, token) in tokens.enumerated() where token.type == .control && known.contains(token.text) { addEnd(id) }
  }
}
