import Martlet

/// Which operators of a program run in cascades, and in strips of how many rows.
///
/// What is alive while an operator or a cascade runs depends on no other choice: a tensor that a cascade touches lives
/// as long as the cascade, and everything else as it did. So the program is cut into segments, operators alone and
/// cascades, and for a given peak the fastest cut is the shortest way through the segments that stay below it.
///
/// By default the peak is the least one that costs no more than `Goal.slowdown` by the model of `CascadeCost`, and then
/// `Goal.slack` more of it is given for time: the largest strips, the fewest cascades, and rings that let steps run
/// beside one another (`PlanChoice`). Below `Goal.enough` nothing is given for memory. Where the whole tensors fit
/// below a peak that something else dictates, nothing is gained by a cascade, and the model tells so; unless its rings
/// stay in the L2 cache where the whole tensors would not.
struct CascadeSearch {
  enum Goal {
    /// The most time that a smaller peak may cost, relative to the operators run whole.
    static let slowdown = 0.1
    static let slack = 0.04
    /// Bytes. Tables, scratch and the program itself take as much.
    static let enough = 128 << 10
  }

  /// A piece of the program on its own: an operator, or a cascade.
  private struct Segment {
    var end: Int
    var bytes: Int
    var cost: Double
    var steps = 0
    var cascade: Cascade?
  }

  struct Schedule {
    var cascades: [Cascade]
    /// By `CascadeCost`.
    var cost: Double
    /// The most that is alive at one time, in bytes, and what it may grow to.
    var peak: Int
    var allowance: Int
  }

  /// By first operator.
  private var segments: [[Segment]]
  /// The peaks among which there is a choice, ascending.
  private(set) var peaks: [Int] = []
  private let program: Program
  /// Of each operator of the program; nil for one that no cascade can have.
  private let operators: [CascadeOperator?]

  /// Operators of one cascade at most, and of a program that has any: real networks have a hundred.
  private static let longest = 16
  private static let mostOperators = 2048
  /// Of one cascade: each takes some bytes of the arena, and the core has a limit for all together.
  private static let mostSteps = 2048

  /// The loader has accepted the program.
  init(_ program: Program) {
    self.program = program
    operators = program.operators.map { CascadeOperator($0, program) }
    let cost = CascadeCost(program, operators)
    let live = Lifetimes(program, cascades: []).live
    segments = program.operators.indices.map {
      [Segment(end: $0 + 1, bytes: live[$0 + 1], cost: cost.cost(ofOperator: $0), cascade: nil)]
    }
    if program.operators.count <= Self.mostOperators { addCascades(cost) }
    peaks = Array(Set(segments.joined().map(\.bytes))).sorted()
  }

  // MARK: - The choice

  /// The schedule that the goal asks for.
  func chosen() -> Schedule? {
    let bound = 1 + Goal.slowdown
    guard let least = leastPeak({ self.schedule(within: $0).map { $0.cost <= bound } ?? false }) else { return nil }
    return schedule(within: max(Goal.enough, least + Int(Double(least) * Goal.slack)))
  }

  /// The least of `peaks` that `fits`, which all larger ones do too.
  func leastPeak(_ fits: (Int) -> Bool) -> Int? {
    var (low, high) = (0, peaks.count)
    while low < high {
      let middle = (low + high) / 2
      if fits(peaks[middle]) { high = middle } else { low = middle + 1 }
    }
    return low < peaks.count ? peaks[low] : nil
  }

  /// The fastest schedule whose live tensors never exceed `peak` bytes; nil where there is none.
  func schedule(within peak: Int) -> Schedule? {
    let count = segments.count
    var best = Array(repeating: Double.infinity, count: count + 1)
    var next: [Segment?] = Array(repeating: nil, count: count)
    best[count] = 0
    for first in segments.indices.reversed() {
      for segment in segments[first] where segment.bytes <= peak {
        let cost = segment.cost + best[segment.end]
        if cost < best[first] { (best[first], next[first]) = (cost, segment) }
      }
    }
    guard best[0] < .infinity else { return nil }
    var cascades: [Cascade] = []
    var at = 0
    var (bytes, steps) = (0, 0)
    while at < count, let segment = next[at] {
      if let cascade = segment.cascade { cascades.append(cascade) }
      bytes = max(bytes, segment.bytes)
      steps += segment.steps
      at = segment.end
    }
    guard steps <= CascadeSchedule.maxSteps else { return nil }
    return Schedule(cascades: cascades, cost: best[0], peak: bytes, allowance: peak)
  }

  // MARK: - The segments

  private mutating func addCascades(_ cost: CascadeCost) {
    let lives = BufferLives(program)
    for first in operators.indices {
      var live = lives.bytes(before: first)
      var schedule = CascadeSchedule()
      for last in first..<min(first + Self.longest, operators.count) {
        guard let operation = operators[last] else { break }
        do throws(CascadeFault) { try schedule.append(operation.stage) } catch { break }
        live += lives.bytesBeginning(at: last)
        let range = first..<last + 1
        guard range.count > 1,
          range.dropLast().allSatisfy({ lives.isInside(program.operators[$0].output, range, of: program) })
        else { continue }
        for rows in Self.strips(of: operation) {
          var cut = schedule
          do throws(CascadeFault) { try cut.cut(stripRows: rows) } catch { continue }
          guard cut.stepCount <= Self.mostSteps else { continue }
          cut.findLeastRings()
          segments[first].append(segment(range, cut, rows, live: live, cost))
        }
      }
    }
  }

  /// Heights of the last operator's strips that are worth a look.
  private static func strips(of last: CascadeOperator) -> [Int] {
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 20, 28, 40, 56].filter { 2 * $0 <= last.stage.outputRows }
  }

  /// - Parameter live: bytes of what is alive at any time of the range, all of it whole.
  private func segment(
    _ range: Range<Int>, _ schedule: CascadeSchedule, _ stripRows: Int, live: Int, _ cost: CascadeCost
  ) -> Segment {
    var cascade = Cascade(operators: range, stripRows: stripRows, ringRows: [:], strips: [:], cycles: [:])
    var bytes = live
    var ringBytes = 0
    for index in 0..<schedule.stageCount {
      let rows = schedule.leastRingRows(ofStage: index)
      guard rows > 0 else { continue }
      let output = program.operators[range.lowerBound + index].output
      let ring = Lifetimes.aligned(program.tensors[output].bytes(rows: rows))
      bytes += ring - Lifetimes.aligned(program.tensors[output].byteCount)
      ringBytes += ring
      cascade.ringRows[output] = rows
      cascade.strips[output] = schedule.stripRows(ofStage: index)
    }
    for index in 0..<schedule.stageCount {
      guard let operation = operators[range.lowerBound + index] else { continue }
      let cycles = operation.cyclesPerRow * Double(schedule.stripRows(ofStage: index))
      let producers = schedule.producers(ofStage: index)
      var tensors: Set = [operation.stage.output]
      if producers.0 >= 0 { tensors.insert(operation.stage.input0) }
      if producers.1 >= 0 { tensors.insert(operation.stage.input1) }
      for tensor in tensors where cascade.ringRows[Int(tensor)] != nil {
        cascade.cycles[Int(tensor), default: 0] += cycles
      }
    }
    let time = cost.cost(of: range, schedule, ringBytes: ringBytes)
    return Segment(end: range.upperBound, bytes: bytes, cost: time, steps: schedule.stepCount, cascade: cascade)
  }
}

/// When each buffer is in use, its bytes, and what is seen of it.
private struct BufferLives {
  private var first: [Int]
  private var last: [Int]
  private var tensors: [Int]
  private var beginning: [Int] = []
  private var before: [Int] = []

  init(_ program: Program) {
    first = Array(repeating: Int.max, count: program.buffers.count)
    last = Array(repeating: Int.min, count: program.buffers.count)
    tensors = Array(repeating: 0, count: program.buffers.count)
    for tensor in program.tensors { if let buffer = tensor.buffer { tensors[buffer] += 1 } }
    Lifetimes.visit(program) { buffer, time in
      first[buffer] = min(first[buffer], time)
      last[buffer] = max(last[buffer], time)
    }
    let count = program.operators.count
    beginning = Array(repeating: 0, count: count)
    var change = Array(repeating: 0, count: count + 1)
    for buffer in program.buffers.indices where first[buffer] <= last[buffer] {
      let size = Lifetimes.aligned(program.buffers[buffer])
      if beginning.indices.contains(first[buffer]) { beginning[first[buffer]] += size }
      // Alive before operator t, and at it or after: first < t <= last.
      let (from, to) = (first[buffer] + 1, min(last[buffer], count - 1))
      if from <= to { (change[from], change[to + 1]) = (change[from] + size, change[to + 1] - size) }
    }
    var sum = 0
    for delta in change {
      sum += delta
      before.append(sum)
    }
  }

  /// Of what was begun before operator `index` and is used there or later.
  func bytes(before index: Int) -> Int { before[index] }

  func bytesBeginning(at index: Int) -> Int { beginning[index] }

  /// Whether nothing but `operators` sees the tensor, under this name or another.
  func isInside(_ tensor: Int, _ operators: Range<Int>, of program: Program) -> Bool {
    guard let buffer = program.tensors[tensor].buffer else { return false }
    return operators.contains(first[buffer]) && operators.contains(last[buffer]) && tensors[buffer] == 1
  }
}
