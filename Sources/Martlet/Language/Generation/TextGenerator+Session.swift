extension TextGenerator {
  /// Hands over everything that goes on later needs, header first.
  public func save(_ write: (UnsafeRawBufferPointer) -> Void) {
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
  ///   numbers. Its logits come from evaluating the last token once more, which changes no bit of the cache. Where only
  ///   the text's beginning is of use, a seed stays what it is, and there are no logits before something is evaluated.
  public mutating func restore(
    _ bytes: UnsafeRawBufferPointer, goesOn: Bool = true, on team: borrowing Team
  ) throws(SessionError) {
    pending = nil
    let header = try engine.restore(bytes)
    kept = Int(header.kept)
    guard goesOn else { return }
    sampler.generator.state = header.generator
    if header.waiting >= 0 { pending = header.waiting } else { repeatLast(on: team) }
  }

  /// Keeps as many tokens of the cache as `tokens` begins with, and evaluates the others; returns how many were kept.
  public mutating func replace(
    with tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team, while goesOn: () -> Bool = { true }
  ) throws(LanguageError) -> Int {
    pending = nil
    var common = 0
    while common < tokens.count, common < engine.position, engine.tokens[common] == tokens[common] { common += 1 }
    engine.rewind(to: common)
    if common == tokens.count {
      repeatLast(on: team)
      return common
    }
    try append(UnsafeBufferPointer(rebasing: tokens[common...]), on: team, while: goesOn)
    return common
  }

  private mutating func repeatLast(on team: borrowing Team) {
    guard engine.position > 0 else { return }
    var last = engine.tokens[engine.position - 1]
    engine.rewind(to: engine.position - 1)
    withUnsafePointer(to: &last) { _ = engine.evaluate(UnsafeBufferPointer(start: $0, count: 1), on: team) }
  }
}
