import CMartletKernels

/// How the next token is chosen from the scores.
public struct SamplingOptions: Sendable {
  /// 0: always the best.
  public var temperature: Float = 0
  /// Only the best K; 0: all.
  public var topK = 40
  /// Only the best that together have this probability; 1: all.
  public var topP: Float = 0.95
  /// Only those with at least this share of the best one's probability; 0: all.
  public var minP: Float = 0.05
  /// Scores of tokens among the last `penaltyWindow` are divided by this where positive, multiplied where negative; 1:
  /// off.
  public var repeatPenalty: Float = 1
  public var penaltyWindow = 64
  public var seed: UInt64 = 0
  public init() {}
}

/// Chooses tokens, reproducibly: the same scores, options and seed give the same tokens everywhere.
///
/// The order is penalty, top-k, top-p, min-p, temperature; each but the penalty sees what the one before left.
public struct Sampler {
  public var options: SamplingOptions
  var generator: Generator
  /// [vocabulary] in the caller's memory.
  private let candidates: UnsafeMutablePointer<Candidate>

  struct Candidate {
    var score: Float
    var token: Int32

    /// Higher scores first; of equal ones the smaller id.
    func isBefore(_ other: Candidate) -> Bool {
      score > other.score || (score == other.score && token < other.token)
    }
  }

  /// Bytes of `region` for a vocabulary of `count` tokens.
  public static func workBytes(vocabulary count: Int) -> Int { count * MemoryLayout<Candidate>.stride }

  /// - Parameter region: aligned to 8 bytes, of at least `workBytes(vocabulary:)` for every vocabulary it is used with.
  public init(_ options: SamplingOptions, region: UnsafeMutableRawPointer) {
    self.options = options
    generator = Generator(seed: options.seed)
    candidates = region.assumingMemoryBound(to: Candidate.self)
  }

  /// The next token; nil if `mask` allows none.
  ///
  /// - Parameters:
  ///   - logits: one score a token; those that the penalty touches are changed. NaN counts as the lowest.
  ///   - recent: the tokens so far, the latest last.
  ///   - mask: bit i % 32 of word i / 32 allows token i; nil allows all.
  public mutating func next(
    _ logits: UnsafeMutableBufferPointer<Float>, recent: UnsafeBufferPointer<Int32>, mask: UnsafePointer<UInt32>? = nil
  ) -> Int32? {
    if options.repeatPenalty != 1 { penalize(logits, recent) }
    guard options.temperature > 0 else { return best(logits, mask) }
    var count = 0
    for token in 0..<logits.count {
      if let mask, mask[token / 32] >> UInt32(token % 32) & 1 == 0 { continue }
      let score = logits[token]
      candidates[count] = Candidate(score: score.isNaN ? -.infinity : score, token: Int32(token))
      count += 1
    }
    return count == 0 ? nil : draw(count)
  }

  private func best(_ logits: UnsafeMutableBufferPointer<Float>, _ mask: UnsafePointer<UInt32>?) -> Int32? {
    var best: Int32?
    var most = -Float.infinity
    for token in 0..<logits.count {
      if let mask, mask[token / 32] >> UInt32(token % 32) & 1 == 0 { continue }
      if best == nil || logits[token] > most {
        best = Int32(token)
        most = logits[token].isNaN ? -.infinity : logits[token]
      }
    }
    return best
  }

  private func penalize(_ logits: UnsafeMutableBufferPointer<Float>, _ recent: UnsafeBufferPointer<Int32>) {
    let first = recent.count - min(max(options.penaltyWindow, 0), recent.count)
    for i in first..<recent.count {
      let token = recent[i]
      guard token >= 0, token < Int32(logits.count) else { continue }
      // Once for each token, however often it came.
      var isRepeated = false
      for earlier in first..<i where recent[earlier] == token { isRepeated = true }
      if isRepeated { continue }
      let score = logits[Int(token)]
      logits[Int(token)] = score > 0 ? score / options.repeatPenalty : score * options.repeatPenalty
    }
  }

  // MARK: Drawing

  /// A heap gives the candidates from the best on; the chosen ones end up, best last, at the array's end.
  private mutating func draw(_ count: Int) -> Int32 {
    var i = count / 2
    while i > 0 {
      i -= 1
      sift(i, count)
    }
    let most = candidates[0].score
    guard most.isFinite else { return candidates[0].token }
    let limit = options.topK > 0 ? min(options.topK, count) : count
    var total: Float = 0
    if limit == count && options.topP < 1 {
      for i in 0..<count { total += martlet_exp(candidates[i].score - most) }
    }
    var left = count
    while left > count - limit {
      left -= 1
      swap(0, left)
      sift(0, left)
    }
    if limit < count {
      for i in left..<count { total += martlet_exp(candidates[i].score - most) }
    }
    return pick(left, count, most: most, total: total)
  }

  /// Of the candidates [first, end), sorted best last.
  private mutating func pick(_ first: Int, _ end: Int, most: Float, total: Float) -> Int32 {
    var kept = 0
    var share: Float = 0
    while end - kept > first {
      let relative = martlet_exp(candidates[end - 1 - kept].score - most)
      if kept > 0 && (relative < options.minP || (options.topP < 1 && share >= options.topP * total)) { break }
      share += relative
      kept += 1
    }
    var sum: Float = 0
    for i in 0..<kept {
      let at = end - 1 - i
      candidates[at].score = martlet_exp((candidates[at].score - most) / options.temperature)
      sum += candidates[at].score
    }
    var point = generator.nextUnit() * sum
    for i in 0..<kept {
      point -= candidates[end - 1 - i].score
      if point < 0 { return candidates[end - 1 - i].token }
    }
    return candidates[end - 1].token
  }

  private func swap(_ a: Int, _ b: Int) {
    let kept = candidates[a]
    candidates[a] = candidates[b]
    candidates[b] = kept
  }

  /// Restores the heap's order below `start` among the first `count`.
  private func sift(_ start: Int, _ count: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < count else { return }
      if child + 1 < count && candidates[child + 1].isBefore(candidates[child]) { child += 1 }
      guard candidates[child].isBefore(candidates[parent]) else { return }
      swap(parent, child)
      parent = child
    }
  }
}

extension Sampler {
  /// xoshiro256** by Blackman and Vigna, seeded by splitmix64, both from their published descriptions.
  struct Generator {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    var state: InlineArray<4, UInt64> {
      get {
        var words = InlineArray<4, UInt64>(repeating: 0)
        words[0] = a
        words[1] = b
        words[2] = c
        words[3] = d
        return words
      }
      set { (a, b, c, d) = (newValue[0], newValue[1], newValue[2], newValue[3]) }
    }

    init(seed: UInt64) {
      var state = seed
      func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
      }
      a = next()
      b = next()
      c = next()
      d = next()
    }

    mutating func next() -> UInt64 {
      func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 { (x << by) | (x >> (64 - by)) }
      let result = rotate(b &* 5, 7) &* 9
      let t = b << 17
      c ^= a
      d ^= b
      b ^= c
      a ^= d
      c ^= t
      d = rotate(d, 45)
      return result
    }

    /// In 0 ..< 1, a multiple of 2^-24.
    mutating func nextUnit() -> Float { Float(next() >> 40) / 16_777_216 }
  }
}
