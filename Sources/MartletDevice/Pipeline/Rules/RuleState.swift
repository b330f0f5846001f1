/// Whether a rule holds, from decision to decision. Plain memory, no allocation.
///
/// A decision has a score for the rule: the highest of the scores of its classes. In an unknown frame (the best score
/// of all is below `unknownBelow`) it is +infinity if the rule names `unknown`, else -infinity: such a frame has no
/// other class.
///
/// A rule that does not hold begins to when the score was at least `threshold` in `votes` of the last `window`
/// decisions, this one included; it holds on as long as the score was at least `release` in `votes` of the last
/// `window`. Decisions before the first count as misses. With `1 of 1` that is plain hysteresis.
public struct RuleState: BitwiseCopyable, Sendable {
  public struct Outcome: BitwiseCopyable, Sendable {
    public var score: Float
    public var holds: Bool
    /// The actions are due: the rule began to hold in this decision, or holds and is one that fires always.
    public var isFired: Bool
    /// The rule held in the last decision and does not any more.
    public var isReleased: Bool
  }

  /// Decisions: the bits of a mask.
  static let maxWindow = 64

  private let threshold: Float
  private let release: Float
  private let votes: Int
  /// A bit for each decision in the window.
  private let mask: UInt64
  private let firesAlways: Bool
  /// Bit 0 is the last decision: whether the score was at least the threshold, at least the release.
  private var matches: UInt64 = 0
  private var holdings: UInt64 = 0
  public private(set) var holds = false

  /// - Parameters:
  ///   - release: at most `threshold`.
  ///   - votes: 1...`window`.
  ///   - window: 1...`maxWindow`.
  public init(threshold: Float, release: Float, votes: Int, window: Int, fire: RuleConfiguration.Fire) {
    precondition(votes >= 1 && votes <= window && window <= RuleState.maxWindow)
    self.threshold = threshold
    self.release = release
    self.votes = votes
    mask = window == RuleState.maxWindow ? .max : (1 << UInt64(window)) - 1
    firesAlways = fire == .always
  }

  public init(_ rule: RuleConfiguration) {
    // Of unknown alone: infinity matches whatever the threshold is.
    self.init(
      threshold: rule.threshold, release: rule.release, votes: rule.votes, window: rule.window, fire: rule.fire)
  }

  /// One decision. A score that is not a number is a miss.
  public mutating func update(score: Float) -> Outcome {
    matches = matches << 1 | (score >= threshold ? 1 : 0)
    holdings = holdings << 1 | (score >= release ? 1 : 0)
    let held = holds
    holds = ((held ? holdings : matches) & mask).nonzeroBitCount >= votes
    return Outcome(
      score: score, holds: holds, isFired: holds && (firesAlways || !held), isReleased: held && !holds)
  }

  /// Takes over what another rule has seen.
  public mutating func goOn(from other: RuleState) {
    matches = other.matches
    holdings = other.holdings
    holds = other.holds
  }

  /// Forgets every decision: after a camera was away, votes from before mean nothing.
  public mutating func reset() {
    matches = 0
    holdings = 0
    holds = false
  }
}
