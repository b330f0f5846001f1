import CMartletKernels
import CMartletPlatform

/// A cascade under way: what its threads share, in the arena.
///
/// All threads work on one job. Units are taken in the order of the steps by one counter, so whoever holds the earliest
/// unit that is not complete waits for nobody: what its step depends on comes before it. A thread whose step has to
/// wait does so until the steps that are complete without a gap, from the first on, reach that step's dependency: a
/// short bounded spin, then a futex. A thread that the system does not run holds the others up only by the unit that it
/// has.
struct CascadeState {
  /// What the counters count. Written while nobody works.
  struct Order {
    var steps: UnsafeMutablePointer<BoundStep>
    var strips: UnsafePointer<BoundStrip>
    var stages: UnsafePointer<BoundStage>
    var operators: UnsafePointer<BoundOperator>
    var buffers: UnsafePointer<martlet_buffers>
    var stepCount: Int
    /// The job's: units [unit, endUnit), of which the first lies in `step`.
    var step: Int
    var unit: UInt32
    var endUnit: UInt32
  }

  static let bytes = 192 + MemoryLayout<Order>.size
  private let base: UnsafeMutableRawPointer

  init(_ base: UnsafeMutableRawPointer) { self.base = base }

  private func word(_ line: Int) -> UnsafeMutablePointer<UInt32> {
    (base + line * 64).assumingMemoryBound(to: UInt32.self)
  }
  /// The next unit to take.
  private var ticket: UnsafeMutablePointer<UInt32> { word(0) }
  /// How many steps are complete without a gap.
  private var completed: UnsafeMutablePointer<UInt32> { word(1) }
  private var sleepers: UnsafeMutablePointer<UInt32> { word(2) }
  private var order: UnsafeMutablePointer<Order> { (base + 192).assumingMemoryBound(to: Order.self) }

  /// Some tens of microseconds: longer than a unit on a slow core. Sleeping costs the time of several units, twice; a
  /// thread that has to share its processor with the one that it waits for loses no more than this.
  private static let spins = 2000

  // MARK: The caller's side

  /// Runs units [order.unit, order.endUnit); those before are complete.
  func run(_ next: Order, on team: borrowing Team, scratch: UnsafeMutableRawPointer, stride: Int) {
    guard team.threads > 1, next.endUnit - next.unit > 1 else {
      CascadeState.run(next, scratch)
      return
    }
    order.initialize(to: next)
    var step = next.step
    while step < next.stepCount, next.steps[step].firstUnit < next.endUnit {
      next.steps[step].complete = step == next.step ? next.unit - next.steps[step].firstUnit : 0
      step += 1
    }
    martlet_store_release(ticket, next.unit)
    martlet_store_release(completed, UInt32(next.step))
    martlet_store_release(sleepers, 0)
    // A unit of the job is a thread at work.
    let job = Job(
      kernel: { state, _, _, _, scratch in
        CascadeState(UnsafeMutableRawPointer(mutating: state!)).work(scratch!)
      },
      parameters: UnsafeRawPointer(base), buffers: nil, scratch: scratch, scratchStride: stride)
    team.run(job, first: 0, last: Int32(min(UInt32(team.threads), next.endUnit - next.unit)))
  }

  /// On one thread: a step at a time.
  private static func run(_ order: Order, _ scratch: UnsafeMutableRawPointer) {
    var step = order.step
    var unit = order.unit
    while unit < order.endUnit {
      let first = order.steps[step].firstUnit
      let end = min(order.endUnit, order.steps[step + 1].firstUnit)
      order.run(step, order.buffers(of: step), Int32(unit - first), Int32(end - first), scratch)
      unit = end
      step += 1
    }
  }

  // MARK: Everybody's side

  private func work(_ scratch: UnsafeMutableRawPointer) {
    let order = order.pointee
    var step = order.step
    var end = order.steps[step].firstUnit
    var buffers = martlet_buffers()
    while true {
      let unit = martlet_fetch_add(ticket, 1)
      if unit >= order.endUnit { return }
      if unit >= end {
        while unit >= order.steps[step + 1].firstUnit { step += 1 }
        end = order.steps[step + 1].firstUnit
        wait(for: order.steps[step].dependency)
        buffers = order.buffers(of: step)
      }
      let first = Int32(unit - order.steps[step].firstUnit)
      order.run(step, buffers, first, first + 1, scratch)
      if martlet_fetch_add(&order.steps[step].complete, 1) + 1 == end - order.steps[step].firstUnit { advance(order) }
    }
  }

  private func wait(for steps: UInt32) {
    var spins = 0
    while martlet_load_acquire(completed) < steps {
      if spins < CascadeState.spins {
        spins += 1
        martlet_spin_pause()
        continue
      }
      // Sequentially consistent on both sides: either the sleeper sees the new count, or `advance` the sleeper.
      _ = martlet_fetch_add(sleepers, 1)
      let seen = martlet_load_sequential(completed)
      if seen < steps { martlet_futex_wait(completed, seen) }
      _ = martlet_fetch_sub(sleepers, 1)
    }
  }

  /// After a step has become complete: counts it, if those before are, and those behind that are.
  private func advance(_ order: Order) {
    while true {
      let seen = martlet_load_sequential(completed)
      guard seen < order.stepCount else { return }
      let step = order.steps + Int(seen)
      let units = (step + 1).pointee.firstUnit - step.pointee.firstUnit
      // Whoever completes the next step later than we look at it sees what we have counted, and goes on from there.
      guard martlet_load_sequential(&step.pointee.complete) == units else { return }
      guard martlet_compare_exchange(completed, seen, seen + 1) else { continue }
      if martlet_load_sequential(sleepers) != 0 { martlet_futex_wake(completed, Int32.max) }
    }
  }
}

extension CascadeState.Order {
  func run(
    _ step: Int, _ buffers: martlet_buffers, _ first: Int32, _ last: Int32, _ scratch: UnsafeMutableRawPointer
  ) {
    let strip = strips + Int(steps[step].kind)
    let operation = operators + operation(of: step)
    withUnsafePointer(to: buffers) { operation.pointee.kernel(strip.pointee.parameters, $0, first, last, scratch) }
  }

  /// Of which operator the step is a strip.
  func operation(of step: Int) -> Int {
    Int(stages[Int(strips[Int(steps[step].kind)].stage)].operation)
  }

  /// The operator's buffers, at the strip's rows.
  func buffers(of step: Int) -> martlet_buffers {
    let strip = strips + Int(steps[step].kind)
    let stage = stages + Int(strip.pointee.stage)
    let row = Int32(steps[step].strip) * stage.pointee.stripRows
    let first = max(0, row * stage.pointee.stride - stage.pointee.padTop)
    var at = buffers[Int(stage.pointee.operation)]
    let place = stage.pointee.ring0 == 0 ? first : first % stage.pointee.ring0
    if stage.pointee.ring0 > 0, place + strip.pointee.inputRows > stage.pointee.ring0 {
      at.ring_rows = stage.pointee.ring0
      at.ring_start = place
    } else {
      at.input.0 = at.input.0.map { $0 + Int(place) * Int(stage.pointee.rowBytes0) }
    }
    let place1 = stage.pointee.ring1 == 0 ? row : row % stage.pointee.ring1
    at.input.1 = at.input.1.map { $0 + Int(place1) * Int(stage.pointee.rowBytes1) }
    let placeOut = stage.pointee.outputRing == 0 ? row : row % stage.pointee.outputRing
    at.output = at.output.map { $0 + Int(placeOut) * Int(stage.pointee.outputRowBytes) }
    return at
  }
}
