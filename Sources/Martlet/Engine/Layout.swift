import CMartletKernels

/// What a model needs before it runs: exact numbers, not estimates. All in bytes.
public struct MemoryBudget: Equatable, BitwiseCopyable, Sendable {
  /// The whole region that `Engine.init` wants.
  public var arenaBytes = 0
  /// Copies of the file's tables, and what binds the operators to their kernels.
  public var tableBytes = 0
  /// Tensors, as the offline plan lays them out.
  public var plannedPeakBytes = 0
  /// The least that any plan could need.
  public var lowerBoundBytes = 0
  /// The same if the operators ran one after the other.
  public var wholeLowerBoundBytes = 0
  /// For each thread, the maximum over all instruction sets.
  public var scratchBytesPerThread = 0
  public var threads = 0
  /// Multiply-adds, or element steps, of one inference.
  public var work: Int64 = 0
  public init() {}
}

/// Where the parts of an engine lie in its region. While measuring, every pointer is nil.
struct Layout {
  let tensors: UnsafeMutableRawPointer?
  let operators: UnsafeMutablePointer<BoundOperator>?
  let buffers: UnsafeMutablePointer<martlet_buffers>?
  /// The operators' plans, in file order.
  let plans: UnsafeMutableRawPointer?
  let cascades: CascadeMemory
  let scratch: UnsafeMutableRawPointer?
  let scratchStride: Int
  let budget: MemoryBudget

  /// Moves the model's tables into the arena, validates them there, and carves the rest.
  init(
    _ model: inout Model, threads: Int, runsCascades: Bool = true, from arena: inout Arena
  ) throws(ModelError) {
    let team = min(max(threads, 1), 64)
    try model.copyTables(into: &arena)
    let demand = try model.validate(runsCascades: runsCascades, isBound: !arena.isMeasuring)
    if !runsCascades { model.makeWhole(isCopied: !arena.isMeasuring) }
    guard let stride = Arena.roundedUp(demand.scratchBytes) else {
      throw ModelError(.overLimit, .arena, field: "scratch", found: Int64(demand.scratchBytes))
    }
    operators = try arena.carve(model.operatorCount * MemoryLayout<BoundOperator>.stride)?
      .bindMemory(to: BoundOperator.self, capacity: model.operatorCount)
    buffers = try arena.carve(model.operatorCount * MemoryLayout<martlet_buffers>.stride)?
      .bindMemory(to: martlet_buffers.self, capacity: model.operatorCount)
    var planBytes = 0
    var cursor = CascadeCursor()
    for index in 0..<model.operatorCount where !cursor.contains(index, of: model) {
      planBytes += BoundOperator.planBytes(of: index, in: model)
    }
    plans = try arena.carve(planBytes)
    cascades = try CascadeMemory(demand.cascades, count: model.cascadeCount, from: &arena)
    let tableBytes = arena.used
    tensors = try arena.carve(Int(model.plan.plannedPeakBytes))
    scratch = try arena.carve(stride * team)
    scratchStride = stride
    try arena.requireWithinLimit()

    var budget = MemoryBudget()
    budget.arenaBytes = arena.used
    budget.tableBytes = tableBytes
    budget.plannedPeakBytes = Int(model.plan.plannedPeakBytes)
    budget.lowerBoundBytes = Int(model.plan.lowerBoundBytes)
    budget.wholeLowerBoundBytes = Int(model.plan.wholeLowerBoundBytes)
    budget.scratchBytesPerThread = stride
    budget.threads = team
    budget.work = demand.work
    self.budget = budget
  }
}
