import CMartletLinux
import CMartletPlatform

/// What the pipeline waits for: a camera, an input line, the status socket, a signal.
///
/// The loop asks all of them for their descriptors and their deadline, waits for whatever comes first, and lets each do
/// what is due. None of them waits.
protocol EventSource: ~Copyable {
  /// The most descriptors that it waits for.
  var descriptorCapacity: Int { get }

  /// What it waits for at `nowNs`. (All that is asked for one wait is asked of the same moment: what falls due between
  /// two would be neither waited for nor due.)
  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore)

  /// When it has something to do though no descriptor told (CLOCK_MONOTONIC, ns); 0: at once, `.max`: never.
  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64

  /// Does what is due, without waiting for anything. It reads the clock itself: a decision of the source before may
  /// have taken long.
  mutating func service(_ core: inout PipelineCore)

  /// The beginning: what it does elsewhere begins now.
  mutating func begin(_ core: inout PipelineCore)

  /// The end is near: what it does elsewhere, it is to finish.
  mutating func end(nowNs: UInt64)

  /// Whether decisions may still come of it: the pipeline ends with the last such source.
  var isActive: Bool { get }

  /// Whether it should have done before `ns` what it has not done yet: then the service manager gets no sign of life.
  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool
}

extension EventSource where Self: ~Copyable {
  var descriptorCapacity: Int { 1 }
  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 { .max }
  mutating func begin(_ core: inout PipelineCore) {}
  mutating func end(nowNs: UInt64) {}
  var isActive: Bool { false }
  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool { false }
}

extension Both: EventSource where First: EventSource & ~Copyable, Second: EventSource & ~Copyable {
  var descriptorCapacity: Int { first.descriptorCapacity + second.descriptorCapacity }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    first.addDescriptors(to: &waits, nowNs: nowNs, core)
    second.addDescriptors(to: &waits, nowNs: nowNs, core)
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    min(first.deadlineNs(nowNs: nowNs, core), second.deadlineNs(nowNs: nowNs, core))
  }

  mutating func service(_ core: inout PipelineCore) {
    first.service(&core)
    if !core.isEnding { second.service(&core) }
  }

  mutating func begin(_ core: inout PipelineCore) {
    first.begin(&core)
    second.begin(&core)
  }

  mutating func end(nowNs: UInt64) {
    first.end(nowNs: nowNs)
    second.end(nowNs: nowNs)
  }

  var isActive: Bool { first.isActive || second.isActive }

  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool {
    first.isOverdue(before: ns, core) || second.isOverdue(before: ns, core)
  }
}

/// Several of a kind.
extension FixedArray: EventSource where Element: EventSource & ~Copyable {
  var descriptorCapacity: Int {
    var sum = 0
    for index in indices { sum += self[index].descriptorCapacity }
    return sum
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    for index in indices { self[index].addDescriptors(to: &waits, nowNs: nowNs, core) }
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    var first = UInt64.max
    for index in indices { first = min(first, self[index].deadlineNs(nowNs: nowNs, core)) }
    return first
  }

  mutating func service(_ core: inout PipelineCore) {
    for index in indices where !core.isEnding { self[index].service(&core) }
  }

  mutating func begin(_ core: inout PipelineCore) { for index in indices { self[index].begin(&core) } }

  mutating func end(nowNs: UInt64) { for index in indices { self[index].end(nowNs: nowNs) } }

  var isActive: Bool {
    for index in indices where self[index].isActive { return true }
    return false
  }

  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool {
    for index in indices where self[index].isOverdue(before: ns, core) { return true }
    return false
  }
}

/// The descriptors that the loop waits for, collected anew for each wait.
struct WaitSet: ~Copyable {
  private var entries: FixedArray<pollfd>

  init(capacity: Int) { entries = FixedArray(capacity: capacity) }

  var count: Int { entries.count }
  mutating func removeAll() { entries.removeAll() }

  /// - Parameter isUrgent: urgent data wakes too: a camera tells so that its picture changes.
  mutating func add(_ descriptor: Int32, isUrgent: Bool = false) {
    entries.append(pollfd(fd: descriptor, events: Int16(isUrgent ? POLLIN | POLLPRI : POLLIN), revents: 0))
  }

  /// Until one of them is readable, or the deadline.
  mutating func wait(untilNs deadline: UInt64) {
    entries.withUnsafeMutableBufferPointer { _ = martlet_wait($0.baseAddress, UInt32($0.count), deadline) }
  }
}
