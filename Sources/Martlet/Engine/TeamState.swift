import CMartletPlatform

/// The words that the threads of a team share, each on a cache line of its own.
///
/// `gate` is the whole protocol: its high half counts openings and closings (odd: a job is open), its low half the
/// workers inside. A worker enters only through an open gate, in one compare-and-exchange; the caller closes the gate
/// when no unit is left to claim, and then waits for those inside. A worker that never woke up is not waited for.
struct TeamState {
  private let base: UnsafeMutableRawPointer?

  static let headerBytes = 512
  /// For each thread, the caller included: a line for its counter of units, then its TeamWorker.
  static let threadBytes = 192

  init(base: UnsafeMutableRawPointer?) { self.base = base }

  private func word(_ line: Int) -> UnsafeMutablePointer<UInt32> {
    (base! + line * 64).assumingMemoryBound(to: UInt32.self)
  }
  private var gate: UnsafeMutablePointer<UInt32> { word(0) }
  /// Changes with every job and at the end; sleeping workers wait on it.
  private var epoch: UnsafeMutablePointer<UInt32> { word(1) }
  private var sleepers: UnsafeMutablePointer<UInt32> { word(2) }
  private var stopping: UnsafeMutablePointer<UInt32> { word(3) }
  private var callerSleeps: UnsafeMutablePointer<UInt32> { word(4) }
  /// Written while the gate is closed and nobody is inside.
  private var order: UnsafeMutablePointer<Order> { (base! + 6 * 64).assumingMemoryBound(to: Order.self) }

  private struct Order {
    var job: Job
    var first: Int32
    var last: Int32
    var threads: Int32

    /// Units [start(of: i), start(of: i + 1)) are meant for thread i, so that a thread finds what it wrote itself in
    /// its own cache, operator after operator.
    func start(of thread: Int32) -> Int32 {
      first + Int32(Int64(last - first) * Int64(thread) / Int64(threads))
    }
  }

  /// How many units of its share a thread has given away.
  private func taken(_ thread: Int32) -> UnsafeMutablePointer<UInt32> {
    (base! + TeamState.headerBytes + Int(thread) * TeamState.threadBytes).assumingMemoryBound(to: UInt32.self)
  }

  func worker(_ thread: Int) -> UnsafeMutablePointer<TeamWorker> {
    (base! + TeamState.headerBytes + thread * TeamState.threadBytes + 64).assumingMemoryBound(to: TeamWorker.self)
  }

  /// About 20 to 60 microseconds: longer than the gap between two operators, far shorter than a scheduler's slice.
  private static let spins = 1000
  private static let opening: UInt32 = 1 << 16

  // MARK: The caller's side

  func open(_ job: Job, first: Int32, last: Int32, threads: Int) {
    order.initialize(to: Order(job: job, first: first, last: last, threads: Int32(threads)))
    for thread in 0..<Int32(threads) { martlet_store_release(taken(thread), 0) }
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

  /// First the thread's own share, then what is left of the others': a thread that the system does not run, or runs
  /// slowly, has its share done by those that do.
  func claimUnits(thread: Int) {
    let threads = order.pointee.threads
    for turn in 0..<threads {
      let owner = (Int32(thread) + turn) % threads
      let start = order.pointee.start(of: owner)
      let count = UInt32(order.pointee.start(of: owner + 1) - start)
      // A few claims even out the threads' speed; more would only cost traffic.
      let chunk = turn == 0 ? max(1, count / 4) : 1
      while true {
        let first = martlet_fetch_add(taken(owner), chunk)
        if first >= count { break }
        let last = min(first + chunk, count)
        order.pointee.job.run(start + Int32(first), start + Int32(last), thread: thread)
      }
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
