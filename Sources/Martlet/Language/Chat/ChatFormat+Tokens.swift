extension ChatFormat {
  /// Token ids of a conversation's segments; returns how many.
  ///
  /// They are those of the whole text with its markers read as tokens, what `transformers` calls
  /// `apply_chat_template(tokenize=True)`; but markers in what somebody says stay words. Whether the
  /// beginning-of-sequence token stands in front is the format's matter, not the tokenizer's.
  /// - Parameters:
  ///   - token: what the segments stand behind; nil: they are the conversation's beginning.
  ///   - text: at least `segments.byteCount` bytes, where neighbours are joined.
  ///   - work: as for `Tokenizer.encode`, for `segments.byteCount` bytes.
  ///   - tokens: where the ids go.
  public func encode(
    _ segments: ChatSegments, after token: Int32?, by tokenizer: Tokenizer, text: UnsafeMutableRawBufferPointer,
    work: UnsafeMutableRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    var count = 0
    var last = token
    if token == nil, startsWithBeginning, let beginning = tokenizer.beginningToken {
      guard tokens.count > 0 else { throw .tooManyTokens }
      tokens[0] = beginning
      count = 1
      last = beginning
    }
    var position = 0
    while let run = try run(segments, &position, text) {
      count += try tokenizer.encode(
        run.bytes, parsesSpecial: run.parsesSpecial, isStart: last == nil, addsBeginning: false, after: last ?? -1,
        work: work, into: UnsafeMutableBufferPointer(rebasing: tokens[count...]))
      last = count > 0 ? tokens[count - 1] : -1
    }
    return count
  }

  private func run(
    _ segments: ChatSegments, _ position: inout Int, _ text: UnsafeMutableRawBufferPointer
  ) throws(TokenizerError) -> ChatSegment? {
    do throws(ChatError) {
      return try segments.run(from: &position, work: text)
    } catch {
      throw .textTooLong
    }
  }
}
