extension Tokenizer {
  /// Looks at every record once: after this a text has tokens, and only a file that changes meanwhile is `damaged`.
  ///
  /// Not whether a search finds every token: wrong tables give wrong tokens, within bounds.
  public func validate() throws(ModelError) {
    for index in 0..<tokens.count {
      guard let token = tokens[index], text(of: token) != nil else {
        throw ModelError(
          .outOfBounds, .tokenizer, index: index, field: "token's text",
          found: tokens[index].map { Int64($0.offset) + Int64($0.length) } ?? 0, expected: Int64(texts.count))
      }
      guard TokenType(rawValue: token.type) != nil else {
        throw ModelError(.unknownValue, .tokenizer, index: index, field: "token's type", found: Int64(token.type))
      }
      guard token.score.isFinite else {
        throw ModelError(.notFinite, .tokenizer, index: index, field: "score", found: Int64(index))
      }
    }
    let last = Int32(tokens.count - 1)
    try check(header.beginning, -1...last, "beginning")
    try check(header.unknown, -1...last, "unknown")
    try check(tokenTable.base, tokenTable.count, 0...last + 1, "tokenTable")
    try check(merges.base, 3 * merges.count, 0...last, "merges")
    try check(mergeTable.base, mergeTable.count, 0...Int32(merges.count), "mergeTable")
    try check(byteTokens.base, byteTokens.count, -1...last, "bytes")
    try check(specials.base, specials.count, 0...last, "specials")
    try check(ends.base, ends.count, 0...last, "ends")
  }

  /// 32-bit numbers, read as signed: no count in this section comes near 2^31.
  private func check(
    _ base: UnsafeRawPointer, _ count: Int, _ range: ClosedRange<Int32>, _ field: StaticString
  ) throws(ModelError) {
    for index in 0..<count {
      try check(base.loadUnaligned(fromByteOffset: index * 4, as: Int32.self), range, field)
    }
  }

  @inline(__always)
  private func check(_ value: Int32, _ range: ClosedRange<Int32>, _ field: StaticString) throws(ModelError) {
    guard range.contains(value) else {
      throw ModelError(
        .outOfRange, .tokenizer, field: field, found: Int64(value), expected: Int64(range.upperBound))
    }
  }
}
