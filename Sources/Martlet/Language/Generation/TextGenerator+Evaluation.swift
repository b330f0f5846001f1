/// Token ids into the text, and out of it.
extension TextGenerator {
  /// Evaluates tokens behind what is there, or none of them if there is no room and the policy makes none.
  ///
  /// - Parameters:
  ///   - tokens: ids of the vocabulary.
  ///   - goesOn: asked before each step, see `LanguageEngine.stepLimit`; after a false only whole batches of the tokens
  ///     are there, without scores, and `interrupted` is thrown.
  public mutating func append(
    _ tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team, while goesOn: () -> Bool = { true }
  ) throws(LanguageError) {
    try flush(on: team, while: goesOn)
    if policy == .slide, tokens.count < engine.position + engine.room - kept {
      while tokens.count > engine.room, slide() {}
    }
    guard tokens.count <= engine.room else { throw .contextTooShort(tokens.count, room: engine.room) }
    try evaluate(tokens, on: team, while: goesOn)
  }

  /// Evaluates a token that was sampled and still waits: before more text. Interrupted, it goes on waiting.
  @inline(never)
  public mutating func flush(on team: borrowing Team, while goesOn: () -> Bool = { true }) throws(LanguageError) {
    guard var token = pending else { return }
    guard engine.room > 0 || slide() else { throw .contextTooShort(1, room: 0) }
    try withUnsafePointer(to: &token) { (token) throws(LanguageError) in
      try evaluate(UnsafeBufferPointer(start: token, count: 1), on: team, while: goesOn)
    }
    pending = nil
  }

  /// Computes the scores behind the text, where what happened to it has left none: its last token is evaluated again,
  /// which changes no bit of the cache.
  @inline(never)
  mutating func score(on team: borrowing Team, while goesOn: () -> Bool = { true }) throws(LanguageError) {
    guard !hasScores, engine.position > 0 else { return }
    var last = engine.tokens[engine.position - 1]
    engine.rewind(to: engine.position - 1)
    // Even if it is interrupted, the text is what it was.
    pending = last
    try withUnsafePointer(to: &last) { (token) throws(LanguageError) in
      try evaluate(UnsafeBufferPointer(start: token, count: 1), on: team, while: goesOn)
    }
    pending = nil
  }

  /// There is room for the tokens.
  private mutating func evaluate(
    _ tokens: UnsafeBufferPointer<Int32>, on team: borrowing Team, while goesOn: () -> Bool
  ) throws(LanguageError) {
    var done = 0
    while done < tokens.count {
      hasScores = false
      done += engine.feed(UnsafeBufferPointer(rebasing: tokens[done...]))
      repeat {
        guard goesOn() else {
          engine.cancel()
          throw .interrupted
        }
      } while !engine.step(on: team, limit: LanguageEngine.stepLimit, wantsLogits: done == tokens.count)
      hasScores = done == tokens.count
    }
  }

  /// Forgets everything behind the first `count` tokens.
  public mutating func rewind(to count: Int) {
    pending = nil
    guard count < engine.position else { return }
    hasScores = false
    engine.rewind(to: count)
  }

  /// Makes room as the policy says; false where it says to stop.
  @inline(never)
  mutating func slide() -> Bool {
    guard policy == .slide else { return false }
    let kept = min(max(kept, 0), engine.position - 2)
    let rest = engine.position - kept
    guard kept >= 0, rest >= 2 else { return false }
    let dropped = (rest + 1) / 2
    engine.remove(kept..<kept + dropped)
    hasScores = false
    if mark > kept { mark = max(mark - dropped, kept) }
    return true
  }
}
