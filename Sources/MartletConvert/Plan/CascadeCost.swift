import Martlet

/// What time a schedule takes, as far as the choice of cascades depends on it.
///
/// The unit is a cycle of a small core (Cortex-A55, A72); only ratios matter. A strip of an operator takes
///
///     step + turns / units * (rows * cyclesPerRow + tiles * constant bytes * constant)
///
/// - `step`: finding the next step, waiting for what it needs, entering the kernel, and what a kernel prepares (the
///   table of pointers of a depthwise convolution, the window of a convolution).
/// - `units` is how the kernel itself cuts a strip of so many rows, `turns = ceil(units / threads)`: a strip that is
///   too small to be cut leaves threads idle. That is what makes narrow strips dear. (It overstates: where a ring has
///   room, the next step begins meanwhile.)
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
  /// Cycles a byte: of constants from L2, of tensors from memory and back.
  private static let constant = 0.125
  private static let memory = 0.25
  private static let cacheBytes = 512 << 10
  private static let tilePixels = 256
  private static let teams = [1, 2]

  /// For each of `teams`.
  private typealias Cycles = [Double]

  private let program: Program
  private var operators: [Cycles] = []
  private var total: Cycles = teams.map { _ in 0 }

  /// - Parameter stages: of each operator; nil for one that no cascade can have.
  init(_ program: Program, _ stages: [CascadeStage?]) {
    self.program = program
    for (operation, stage) in zip(program.operators, stages) {
      let cycles = stage.map { Self.whole($0, program) } ?? Self.other(operation)
      operators.append(cycles)
      total = Self.sum(total, cycles)
    }
  }

  /// Of an operator run whole.
  func cost(ofOperator index: Int) -> Double { relative(operators[index]) }

  func cost(of range: CascadeRange, _ stripRows: Int, ringBytes: Int) -> Double {
    var sum: Cycles = Self.teams.map { _ in 0 }
    for (index, stage) in range.stages.enumerated() {
      let rows = range.stripRows(of: index, stripRows)
      let strips = Double((stage.rows + rows - 1) / rows)
      sum = Self.sum(sum, Self.strip(stage, rows, program, isWhole: false).map { $0 * strips })
      let outside = stage.inputs.indices.filter { range.producers[index][$0] == nil }.map { stage.inputs[$0] }
        + (index == range.stages.count - 1 ? [stage.output] : [])
      let moved = ringBytes > Self.cacheBytes ? stage.inputs + [stage.output] : outside
      let bytes = moved.reduce(0) { $0 + program.tensors[$1].byteCount }
      if bytes > Self.cacheBytes { sum = sum.map { $0 + Double(bytes) * Self.memory } }
    }
    return relative(sum)
  }

  private func relative(_ cycles: Cycles) -> Double {
    zip(cycles, total).reduce(0) { $0 + $1.0 / max($1.1, 1) } / Double(Self.teams.count)
  }

  private static func whole(_ stage: CascadeStage, _ program: Program) -> Cycles {
    let bytes = (stage.inputs + [stage.output]).reduce(0) { $0 + program.tensors[$1].byteCount }
    let moving = bytes > cacheBytes ? Double(bytes) * memory : 0
    return strip(stage, stage.rows, program, isWhole: true).map { $0 + moving }
  }

  private static func strip(_ stage: CascadeStage, _ rows: Int, _ program: Program, isWhole: Bool) -> Cycles {
    let units = Double(max(1, stage.workload(rows).units))
    let pixels = rows * program.tensors[stage.output].shape[2]
    let constants = Double((pixels + tilePixels - 1) / tilePixels * stage.constantBytes) * constant
    return teams.map { step + (Double(rows) * stage.cyclesPerRow + constants) * turns(units, $0, isWhole: isWhole) / units }
  }

  /// An operator that no cascade has; it only counts in the total.
  private static func other(_ operation: DeviceOperator) -> Cycles {
    let workload = operation.parameters.withUnsafeBytes { operation.opcode.row.workload($0.baseAddress) }
    let unit = Double(workload.unit_work) / productsPerCycle
    return teams.map { step + unit * turns(Double(max(1, workload.units)), $0, isWhole: true) }
  }

  private static func turns(_ units: Double, _ threads: Int, isWhole: Bool) -> Double {
    let share = units / Double(threads)
    return isWhole ? share : share.rounded(.up)
  }

  private static func sum(_ a: Cycles, _ b: Cycles) -> Cycles { zip(a, b).map(+) }
}
