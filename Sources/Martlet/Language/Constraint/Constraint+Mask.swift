extension Constraint {
  /// Sets the bit of each token that may come next, and of the end tokens where the output is complete; clears all
  /// others.
  ///
  /// Work: at most one `advance` for each byte of the vocabulary, and much less where prefixes are refused or shared.
  /// The states of the walk are in the constraint's region: not for two threads at once.
  ///
  /// - Parameters:
  ///   - order: of the same vocabulary.
  ///   - tokensLeft: how many tokens the output may still have. A token is allowed only if what it leads to can be
  ///     completed with one byte for each token that is left then, as long as that can be done at all: in a vocabulary
  ///     with a token for each byte the output is never cut off. Nil: no such care.
  ///   - mask: `(count + 31) / 32` words; token i is bit i % 32 of word i / 32.
  /// - Returns: how many bits are set; 0 if the vocabulary has no token that could go on.
  @discardableResult
  public func mask(
    _ state: ConstraintState, tokenizer: some ConstraintVocabulary, order: TokenOrder,
    tokensLeft: Int? = nil, into mask: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let count = max(tokenizer.count, 0)
    for word in 0..<(count + 31) / 32 { mask[word] = 0 }
    var set = 0
    if isComplete(state) {
      for token in 0..<Int32(truncatingIfNeeded: count) where tokenizer.isEnd(token) {
        mask[Int(token) / 32] |= 1 << UInt32(token % 32)
        set += 1
      }
    }
    let limit = tokensLeft.map { left in left > 0 && missingBytes(state) <= left ? left - 1 : Int.max } ?? Int.max
    var walk = ConstraintWalk(self, state)
    for index in 0..<order.count {
      let token = order.ids[index]
      guard token >= 0, Int(token) < count, walk.accepts(tokenizer.bytes(of: token), Int(order.common[index])) else {
        continue
      }
      if limit < Int.max, walk.missingBytes > limit { continue }
      mask[Int(token) / 32] |= 1 << UInt32(token % 32)
      set += 1
    }
    return set
  }
}

/// A walk through sorted tokens that keeps the states after the prefixes of the latest one.
private struct ConstraintWalk {
  private let constraint: Constraint
  /// State i follows i bytes of the latest token; the last one is that after all its bytes, if these are more.
  private let states: UnsafeMutablePointer<ConstraintState>
  /// How many of its bytes are accepted, and whether that is all of them.
  private var accepted = 0
  private var isAccepted = true
  private var last = 0

  init(_ constraint: Constraint, _ state: ConstraintState) {
    self.constraint = constraint
    states = constraint.program.states
    states[0] = state
  }

  /// - Parameter common: bytes that the token shares with the one before it.
  mutating func accepts(_ bytes: UnsafeRawBufferPointer, _ common: Int) -> Bool {
    if !isAccepted, common > accepted { return false }
    let limit = ConstraintProgram.rememberedBytes
    accepted = min(min(common, accepted), min(bytes.count, limit))
    last = accepted
    isAccepted = true
    while accepted < bytes.count {
      let next = min(accepted + 1, limit + 1)
      if next > last { ConstraintState.copy(states + last, to: states + next) }
      last = next
      guard constraint.advance(&states[next], byte: bytes[accepted]) else {
        isAccepted = false
        return false
      }
      accepted += 1
    }
    return true
  }

  /// After the latest token, which was accepted.
  var missingBytes: Int { constraint.missingBytes(states[last]) }
}
