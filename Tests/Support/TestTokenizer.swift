import Martlet

/// A tokenizer's section out of a few tokens.
public struct TestTokenizer: Sendable {
  public struct Token: Sendable {
    public var text: [UInt8]
    public var type: TokenType
    public var score: Float
    public var flags = TokenFlags()

    public init(_ text: String, _ type: TokenType = .normal, score: Float = 0) {
      self.init(bytes: Array(text.utf8), type, score: score)
    }

    public init(bytes: [UInt8], _ type: TokenType, score: Float = 0) {
      (text, self.type, self.score) = (bytes, type, score)
    }

    /// Found in a text before anything else.
    var isSpecial: Bool { type == .control || type == .unknown || type == .userDefined }
  }

  public var model: TokenizerModel
  public var words = WordPattern.none
  public var normalizer = TextNormalizer.none
  public var flags = TokenizerFlags()
  public var tokens: [Token] = []
  /// By rank: a pair of tokens' texts, and together they are a token too.
  public var merges: [(left: String, right: String)] = []
  public var beginning: String?
  public var unknown: String?
  public var unknownScore: Float = 0
  public var ends: [String] = []

  public init(_ model: TokenizerModel) { self.model = model }

  public func id(_ text: String) -> Int32 {
    Int32(tokens.firstIndex { $0.text == Array(text.utf8) }!)
  }

  /// Every byte, a few merges, and `<s>` and `</s>` behind them.
  public static func bytes() -> TestTokenizer {
    var tokenizer = TestTokenizer(.byteLevel)
    tokenizer.words = .gpt2
    tokenizer.tokens = (0..<256).map { Token(bytes: [UInt8($0)], .normal) }
    tokenizer.tokens += ["th", "the", " the", "an", "and"].map { Token($0) }
    tokenizer.tokens += ["<s>", "</s>"].map { Token($0, .control) }
    tokenizer.merges = [("t", "h"), ("th", "e"), (" ", "the"), ("a", "n"), ("an", "d")]
    tokenizer.flags = .addsBeginning
    tokenizer.beginning = "<s>"
    tokenizer.ends = ["</s>"]
    return tokenizer
  }

  /// Fifteen tokens with scores.
  public static func pieces() -> TestTokenizer {
    var tokenizer = TestTokenizer(.scored)
    tokenizer.tokens = [Token("<unk>", .unknown), Token("<s>", .control), Token("</s>", .control)]
    for (rank, text) in ["a", "b", "c", " ", "ab", "abc", "bc", "aa", " a", "é"].enumerated() {
      tokenizer.tokens.append(Token(text, score: -Float(rank)))
    }
    tokenizer.tokens += [Token(bytes: [0x0A], .byte), Token(bytes: [0xFF], .byte)]
    tokenizer.flags = .addsBeginning | .prefixesStart | .fallsBackToBytes
    tokenizer.unknown = "<unk>"
    tokenizer.beginning = "<s>"
    tokenizer.ends = ["</s>"]
    return tokenizer
  }
}

extension TestTokenizer {
  public func section() -> [UInt8] {
    var header = TokenizerHeader()
    (header.model, header.words, header.normalizer) = (model.rawValue, words.rawValue, normalizer.rawValue)
    header.flags = flags.rawValue
    header.beginning = beginning.map(id) ?? TokenizerFormat.none
    header.unknown = unknown.map(id) ?? TokenizerFormat.none
    header.unknownScore = unknownScore
    var body = [UInt8](repeating: 0, count: MemoryLayout<TokenizerHeader>.size)
    func append<Element: BitwiseCopyable>(_ values: [Element]) -> UInt32 {
      defer { values.withUnsafeBytes { body += $0 } }
      return UInt32(body.count)
    }

    let texts = tokens.flatMap(\.text)
    header.tokenCount = UInt32(tokens.count)
    header.tokens = append(records())
    header.textBytes = UInt32(texts.count)
    header.texts = append(texts)

    let searched = tokens.indices.filter { isSearched(tokens[$0]) }
    header.longestPiece = UInt32(searched.map { tokens[$0].text.count }.max() ?? 0)
    let tokenTable = Self.table(searched.map { (index: $0, hash: Self.hash(tokens[$0].text)) })
    let ranked = merges.map { (left: id($0.left), right: id($0.right), merged: id($0.left + $0.right)) }
    let mergeTable = Self.table(
      ranked.enumerated().map { ($0.offset, TokenizerFormat.slotHash(left: $0.element.left, right: $0.element.right)) })
    header.probeLimit = UInt8(max(tokenTable.probes, mergeTable.probes))
    header.tokenSlots = UInt32(tokenTable.slots.count)
    header.tokenTable = append(tokenTable.slots)
    header.mergeCount = UInt32(merges.count)
    header.merges = append(ranked.flatMap { [$0.left, $0.right, $0.merged] })
    header.mergeSlots = UInt32(mergeTable.slots.count)
    header.mergeTable = append(mergeTable.slots)

    header.bytes = append(byteTokens())
    let specials = tokens.indices.filter { tokens[$0].isSpecial }
      .sorted { tokens[$0].text.lexicographicallyPrecedes(tokens[$1].text) }
    for index in specials {
      let byte = tokens[index].text[0]
      header.specialStarts[Int(byte >> 5)] |= 1 << UInt32(byte & 31)
    }
    header.specialCount = UInt32(specials.count)
    header.specials = append(specials.map { UInt32($0) })
    header.endCount = UInt32(ends.count)
    header.ends = append(ends.map(id))
    withUnsafeBytes(of: header) { body.replaceSubrange(0..<$0.count, with: $0) }
    return body
  }

  private func records() -> [TokenRecord] {
    var offset = 0
    return tokens.map { token in
      var record = TokenRecord()
      record.offset = UInt32(offset)
      record.length = UInt16(token.text.count)
      (record.type, record.flags, record.score) = (token.type.rawValue, token.flags.rawValue, token.score)
      offset += token.text.count
      return record
    }
  }

  /// Merging bytes works on ids alone.
  private func isSearched(_ token: Token) -> Bool {
    token.type == .normal && (model != .byteLevel || flags.contains(.ignoresMerges))
  }

  private func byteTokens() -> [Int32] {
    let type: TokenType = model == .byteLevel ? .normal : .byte
    var table = [Int32](repeating: TokenizerFormat.none, count: 256)
    for (id, token) in tokens.enumerated() where token.type == type && token.text.count == 1 {
      table[Int(token.text[0])] = Int32(id)
    }
    return table
  }

  private static func hash(_ text: [UInt8]) -> UInt32 {
    TokenizerFormat.slotHash(text.reduce(TokenizerFormat.hashStart) { TokenizerFormat.hash($0, $1) })
  }

  /// Open addressing: index + 1 in the first free slot from the hash on, and how many slots a search looks at.
  private static func table(_ entries: [(index: Int, hash: UInt32)]) -> (slots: [UInt32], probes: Int) {
    var slots = [UInt32](repeating: 0, count: 1024)
    precondition(entries.count <= slots.count / 2)
    var probes = 1
    for (index, hash) in entries {
      var slot = Int(hash) & (slots.count - 1)
      var count = 2
      while slots[slot] != 0 {
        slot = (slot + 1) & (slots.count - 1)
        count += 1
      }
      slots[slot] = UInt32(index) + 1
      probes = max(probes, count)
    }
    return (slots, probes)
  }
}
