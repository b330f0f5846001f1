import Martlet

/// What time a schedule takes, as far as the choice of cascades depends on it.
///
/// The unit is a cycle of a small core (Cortex-A55, A72); only ratios matter. A strip of an operator takes
///
///     step + turns / units * (rows * cyclesPerRow + tiles * constant bytes * constant)
///
/// - `step`: finding the next step, waiting for what it needs, entering the kernel, and what a kernel prepares (the
///   table of pointers of a depthwise convolution, the window of a convolution).
/// - `units` is about how a kernel cuts a strip of so much work (not asked of the kernel: the same model gives the same
///   file, however kernels are made), `turns = ceil(units / threads)`: a strip that is too small to be cut leaves
///   threads idle. That is what makes narrow strips dear. (It overstates: where a ring has room, the next step begins
///   meanwhile.)
/// - `tiles`: a convolution reads its weights once for each tile of 256 pixels, thus at least once a strip.
///
/// An operator run whole is one strip, of as many units as are wanted, and moves its inputs and its output between the
/// L2 cache and memory where both together are larger than that cache. In a cascade only what lies outside of it does,
/// if its rings fit.
///
/// The cost of a schedule is the mean over `teams` of its time, relative to that of the operators run whole.
struct CascadeCost {
  static let productsPerCycle = 10.0
  static let depthwiseProductsPerCycle = 3.0
  /// Cycles an output byte, of an operator with two inputs and of a table.
  static let binary = 1.0
  static let table = 0.5
  private static let step = 1500.0
  private static let unit = 10_000.0
  /// Cycles a byte: of constants from L2, of tensors from memory and back.
  private static let constant = 0.125
  private static let memory = 0.25
  private static let cacheBytes = 512 << 10
  private static let tilePixels = 256
  private static let teams = [1, 2]

  /// For each of `teams`.
  private typealias Cycles = [Double]

  private let program: Program
  /// Of each operator; nil for one that no cascade can have.
  private let operators: [CascadeOperator?]
  private var whole: [Cycles] = []
  private var total: Cycles = teams.map { _ in 0 }

  init(_ program: Program, _ operators: [CascadeOperator?]) {
    (self.program, self.operators) = (program, operators)
    for index in operators.indices {
      let cycles = wholeCycles(index)
      whole.append(cycles)
      total = Self.sum(total, cycles)
    }
  }

  /// Of an operator run whole.
  func cost(ofOperator index: Int) -> Double { relative(whole[index]) }

  /// Of a cascade that is cut into strips.
  ///
  /// - Parameter ringBytes: of all its rings.
  func cost(of range: Range<Int>, _ schedule: CascadeSchedule, ringBytes: Int) -> Double {
    var sum: Cycles = Self.teams.map { _ in 0 }
    for (index, place) in range.enumerated() {
      guard let operation = operators[place] else { continue }
      let strip = Self.strip(operation, min(schedule.stripRows(ofStage: index), operation.stage.outputRows))
      sum = Self.sum(sum, strip.map { $0 * Double(schedule.stripCount(ofStage: index)) })
      let producers = schedule.producers(ofStage: index)
      var moved = 0
      if producers.0 < 0 || ringBytes > Self.cacheBytes { moved += bytes(operation.stage.input0) }
      if producers.1 < 0 || ringBytes > Self.cacheBytes { moved += bytes(operation.stage.input1) }
      if place == range.last || ringBytes > Self.cacheBytes { moved += bytes(operation.stage.output) }
      sum = Self.moving(moved, sum)
    }
    return relative(sum)
  }

  private func relative(_ cycles: Cycles) -> Double {
    zip(cycles, total).reduce(0) { $0 + $1.0 / max($1.1, 1) } / Double(Self.teams.count)
  }

  private func bytes(_ tensor: UInt32) -> Int {
    tensor == ModelFormat.none ? 0 : program.tensors[Int(tensor)].byteCount
  }

  private func wholeCycles(_ index: Int) -> Cycles {
    guard let operation = operators[index] else { return other(program.operators[index]) }
    let stage = operation.stage
    let cycles = Self.strip(operation, stage.outputRows, isWhole: true)
    return Self.moving(bytes(stage.input0) + bytes(stage.input1) + bytes(stage.output), cycles)
  }

  /// With what does not stay in the cache.
  private static func moving(_ bytes: Int, _ cycles: Cycles) -> Cycles {
    bytes > cacheBytes ? cycles.map { $0 + Double(bytes) * memory } : cycles
  }

  private static func strip(_ operation: CascadeOperator, _ rows: Int, isWhole: Bool = false) -> Cycles {
    let tiles = (rows * operation.outputColumns + tilePixels - 1) / tilePixels
    let paid = Double(rows) + (rows % 2 == 1 ? operation.oddRows : 0)
    let cycles = paid * operation.cyclesPerRow + Double(tiles * operation.constantBytes) * constant
    let units = max(1, (cycles / unit).rounded(.down))
    return teams.map { threads in
      let share = units / Double(threads)
      return step + cycles * (isWhole ? share : share.rounded(.up)) / units
    }
  }

  /// It only counts in the total: its tensors, and its weights once for each row of its output.
  private func other(_ operation: DeviceOperator) -> Cycles {
    let output = program.tensors[operation.output]
    let tensors = operation.inputs.reduce(output.byteCount) { $0 + program.tensors[$1].byteCount }
    let weights = operation.constant.map { program.tensors[$0].byteCount } ?? 0
    let products = Double(weights) * Double(output.count / (output.shape.last ?? 1))
    return Self.teams.map { Self.step + (Double(tensors) + products / Self.productsPerCycle) / Double($0) }
  }

  private static func sum(_ a: Cycles, _ b: Cycles) -> Cycles { zip(a, b).map(+) }
}
