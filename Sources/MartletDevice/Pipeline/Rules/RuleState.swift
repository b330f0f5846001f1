/// Whether a rule holds, from decision to decision. Plain memory, no allocation.
///
/// A decision has a score for the rule: the highest of the scores of its classes. In an unknown frame (the best score
/// of all is below `unknownBelow`) it is +infinity if the rule names `unknown`, else -infinity: such a frame has no
/// other class.
///
/// A decision is a vote if the score is at least `threshold` and at most `highest`, and the margin between the best two
/// of all classes is less than `marginBelow`; an unknown frame is one for a rule that names `unknown`.
///
/// A rule that does not hold begins to with `votes` of the last `window` decisions, this one included; it holds on as
/// long as as many are votes with `release` in the place of `threshold`. Decisions before the first count as misses.
/// With `1 of 1` that is plain hysteresis. Outside its hours it does not hold, and has no votes when they begin.
///
/// Its actions are due when it begins to hold, or in each decision in which it holds; of those it fires the first one
/// that is `pauseNs` or more after the last one that fired, and of these every `oneIn`-th, the first included.
public struct RuleState: BitwiseCopyable, Sendable {
  public struct Outcome: BitwiseCopyable, Sendable {
    public var score: Float
    public var holds: Bool
    /// Its actions are to be done.
    public var isFired: Bool
    /// The rule held in the last decision and does not any more.
    public var isReleased: Bool
    /// Whether it holds is a fact: not before the first decision, without its camera, or outside its hours.
    public var isKnown = true

    /// Nobody knows.
    static var unknown: Outcome {
      Outcome(score: 0, holds: false, isFired: false, isReleased: false, isKnown: false)
    }

    /// The level of a line that it sets; nil: the safe one.
    public var level: Bool? { isKnown ? holds : nil }
  }

  /// Decisions: the bits of a mask.
  static let maxWindow = 64

  private let threshold: Float
  private let release: Float
  private let highest: Float
  private let marginBelow: Float
  private let votes: Int
  /// A bit for each decision in the window.
  private let mask: UInt64
  private let firesAlways: Bool
  private let oneIn: Int
  private let pauseNs: UInt64
  private let hours: RuleHours?
  /// Bit 0 is the last decision: whether the score was at least the threshold, at least the release.
  private var matches: UInt64 = 0
  private var holdings: UInt64 = 0
  public private(set) var holds = false
  /// When it fired last, if it did.
  private var firedNs: UInt64 = 0
  private var hasFired = false
  /// How often its actions were due since.
  private var skipped = 0

  /// - Parameters:
  ///   - release: at most `threshold`.
  ///   - votes: 1...`window`.
  ///   - window: 1...`maxWindow`.
  ///   - highest: at least `threshold`.
  ///   - oneIn: at least 1.
  public init(
    threshold: Float, release: Float, highest: Float = .infinity, marginBelow: Float = .infinity, votes: Int,
    window: Int, fire: RuleConfiguration.Fire, oneIn: Int = 1, pauseNs: UInt64 = 0, hours: RuleHours? = nil
  ) {
    precondition(votes >= 1 && votes <= window && window <= RuleState.maxWindow && oneIn >= 1)
    self.threshold = threshold
    self.release = release
    self.highest = highest
    self.marginBelow = marginBelow
    self.votes = votes
    mask = window == RuleState.maxWindow ? .max : (1 << UInt64(window)) - 1
    firesAlways = fire == .always
    self.oneIn = oneIn
    self.pauseNs = pauseNs
    self.hours = hours
  }

  public init(_ rule: RuleConfiguration) {
    // Of unknown alone: infinity matches whatever the threshold is.
    self.init(
      threshold: rule.threshold, release: rule.release, highest: rule.highest, marginBelow: rule.marginBelow,
      votes: rule.votes, window: rule.window, fire: rule.fire, oneIn: rule.oneIn, pauseNs: rule.pauseNs,
      hours: rule.hours)
  }

  /// One decision. A score that is not a number is a miss.
  ///
  /// - Parameter margin: between the best two of all classes.
  public mutating func update(score: Float, margin: Float = 0, at moment: RuleMoment = RuleMoment()) -> Outcome {
    let held = holds
    if let hours, !hours.contains(moment.minuteOfWeek) { return leave(score) }
    let isWithin = score <= highest && (margin < marginBelow || marginBelow == .infinity) || score == .infinity
    matches = matches << 1 | (isWithin && score >= threshold ? 1 : 0)
    holdings = holdings << 1 | (isWithin && score >= release ? 1 : 0)
    holds = ((held ? holdings : matches) & mask).nonzeroBitCount >= votes
    let isDue = holds && (firesAlways || !held)
    return Outcome(
      score: score, holds: holds, isFired: isDue && fires(moment.capturedNs), isReleased: held && !holds)
  }

  /// Whether the actions that are due are to be done.
  private mutating func fires(_ ns: UInt64) -> Bool {
    // A clock that was set back ends a pause: nothing else would.
    if hasFired, ns >= firedNs, ns - firedNs < pauseNs { return false }
    skipped += 1
    guard !hasFired || skipped >= oneIn else { return false }
    skipped = 0
    firedNs = ns
    hasFired = true
    return true
  }

  /// Its hours are over, at the moment of a decision or without one; nil: they are not, or it knows.
  mutating func leave(at minuteOfWeek: Int, _ last: Outcome) -> Outcome? {
    guard let hours, last.isKnown, !hours.contains(minuteOfWeek) else { return nil }
    return leave(0)
  }

  private mutating func leave(_ score: Float) -> Outcome {
    let held = holds
    reset()
    return Outcome(score: score, holds: false, isFired: false, isReleased: held, isKnown: false)
  }

  /// Takes over what another rule has seen and done.
  public mutating func goOn(from other: RuleState) {
    matches = other.matches
    holdings = other.holdings
    holds = other.holds
    (hasFired, firedNs, skipped) = (other.hasFired, other.firedNs, other.skipped)
  }

  /// Forgets every decision: after a camera was away, votes from before mean nothing. A pause goes on.
  public mutating func reset() {
    matches = 0
    holdings = 0
    holds = false
  }
}
