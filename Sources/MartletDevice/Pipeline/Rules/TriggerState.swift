/// When a camera's next frame is wanted. Plain memory, no allocation, no clock of its own.
struct TriggerState {
  /// Edges that wait for their delay to pass; further ones are missed.
  static let capacity = 16

  private let configuration: TriggerConfiguration
  /// An edge that nobody could answer for so long is missed: the part has gone by.
  private let patienceNs: UInt64
  /// When the frames of the waiting triggers are due, oldest first.
  private var due = InlineArray<16, UInt64>(repeating: 0)
  private var count = 0
  private(set) var triggers = 0
  private(set) var missed = 0

  init(_ configuration: TriggerConfiguration, patienceNs: UInt64, nowNs: UInt64) {
    self.configuration = configuration
    self.patienceNs = patienceNs
    if case .interval = configuration { add(nowNs) }
  }

  /// Whether every frame is wanted, so that gaps between them are losses.
  var isContinuous: Bool {
    if case .frames = configuration { return true }
    return false
  }

  private mutating func add(_ dueNs: UInt64) {
    guard count < Self.capacity else {
      missed += 1
      return
    }
    due[count] = dueNs
    count += 1
  }

  private mutating func removeFirst() {
    count -= 1
    for index in 0..<count { due[index] = due[index + 1] }
  }

  /// An edge of a line.
  mutating func edge(ofLine line: Int, at ns: UInt64) {
    guard case .line(line, let delayNs) = configuration else { return }
    triggers += 1
    add(ns + delayNs)
  }

  /// Gives up what has waited for too long; returns how many that were.
  mutating func expire(nowNs: UInt64) -> Int {
    let before = missed
    while count > 0, due[0] + patienceNs < nowNs {
      if case .interval(let ns) = configuration {
        // The next one at or after now, in the same rhythm.
        due[0] += (nowNs - due[0] + ns - 1) / ns * ns
        return 0
      }
      removeFirst()
      missed += 1
    }
    return missed - before
  }

  /// A frame captured at this time or later is wanted now; nil: none is.
  func wantedFrom(nowNs: UInt64) -> UInt64? {
    if isContinuous { return 0 }
    return count > 0 && due[0] <= nowNs ? due[0] : nil
  }

  /// When one will be wanted; nil: not known, or now.
  func deadlineNs(nowNs: UInt64) -> UInt64? {
    count > 0 && due[0] > nowNs ? due[0] : nil
  }

  /// The wanted frame was there.
  mutating func satisfied(nowNs: UInt64) {
    switch configuration {
    case .frames: return
    case .line: removeFirst()
    case .interval(let ns):
      triggers += 1
      due[0] += ns
      if due[0] <= nowNs { due[0] += (nowNs - due[0] + ns) / ns * ns }
    }
  }
}
