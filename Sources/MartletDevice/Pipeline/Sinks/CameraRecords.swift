import CMartletLinux
import CMartletPlatform

/// What the records need to know of a camera from decision to decision: what the last one was, and what there was since
/// the last summary. In memory that is taken at the start.
struct CameraRecords: ~Copyable {
  /// Classes that a summary tells apart.
  static let maxClasses = 65536

  /// UTF-8 of the camera's name.
  let name: UnsafeRawBufferPointer
  var isLost = false

  // Of the last decision.
  private var hasLast = false
  private var bestIndex = 0
  private var isUnknown = false
  /// A bit for each rule.
  private var holds: UInt64 = 0

  // Since the last summary.
  /// When it began (CLOCK_MONOTONIC).
  private(set) var sinceNs = martlet_now_ns()
  private(set) var decided: UInt64 = 0
  private(set) var dropped: UInt64 = 0
  private(set) var unknown: UInt64 = 0
  private(set) var fired: InlineArray<64, UInt32> = InlineArray(repeating: 0)
  private(set) var toDecision: LatencyHistogram
  private(set) var toAction: LatencyHistogram
  /// Becomes resident as far as classes are seen.
  private let counts: UnsafeMutableBufferPointer<UInt32>
  private var countEnd = 0
  /// Damaged frames up to then.
  private var damagedBefore = 0

  /// nil: there is no memory.
  init?(_ name: String) {
    let bytes = Self.maxClasses * MemoryLayout<UInt32>.stride
    guard let toDecision = LatencyHistogram(), let toAction = LatencyHistogram(),
      let region = martlet_reserve_memory(bytes)
    else { return nil }
    self.name = name.permanentBytes()
    self.toDecision = toDecision
    self.toAction = toAction
    counts = UnsafeMutableRawBufferPointer(start: region, count: bytes).bindMemory(to: UInt32.self)
  }

  deinit { martlet_release_memory(counts.baseAddress, counts.count * MemoryLayout<UInt32>.stride) }

  /// Notes a decision; whether it differs from the one before: another class is the best, a rule holds that did not, or
  /// the other way round, the frame is unknown or is no more; or something was done.
  mutating func note(
    _ decision: Decision, of camera: borrowing PipelineCamera, _ scores: RuleScores
  ) -> Bool {
    var holds: UInt64 = 0
    var acts = false
    for index in camera.rules.indices {
      let outcome = camera.rules[index].outcome
      if outcome.holds { holds |= 1 << UInt64(index) }
      if outcome.isFired { fired[index] += 1 }
      acts = acts || outcome.isFired || outcome.isReleased
    }
    let isChange =
      !hasLast || acts || holds != self.holds || scores.bestIndex != bestIndex || scores.isUnknown != isUnknown
    hasLast = true
    self.holds = holds
    bestIndex = scores.bestIndex
    isUnknown = scores.isUnknown

    decided += 1
    dropped += decision.dropped
    if isUnknown {
      unknown += 1
    } else if bestIndex < counts.count {
      counts[bestIndex] += 1
      countEnd = max(countEnd, bestIndex + 1)
    }
    toDecision.record(decision.decidedNs - min(decision.capturedNs, decision.decidedNs))
    if decision.actedNs > 0 { toAction.record(decision.actedNs - min(decision.capturedNs, decision.actedNs)) }
    return isChange
  }

  /// Nobody knows what the next decision will be.
  mutating func forgetLast() { hasLast = false }

  /// The classes that were the best at least once.
  func forEachClass(_ body: (_ index: Int, _ count: UInt32) -> Void) {
    for index in 0..<countEnd where counts[index] > 0 { body(index, counts[index]) }
  }

  /// Damaged frames since this was asked last. (A camera that was made anew counts anew.)
  mutating func takeDamaged(_ all: Int) -> UInt64 {
    defer { damagedBefore = all }
    return UInt64(all >= damagedBefore ? all - damagedBefore : all)
  }

  /// The next summary begins.
  mutating func beginAnew(nowNs: UInt64) {
    sinceNs = nowNs
    decided = 0
    dropped = 0
    unknown = 0
    for index in 0..<64 { fired[index] = 0 }
    toDecision.reset()
    toAction.reset()
    for index in 0..<countEnd { counts[index] = 0 }
    countEnd = 0
  }
}
