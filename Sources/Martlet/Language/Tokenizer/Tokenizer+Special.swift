/// Special tokens in a text: the longest one that begins at a position.
extension Tokenizer {
  struct SpecialMatch {
    var token: Int32
    var length: Int
    var flags: TokenFlags
    var isControl: Bool
  }

  /// The longest special token at the start of `bytes`.
  ///
  /// The specials are ordered by their bytes, so those that begin with the bytes so far are a range, which each further
  /// byte narrows; one that ends here is the first of its range.
  ///
  /// - Parameters:
  ///   - controls: whether control tokens count, and those that a chat is made of.
  ///   - normalized: whether those are meant that are looked for in normalized text, or the others.
  func special(_ bytes: UnsafePointer<UInt8>, count: Int, controls: Bool, normalized: Bool) -> SpecialMatch? {
    guard count > 0, header.specialStarts[Int(bytes[0] >> 5)] >> UInt32(bytes[0] & 31) & 1 == 1 else { return nil }
    var low = 0
    var high = specials.count
    var best: SpecialMatch?
    var depth = 0
    while depth < count {
      low = bound(low, high, depth: depth, above: Int(bytes[depth]) - 1)
      high = bound(low, high, depth: depth, above: Int(bytes[depth]))
      guard low < high else { break }
      depth += 1
      if let match = special(at: low), match.length == depth,
        match.flags.contains(.isNormalized) == normalized,
        controls || !(match.isControl || match.flags.contains(.isMarker))
      {
        best = match
      }
    }
    return best
  }

  /// The first special in `low..<high` whose byte at `depth` is greater than `value`; one that ends there has -1.
  private func bound(_ low: Int, _ high: Int, depth: Int, above value: Int) -> Int {
    var low = low
    var high = high
    while low < high {
      let middle = (low + high) / 2
      if byte(ofSpecial: middle, at: depth) > value { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func byte(ofSpecial index: Int, at depth: Int) -> Int {
    guard let token = specials[index], let record = tokens[Int(token)], let text = text(of: record) else { return -1 }
    return depth < text.count ? Int(text[depth]) : -1
  }

  private func special(at index: Int) -> SpecialMatch? {
    guard let token = specials[index], let record = tokens[Int(token)] else { return nil }
    return SpecialMatch(
      token: Int32(truncatingIfNeeded: token), length: Int(record.length), flags: TokenFlags(rawValue: record.flags),
      isControl: record.type != TokenType.userDefined.rawValue)
  }
}
