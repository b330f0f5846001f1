/// Text to tokens and back: a view of the section `tokenizer`, which stays mapped. `validate` looks at all of it once,
/// and it is checked wherever it is used all the same, since a mapped file can change.
///
/// What a tokenizer computes is what the model was trained with: Hugging Face `tokenizers` for byte-level BPE,
/// SentencePiece for the others. A section that is damaged, or that changes while it is used, gives wrong tokens or
/// `TokenizerError.damaged`, and each search in it is bounded.
public struct Tokenizer {
  let header: TokenizerHeader
  let model: TokenizerModel
  let words: WordPattern
  let normalizer: TextNormalizer
  let flags: TokenizerFlags
  let tokens: SectionArray<TokenRecord>
  let texts: SectionArray<UInt8>
  let tokenTable: SectionArray<UInt32>
  let merges: SectionArray<MergeRecord>
  let mergeTable: SectionArray<UInt32>
  let byteTokens: SectionArray<Int32>
  let specials: SectionArray<UInt32>
  let ends: SectionArray<Int32>

  /// A view of a section; it must stay where it is. What the arrays hold is for `validate`.
  ///
  /// - Throws: `ModelError` at `.tokenizer` if the header is not sound or an array is not inside the section.
  public init(_ section: UnsafeRawBufferPointer) throws(ModelError) {
    guard section.count >= MemoryLayout<TokenizerHeader>.size else {
      throw ModelError(
        section.isEmpty ? .missing : .tooShort, .tokenizer, field: "header", found: Int64(section.count),
        expected: Int64(MemoryLayout<TokenizerHeader>.size))
    }
    let header = section.loadUnaligned(as: TokenizerHeader.self)
    (model, words, normalizer) = try Tokenizer.kinds(header)
    try Tokenizer.checkCounts(header)
    self.header = header
    flags = TokenizerFlags(rawValue: header.flags)
    tokens = try SectionArray(section, offset: header.tokens, count: Int(header.tokenCount), field: "tokens")
    texts = try SectionArray(section, offset: header.texts, count: Int(header.textBytes), field: "texts")
    tokenTable = try SectionArray(
      section, offset: header.tokenTable, count: Int(header.tokenSlots), field: "tokenTable")
    merges = try SectionArray(section, offset: header.merges, count: Int(header.mergeCount), field: "merges")
    mergeTable = try SectionArray(
      section, offset: header.mergeTable, count: Int(header.mergeSlots), field: "mergeTable")
    byteTokens = try SectionArray(section, offset: header.bytes, count: 256, field: "bytes")
    specials = try SectionArray(section, offset: header.specials, count: Int(header.specialCount), field: "specials")
    ends = try SectionArray(section, offset: header.ends, count: Int(header.endCount), field: "ends")
  }

  /// The tokenizer of a whole `.martlet` file, of a language model or alone, with all that opening such a file checks.
  public init(file: UnsafeRawBufferPointer) throws(ModelError) {
    let sections = try Sections(file: file)
    let found =
      sections.isTokenizer
      ? try LanguageDescription.texts(sections).tokenizer : try LanguageDescription(sections).tokenizer
    guard let found else { throw ModelError(.missing, .tokenizer) }
    self = found
  }

  /// Tokens in the vocabulary.
  public var count: Int { tokens.count }

  /// BOS, if the model wants one at a text's start.
  public var beginning: Int32? {
    flags.contains(.addsBeginning) && isToken(header.beginning) ? header.beginning : nil
  }

  /// BOS, whether or not texts begin with it.
  public var beginningToken: Int32? { isToken(header.beginning) ? header.beginning : nil }

  /// Whether the first token of an output loses its leading space, since one was put before the text.
  public var stripsLeadingSpace: Bool { flags.contains(.prefixesStart) }

  /// Whether a token is for control: it stands for no text, and is read from a text only if that is asked for.
  public func isControl(_ token: Int32) -> Bool {
    guard let record = tokens[Int(token)] else { return false }
    return record.type == TokenType.control.rawValue || record.type == TokenType.unknown.rawValue
  }

  /// Whether a text behind this token begins with the space that the model was trained with.
  func prefixes(after token: Int32) -> Bool {
    guard token >= 0, let record = tokens[Int(token)] else { return false }
    if record.type == TokenType.control.rawValue { return flags.contains(.prefixesAfterControl) }
    return record.type == TokenType.userDefined.rawValue && flags.contains(.prefixesAfterUserDefined)
  }

  /// Whether generation ends with this token.
  public func isEnd(_ token: Int32) -> Bool {
    for index in 0..<ends.count where ends[index] == token { return true }
    return false
  }

  /// The bytes that a token stands for in the output; a space for SentencePiece's U+2581, its byte for a byte token,
  /// nothing for a control token unless `special`. Nothing, too, for what is no token.
  public func bytes(of token: Int32, special: Bool) -> UnsafeRawBufferPointer {
    let nothing = UnsafeRawBufferPointer(start: texts.base, count: 0)
    guard let record = tokens[Int(token)] else { return nothing }
    if isControl(token) && !special { return nothing }
    return text(of: record) ?? nothing
  }

  func isToken(_ token: Int32) -> Bool { token >= 0 && Int(token) < tokens.count }

  /// A token's text, or nil if it is not inside the texts.
  func text(of record: TokenRecord) -> UnsafeRawBufferPointer? {
    let start = Int(record.offset)
    let length = Int(record.length)
    guard start + length <= texts.count else { return nil }
    return UnsafeRawBufferPointer(start: texts.base + start, count: length)
  }

  private static func kinds(
    _ header: TokenizerHeader
  ) throws(ModelError) -> (TokenizerModel, WordPattern, TextNormalizer) {
    guard let model = TokenizerModel(rawValue: header.model) else {
      throw ModelError(.unknownValue, .tokenizer, field: "model", found: Int64(header.model))
    }
    guard let words = WordPattern(rawValue: header.words) else {
      throw ModelError(.unknownValue, .tokenizer, field: "words", found: Int64(header.words))
    }
    guard let normalizer = TextNormalizer(rawValue: header.normalizer) else {
      throw ModelError(.unknownValue, .tokenizer, field: "normalizer", found: Int64(header.normalizer))
    }
    return (model, words, normalizer)
  }

  private static func checkCounts(_ header: TokenizerHeader) throws(ModelError) {
    func check(_ count: UInt32, in range: ClosedRange<Int>, _ field: StaticString) throws(ModelError) {
      guard range.contains(Int(count)) else {
        throw ModelError(
          .outOfRange, .tokenizer, field: field, found: Int64(count),
          expected: Int64(Int(count) < range.lowerBound ? range.lowerBound : range.upperBound))
      }
    }
    try check(header.tokenCount, in: 1...TokenizerFormat.maxTokens, "tokenCount")
    try check(header.mergeCount, in: 0...TokenizerFormat.maxMerges, "mergeCount")
    try check(header.specialCount, in: 0...TokenizerFormat.maxSpecials, "specialCount")
    try check(header.endCount, in: 0...TokenizerFormat.maxEnds, "endCount")
    let isByteLevel = header.model == TokenizerModel.byteLevel.rawValue
    let longest = isByteLevel ? TokenizerFormat.maxTextBytes : TokenizerFormat.maxPieceBytes
    try check(header.longestPiece, in: 0...longest, "longestPiece")
    try checkSlots(header.tokenSlots, "tokenSlots")
    try checkSlots(header.mergeSlots, "mergeSlots")
    guard header.unknownScore.isFinite else {
      throw ModelError(.outOfRange, .tokenizer, field: "unknownScore")
    }
  }

  private static func checkSlots(_ slots: UInt32, _ field: StaticString) throws(ModelError) {
    guard slots > 0, slots & (slots - 1) == 0 else {
      throw ModelError(.outOfRange, .tokenizer, field: field, found: Int64(slots), expected: 1)
    }
  }
}

/// Why a text has no tokens.
public enum TokenizerError: Error {
  /// The text is longer than the work space is for.
  case textTooLong
  /// There is no room for more tokens.
  case tooManyTokens
  /// The section `tokenizer` contradicts itself.
  case damaged
}
