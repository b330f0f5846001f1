/// Text to token ids.
extension TextGenerator {
  /// Tokens in the text so far, those of the cache and the one that still waits.
  public var length: Int { engine.position + (pending == nil ? 0 : 1) }

  /// Tokenizes `text` and evaluates its tokens behind what is there; returns how many there were.
  ///
  /// - Parameters:
  ///   - parsesSpecial: control tokens written in the text are such tokens; only for text that nobody else can write.
  ///   - isStart: at the beginning of all text: BOS, where the model wants one, and the tokenizer's leading space.
  public mutating func append(
    _ text: UnsafeRawBufferPointer, parsesSpecial: Bool, isStart: Bool, on team: borrowing Team
  ) throws(LanguageError) -> Int {
    let count = try encode(text, parsesSpecial: parsesSpecial, isStart: isStart)
    try append(UnsafeBufferPointer(rebasing: prompt[..<count]), on: team)
    return count
  }

  /// Token ids of `text` in `prompt`; returns how many.
  public func encode(
    _ text: UnsafeRawBufferPointer, parsesSpecial: Bool, isStart: Bool
  ) throws(LanguageError) -> Int {
    try encode(bytes: text.count) { (tokenizer) throws(TokenizerError) in
      try tokenizer.encode(text, parsesSpecial: parsesSpecial, isStart: isStart, work: tokenizerWork, into: prompt)
    }
  }

  /// Token ids of a conversation's segments in `prompt`; returns how many.
  ///
  /// - Parameters:
  ///   - base: how many tokens of those that are there they stand behind; 0: they are the conversation's beginning.
  ///   - text: at least `segments.byteCount` bytes, to join them in.
  public func encode(
    _ segments: ChatSegments, of format: ChatFormat, behind base: Int, text: UnsafeMutableRawBufferPointer
  ) throws(LanguageError) -> Int {
    let before = base <= 0 ? nil : base <= engine.position ? engine.tokens[base - 1] : pending ?? -1
    return try encode(bytes: segments.byteCount) { (tokenizer) throws(TokenizerError) in
      try format.encode(segments, after: before, by: tokenizer, text: text, work: tokenizerWork, into: prompt)
    }
  }

  private func encode(
    bytes: Int, _ body: (Tokenizer) throws(TokenizerError) -> Int
  ) throws(LanguageError) -> Int {
    guard let tokenizer else { throw .noTokenizer }
    guard bytes <= textBytes else { throw .textTooLong(bytes, limit: textBytes) }
    do throws(TokenizerError) {
      return try body(tokenizer)
    } catch {
      switch error {
      case .textTooLong: throw .textTooLong(bytes, limit: textBytes)
      case .tooManyTokens: throw .contextTooShort(prompt.count, room: engine.room)
      case .damaged: throw .damagedTokenizer
      }
    }
  }

  /// Token ids in place of a text, as `encode` would have left them.
  public func place(_ tokens: UnsafeBufferPointer<Int32>) throws(LanguageError) -> Int {
    guard tokens.count <= prompt.count else { throw .contextTooShort(tokens.count, room: engine.room) }
    for index in 0..<tokens.count {
      let token = tokens[index]
      guard token >= 0, Int(token) < engine.logits.count else {
        throw .unknownToken(token, vocabulary: engine.logits.count)
      }
      prompt[index] = token
    }
    return tokens.count
  }

  /// The ids that `encode` left, for those who want to see them.
  public func encoded(_ count: Int) -> UnsafeBufferPointer<Int32> { UnsafeBufferPointer(rebasing: prompt[..<count]) }
}
