extension TextGenerator {
  /// Hands over everything that going on later needs, header first. What a ring holds beyond its window is forgotten.
  public mutating func save(_ write: (UnsafeRawBufferPointer) -> Void) {
    var header = SessionHeader()
    header.generator = sampler.generator.state
    header.kept = UInt32(min(max(kept, 0), engine.position))
    header.waiting = pending ?? -1
    // Twice over the cache: the header holds the hash of what follows it.
    engine.save(&header) { _ in }
    withUnsafeBytes(of: header) { write($0) }
    engine.save(&header, write)
  }

  /// Takes up what was saved.
  ///
  /// - Parameter goesOn: the text is to go on as if nothing had been between, with the saved state of the random
  ///   numbers. Where only the text's beginning is of use, a seed stays what it is.
  public mutating func restore(_ bytes: UnsafeRawBufferPointer, goesOn: Bool = true) throws(SessionError) {
    pending = nil
    hasScores = false
    let header = try engine.restore(bytes)
    kept = Int(header.kept)
    guard goesOn else { return }
    sampler.generator.state = header.generator
    if header.waiting >= 0 { pending = header.waiting }
  }

  /// Keeps as many tokens of the text as `tokens` begins with, and evaluates the others; returns how many were kept.
  public mutating func replace(
    with tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team, while goesOn: () -> Bool = { true }
  ) throws(LanguageError) -> Int {
    pending = nil
    var common = 0
    while common < tokens.count, common < engine.position, engine.tokens[common] == tokens[common] { common += 1 }
    rewind(to: common)
    if common == tokens.count {
      try score(on: team, while: goesOn)
    } else {
      try append(UnsafeBufferPointer(rebasing: tokens[common...]), on: team, while: goesOn)
    }
    return common
  }
}
