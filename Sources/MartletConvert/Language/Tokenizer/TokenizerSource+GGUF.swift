import Martlet

extension TokenizerSource {
  /// The tokenizer in a GGUF file's metadata, `tokenizer.ggml.*`.
  public init(gguf metadata: [String: GGUFValue]) throws(ConversionError) {
    let fields = GGUFTokenizerFields(metadata)
    guard let name = try fields.text("model") else { throw .badData("tokenizer.ggml.model is missing") }
    switch name {
    case "gpt2": self.init(model: .byteLevel)
    case "llama": self.init(model: .scored)
    case "t5": self.init(model: .unigram)
    default: throw .unsupported("tokenizer.ggml.model \"\(printable(name))\" is not supported; gpt2, llama and t5 are")
    }
    if try fields.hasBytes("precompiled_charsmap") {
      throw .unsupported(
        "tokenizer.ggml.precompiled_charsmap: a SentencePiece normalizer other than identity is not "
          + "supported")
    }
    try readTokens(fields)
    try readIDs(fields)
    if model == .byteLevel { try readByteLevel(fields) } else { try readSentencePiece(fields) }
    if try fields.flag("add_eos_token") == true { notes.append("texts do not end with EOS, though the file wants it") }
    addKnownEnds()
  }

  private mutating func readTokens(_ fields: GGUFTokenizerFields) throws(ConversionError) {
    guard let texts = try fields.texts("tokens") else { throw .badData("tokenizer.ggml.tokens is missing") }
    guard !texts.isEmpty, texts.count <= TokenizerFormat.maxTokens else {
      throw .badData("tokenizer.ggml.tokens has \(texts.count) tokens, not 1 to \(TokenizerFormat.maxTokens)")
    }
    let types = try fields.integers("token_type", count: texts.count)
    let scores = try fields.reals("scores", count: texts.count)
    tokens.reserveCapacity(texts.count)
    for (id, text) in texts.enumerated() {
      let raw = types?[id] ?? Int64(TokenType.normal.rawValue)
      // 0 is "undefined": some writers give it to padding.
      guard let type = raw == 0 ? .unused : UInt8(exactly: raw).flatMap(TokenType.init(rawValue:)) else {
        throw .badData("tokenizer.ggml.token_type of token \(id) is \(raw)")
      }
      tokens.append(try token(id, text, type, score: scores?[id] ?? 0))
    }
    if types == nil, model != .byteLevel { throw .badData("tokenizer.ggml.token_type is missing") }
  }

  private func token(_ id: Int, _ text: [UInt8], _ type: TokenType, score: Float) throws(ConversionError) -> Token {
    let isKnownEnd = TokenizerSource.knownEnds.contains { Array($0.utf8) == text }
    switch type {
    case .normal where isKnownEnd:
      // Some files call these normal, which would let a text spell out the end of a turn.
      return Token(text: text, type: .control, score: score, isSearched: false, isSpecial: true)
    case .normal where model == .byteLevel:
      // A text that is not of the alphabet cannot come out of merges.
      let decoded = ByteAlphabet.decode(text)
      return Token(text: decoded ?? text, type: .normal, score: score, isSearched: decoded != nil && !text.isEmpty)
    case .normal:
      // SentencePiece writes spaces as U+2581: a token with a real one is never found.
      return Token(
        text: SpaceMark.decode(text), type: .normal, score: score, isSearched: !text.isEmpty && !text.contains(0x20))
    case .byte where model != .byteLevel:
      guard let byte = SpaceMark.byte(text) else {
        throw .badData(
          "token \(id) is a byte token with the text \"\(printable(String(decoding: text, as: UTF8.self)))\"")
      }
      return Token(text: [byte], type: .byte, score: score, isSearched: false)
    case .userDefined where model != .byteLevel:
      return Token(
        text: SpaceMark.decode(text), type: .userDefined, score: score, isSearched: false, isSpecial: true)
    case .control, .unknown, .userDefined:
      return Token(text: text, type: type, score: score, isSearched: false, isSpecial: true)
    default:
      return Token(text: text, type: type, score: score, isSearched: false)
    }
  }

  private mutating func readIDs(_ fields: GGUFTokenizerFields) throws(ConversionError) {
    let isSentencePiece = model != .byteLevel
    beginning = try fields.id("bos_token_id", count: tokens.count) ?? (isSentencePiece && tokens.count > 1 ? 1 : nil)
    unknown = try fields.id("unknown_token_id", count: tokens.count) ?? (isSentencePiece ? 0 : nil)
    for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
      if let id = try fields.id(name, count: tokens.count) { addEnd(id) }
    }
    if ends.isEmpty, isSentencePiece, tokens.count > 2 { ends = [2] }
  }

  private mutating func readByteLevel(_ fields: GGUFTokenizerFields) throws(ConversionError) {
    let stated = try fields.text("pre")
    let name = stated ?? "default"
    if stated == nil {
      notes.append(
        "tokenizer.ggml.pre is missing: texts are cut into words by llama.cpp's \"default\", which may not be what the "
          + "model was trained with; a file from a newer conversion has it")
    }
    guard let known = GGUFPreTokenizer(name) else {
      throw .unsupported("tokenizer.ggml.pre \"\(printable(name))\" is not supported; \(GGUFPreTokenizer.list) are")
    }
    (words, normalizer) = (known.words, known.normalizer)
    if known.ignoresMerges { flags.insert(.ignoresMerges) }
    if try fields.flag("add_bos_token") ?? known.addsBeginning, beginning != nil { flags.insert(.addsBeginning) }
    if try fields.flag("add_space_prefix") == true { flags.insert(.prefixesStart | .prefixesUnlessPresent) }
    guard let lines = try fields.texts("merges") else { throw .badData("tokenizer.ggml.merges is missing") }
    guard lines.count <= TokenizerFormat.maxMerges else {
      throw .unsupported("tokenizer.ggml.merges has \(lines.count) merges, more than \(TokenizerFormat.maxMerges)")
    }
    var pairs: [(left: [UInt8], right: [UInt8])] = []
    pairs.reserveCapacity(lines.count)
    for (rank, line) in lines.enumerated() {
      let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
      guard parts.count == 2, let left = ByteAlphabet.decode(Array(parts[0])),
        let right = ByteAlphabet.decode(Array(parts[1]))
      else {
        throw .badData(
          "tokenizer.ggml.merges: merge \(rank) is \"\(printable(String(decoding: line, as: UTF8.self)))\"")
      }
      pairs.append((left, right))
    }
    try setMerges(pairs)
  }

  private mutating func readSentencePiece(_ fields: GGUFTokenizerFields) throws(ConversionError) {
    guard try fields.reals("scores", count: tokens.count) != nil else {
      throw .badData("tokenizer.ggml.scores is missing")
    }
    flags.insert(.fallsBackToBytes | .fusesUnknown | .readsSpaceMark)
    if try fields.flag("add_bos_token") ?? (model == .scored), beginning != nil { flags.insert(.addsBeginning) }
    if try fields.flag("add_space_prefix") ?? true {
      flags.insert(.prefixesStart | .prefixesAfterControl | .prefixesAfterUserDefined)
    }
    if try fields.flag("remove_extra_whitespaces") == true { flags.insert(.collapsesSpaces) }
    if model == .unigram { setUnknownScore() }
  }

  /// SentencePiece's: ten less than the least score of a normal token.
  mutating func setUnknownScore() {
    unknownScore = (tokens.lazy.filter { $0.type == .normal }.map(\.score).min() ?? 0) - 10
  }
}
