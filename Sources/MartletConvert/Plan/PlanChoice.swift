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
    let whole = try made(CascadeSearch.Schedule(cascades: [], cost: 1, peak: 0, allowance: 0))
    let search = options.hasCascades ? CascadeSearch(program) : nil
    let chosen = search?.chosen()
    let usual = if let chosen, !chosen.cascades.isEmpty { try made(chosen) } else { whole }
    guard let limit = options.arenaLimit, usual.budget.arenaBytes > limit else { return usual }
    guard let search else { throw refusal(least: usual.budget.arenaBytes, limit) }
    // What is not tensors hardly depends on the plan, so this ends after a few rounds, with the fastest one that fits.
    var peak = limit - (usual.budget.arenaBytes - usual.plan.plannedPeakBytes)
    while let schedule = search.schedule(within: peak) {
      let made = try made(schedule)
      if made.budget.arenaBytes <= limit { return made }
      peak = schedule.peak - max(Lifetimes.alignment, made.budget.arenaBytes - limit)
    }
    var least = usual.budget.arenaBytes
    let first = search.leastPeak { search.schedule(within: $0) != nil } ?? Int.max
    for peak in search.peaks.filter({ $0 >= first && $0 < usual.plan.plannedPeakBytes }).prefix(Self.mostTried) {
      guard let schedule = search.schedule(within: peak) else { continue }
      let made = try made(schedule)
      if made.budget.arenaBytes <= limit { return made }
      least = min(least, made.budget.arenaBytes)
    }
    throw refusal(least: least, limit)
  }

  private func refusal(least: Int, _ limit: Int) -> ConversionError {
    ConversionError(.badRequest, "an arena of \(limit) bytes is too small, the least possible is \(least) bytes")
  }

  private func made(_ schedule: CascadeSearch.Schedule) throws(ConversionError) -> Made {
    var plan = try ArenaPlan(program, cascades: schedule.cascades)
    let peak = max(schedule.allowance, plan.plannedPeakBytes)
    let wider = widened(schedule.cascades, within: peak)
    if wider != schedule.cascades, case let roomy = try ArenaPlan(program, cascades: wider),
      roomy.plannedPeakBytes <= peak
    {
      plan = roomy
    }
    let bytes = try writer.bytes(plan)
    return Made(plan: plan, bytes: bytes, budget: try ModelCheck.budget(of: bytes, program: program))
  }

  /// Rings with room for one strip more, as far as nothing grows beyond `bound`: what writes a ring can then go on
  /// while it is still read, where there are threads for it. First those with the most work on both
  /// sides, for their bytes.
  private func widened(_ cascades: [Cascade], within bound: Int) -> [Cascade] {
    let live = Lifetimes(program, cascades: cascades).live
    return cascades.map { cascade in
      var cascade = cascade
      var room = bound - live[cascade.operators.lowerBound + 1]
      func growth(_ tensor: Int) -> Int {
        let strip = cascade.strips[tensor] ?? 0, rows = cascade.ringRows[tensor] ?? 0
        let bytes = [rows, min(rows + strip, program.tensors[tensor].shape[1])].map {
          Lifetimes.aligned(program.tensors[tensor].bytes(rows: $0))
        }
        return bytes[1] - bytes[0]
      }
      func price(_ tensor: Int) -> Double { Double(growth(tensor)) / max(1, cascade.cycles[tensor] ?? 0) }
      let prices = cascade.ringRows.keys.map { (price: price($0), tensor: $0) }.sorted { $0 < $1 }
      for (_, tensor) in prices {
        let bytes = growth(tensor)
        guard bytes <= room, let rows = cascade.ringRows[tensor], let strip = cascade.strips[tensor] else { continue }
        room -= bytes
        cascade.ringRows[tensor] = rows + strip < program.tensors[tensor].shape[1] ? rows + strip : nil
      }
      return cascade
    }
  }
}
