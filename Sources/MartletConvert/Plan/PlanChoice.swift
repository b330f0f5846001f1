import Martlet

/// What a person wants of the memory plan.
public struct PlanOptions: Equatable, Sendable {
  /// Whether operators may run strip by strip; without, every tensor exists whole.
  public var hasCascades = true
  /// The most that an engine with one thread may need, in bytes.
  public var arenaLimit: Int?

  public init() {}
}

/// Finds the plan that the options ask for, and with it the file.
struct PlanChoice {
  private let writer: ModelWriter
  private let options: PlanOptions
  private var program: Program { writer.program }

  init(_ writer: ModelWriter, _ options: PlanOptions) { (self.writer, self.options) = (writer, options) }

  /// A finished file, and what an engine with one thread needs for it.
  struct Made {
    var plan: ArenaPlan
    var bytes: [UInt8]
    var budget: MemoryBudget
  }

  /// Plans that are tried to find the least arena: those with the least peaks, as the rest hardly varies.
  private static let mostTried = 48

  func made() throws(ConversionError) -> Made {
    // This is also what the loader says about the operators, before anything is derived from their parameters.
    let whole = try made([])
    let search = options.hasCascades ? CascadeSearch(program) : nil
    let cascades = search?.chosen() ?? []
    let usual = cascades.isEmpty ? whole : try made(cascades)
    guard let limit = options.arenaLimit, usual.budget.arenaBytes > limit else { return usual }
    guard let search else { throw refusal(least: usual.budget.arenaBytes, limit) }
    // What is not tensors hardly depends on the plan, so this ends after a few rounds, with the fastest one that fits.
    var peak = limit - (usual.budget.arenaBytes - usual.plan.plannedPeakBytes)
    while let schedule = search.schedule(within: peak) {
      let made = try made(schedule.cascades)
      if made.budget.arenaBytes <= limit { return made }
      peak = min(peak, schedule.peak) - max(Lifetimes.alignment, made.budget.arenaBytes - limit)
    }
    var least = usual.budget.arenaBytes
    let first = search.leastPeak { search.schedule(within: $0) != nil } ?? Int.max
    for peak in search.peaks.filter({ $0 >= first && $0 < usual.plan.plannedPeakBytes }).prefix(Self.mostTried) {
      guard let schedule = search.schedule(within: peak) else { continue }
      let made = try made(schedule.cascades)
      if made.budget.arenaBytes <= limit { return made }
      least = min(least, made.budget.arenaBytes)
    }
    throw refusal(least: least, limit)
  }

  private func refusal(least: Int, _ limit: Int) -> ConversionError {
    ConversionError(.badRequest, "an arena of \(limit) bytes is too small, the least possible is \(least) bytes")
  }

  private func made(_ cascades: [Cascade]) throws(ConversionError) -> Made {
    let least = try ArenaPlan(program, cascades: cascades)
    let roomy = try ArenaPlan(program, cascades: widened(cascades, within: least.lowerBoundBytes))
    let plan = roomy.plannedPeakBytes <= least.plannedPeakBytes ? roomy : least
    let bytes = try writer.bytes(plan)
    return Made(plan: plan, bytes: bytes, budget: try ModelCheck.budget(of: bytes, program: program))
  }

  /// Rings with room for one strip more, as far as nothing grows beyond `bound` bytes: what makes a ring's rows can then
  /// go on while they are still read, where there are threads for it.
  private func widened(_ cascades: [Cascade], within bound: Int) -> [Cascade] {
    let live = Lifetimes(program, cascades: cascades).live
    return cascades.map { cascade in
      var cascade = cascade
      var room = bound - live[cascade.operators.lowerBound + 1]
      for index in cascade.operators {
        let output = program.operators[index].output
        let tensor = program.tensors[output]
        guard let rows = cascade.ringRows[output], let strip = cascade.strips[output] else { continue }
        let wider = min(rows + strip, tensor.shape[1])
        let growth = Lifetimes.aligned(tensor.bytes(rows: wider)) - Lifetimes.aligned(tensor.bytes(rows: rows))
        guard growth <= room else { continue }
        room -= growth
        cascade.ringRows[output] = wider < tensor.shape[1] ? wider : nil
      }
      return cascade
    }
  }
}
