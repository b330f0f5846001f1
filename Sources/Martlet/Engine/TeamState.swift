import CMartletPlatform

/// The words that the threads of a team share, each on a cache line of its own.
///
/// `gate` is the whole protocol: its high half counts openings and closings (odd: a job is open), its low half the workers
/// inside. A worker enters only through an open gate, in one compare-and-exchange; the caller closes the gate when no unit
/// is left to claim, and then waits for those inside. A worker that never woke up is not waited for.
struct TeamState {
  private let base: UnsafeMutableRawPointer?

  static let headerBytes = 512
  static let workerBytes = 128

  init(base: UnsafeMutableRawPointer?) { self.base = base }

  private func word(_ line: Int) -> UnsafeMutablePointer<UInt32> {
    (base! + line * 64).assumingMemoryBound(to: UInt32.self)
  }
  private var gate: UnsafeMutablePointer<UInt32> { word(0) }
  /// Changes with every job and at the end; sleeping workers wait on it.
  private var epoch: UnsafeMutablePointer<UInt32> { word(1) }
  private var sleepers: UnsafeMutablePointer<UInt32> { word(2) }
  private var next: UnsafeMutablePointer<UInt32> { word(3) }
  private var stopping: UnsafeMutablePointer<UInt32> { word(4) }
  private var callerSleeps: UnsafeMutablePointer<UInt32> { word(5) }
  /// Written while the gate is closed and nobody is inside.
  private var order: UnsafeMutablePointer<Order> { (base! + 6 * 64).assumingMemoryBound(to: Order.self) }

  private struct Order {
    var job: Job
    var last: UInt32
    var chunk: UInt32
  }

  func worker(_ index: Int) -> UnsafeMutablePointer<TeamWorker> {
    (base! + TeamState.headerBytes + (index - 1) * TeamState.workerBytes).assumingMemoryBound(to: TeamWorker.self)
  }

  /// About 20 to 60 microseconds: longer than the gap between two operators, far shorter than a scheduler's slice.
  private static let spins = 1000
  private static let opening: UInt32 = 1 << 16

  // MARK: The caller's side

  func open(_ job: Job, first: Int32, last: Int32, threads: Int) {
    // A few claims per thread even out their speed; more would only cost traffic.
    let chunk = max(1, UInt32(last - first) / UInt32(threads * 8))
    order.initialize(to: Order(job: job, last: UInt32(last), chunk: chunk))
    martlet_store_release(next, UInt32(first))
    _ = martlet_fetch_add(gate, TeamState.opening)
    _ = martlet_fetch_add(epoch, 1)
    // Sequentially consistent on both sides: either the sleeper sees the new epoch or we see the sleeper.
    if martlet_load_sequential(sleepers) != 0 { martlet_futex_wake(epoch, Int32.max) }
  }

  func close() {
    var seen = martlet_fetch_add(gate, TeamState.opening) &+ TeamState.opening
    var spins = 0
    while seen & 0xFFFF != 0 {
      if spins < TeamState.spins {
        spins += 1
        martlet_spin_pause()
      } else {
        _ = martlet_exchange(callerSleeps, 1)
        seen = martlet_load_sequential(gate)
        if seen & 0xFFFF != 0 { martlet_futex_wait(gate, seen) }
        _ = martlet_exchange(callerSleeps, 0)
      }
      seen = martlet_load_acquire(gate)
    }
  }

  func stop() {
    martlet_store_release(stopping, 1)
    _ = martlet_fetch_add(epoch, 1)
    martlet_futex_wake(epoch, Int32.max)
  }

  // MARK: Everybody's side

  func claimUnits(thread: Int) {
    let last = order.pointee.last
    let chunk = order.pointee.chunk
    while true {
      let first = martlet_fetch_add(next, chunk)
      if first >= last { return }
      order.pointee.job.run(Int32(first), Int32(min(first + chunk, last)), thread: thread)
    }
  }

  // MARK: A worker's side

  func work(thread: Int) {
    var seen: UInt32 = 0
    while true {
      seen = waitForEpoch(after: seen)
      if martlet_load_acquire(stopping) != 0 { return }
      if enter() {
        claimUnits(thread: thread)
        leave()
      }
    }
  }

  private func waitForEpoch(after seen: UInt32) -> UInt32 {
    for _ in 0..<TeamState.spins {
      let now = martlet_load_acquire(epoch)
      if now != seen { return now }
      martlet_spin_pause()
    }
    _ = martlet_fetch_add(sleepers, 1)
    while martlet_load_sequential(epoch) == seen { martlet_futex_wait(epoch, seen) }
    _ = martlet_fetch_sub(sleepers, 1)
    return martlet_load_acquire(epoch)
  }

  private func enter() -> Bool {
    var seen = martlet_load_acquire(gate)
    while (seen >> 16) & 1 == 1 {
      if martlet_compare_exchange(gate, seen, seen + 1) { return true }
      seen = martlet_load_acquire(gate)
    }
    return false
  }

  private func leave() {
    let after = martlet_fetch_sub(gate, 1) - 1
    // Only the last one out of a closed gate can be the one that the caller waits for.
    if after & 0xFFFF == 0, (after >> 16) & 1 == 0, martlet_load_sequential(callerSleeps) != 0 {
      martlet_futex_wake(gate, 1)
    }
  }
}
