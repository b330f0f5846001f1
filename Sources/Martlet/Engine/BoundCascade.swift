import CMartletKernels

/// A cascade in the engine's arena: which operators, and where its steps are.
struct BoundCascade {
  var operators: Range<Int>
  /// With one more behind the last one, whose first unit is the number of all units.
  var steps: UnsafeMutablePointer<BoundStep>
  var stepCount: Int
}

/// A stage, with what its strips have in common. Bytes are those of a row, rings rows; 0: the tensor is whole.
struct BoundStage {
  var operation: Int32 = 0
  var stripRows: Int32 = 0
  var stride: Int32 = 0
  var padTop: Int32 = 0
  var rowBytes0: Int32 = 0
  var rowBytes1: Int32 = 0
  var outputRowBytes: Int32 = 0
  var ring0: Int32 = 0
  var ring1: Int32 = 0
  var outputRing: Int32 = 0
}

/// Strips of a stage that run with the same parameters.
struct BoundStrip {
  /// What the kernel takes.
  var parameters: UnsafeRawPointer
  var unitWork: Int64
  var units: Int32
  var stage: Int32
  var inputRows: Int32
}

/// A step of a cascade.
struct BoundStep {
  /// Of all units of the cascade, in the order of its steps.
  var firstUnit: UInt32 = 0
  /// How many steps must be complete.
  var dependency: UInt32 = 0
  var strip: UInt16 = 0
  var kind: UInt16 = 0
  /// How many of its units are complete: shared by the threads.
  var complete: UInt32 = 0
}

/// Where the parts of all cascades lie in the arena. While measuring, every pointer is nil.
struct CascadeMemory {
  let cascades: UnsafeMutablePointer<BoundCascade>?
  let stages: UnsafeMutablePointer<BoundStage>?
  let strips: UnsafeMutablePointer<BoundStrip>?
  let steps: UnsafeMutablePointer<BoundStep>?
  let parameters: UnsafeMutableRawPointer?
  let state: UnsafeMutableRawPointer?

  init(_ demand: CascadeDemand, count: Int, from arena: inout Arena) throws(ModelError) {
    cascades = try CascadeMemory.carve(count, of: BoundCascade.self, &arena)
    stages = try CascadeMemory.carve(demand.stages, of: BoundStage.self, &arena)
    strips = try CascadeMemory.carve(demand.kinds, of: BoundStrip.self, &arena)
    steps = try CascadeMemory.carve(count > 0 ? demand.steps + count : 0, of: BoundStep.self, &arena)
    parameters = try arena.carve(demand.kindBytes)
    state = try arena.carve(count > 0 ? CascadeState.bytes : 0)
  }

  private static func carve<T>(
    _ count: Int, of type: T.Type, _ arena: inout Arena
  ) throws(ModelError) -> UnsafeMutablePointer<T>? {
    try arena.carve(count * MemoryLayout<T>.stride)?.bindMemory(to: T.self, capacity: count)
  }
}

/// Fills a `CascadeMemory`, cascade by cascade.
struct CascadeBinder {
  let model: Model
  let memory: CascadeMemory
  let operators: UnsafeMutablePointer<BoundOperator>
  private var stage = 0
  private var kind = 0
  private var step = 0
  private var parameters: UnsafeMutableRawPointer

  init(_ model: Model, _ memory: CascadeMemory, _ operators: UnsafeMutablePointer<BoundOperator>) {
    self.model = model
    self.memory = memory
    self.operators = operators
    parameters = memory.parameters!
  }

  /// Throws the error of `validateCascades` for rings that are too low.
  mutating func bind(_ index: Int) throws(ModelError) {
    let model = model
    try model.withSchedule(ofCascade: index) { (walk) throws(ModelError) in try bind(index, &walk) }
  }

  private mutating func bind(_ index: Int, _ walk: inout CascadeWalk) throws(ModelError) {
    let range = model.operators(ofCascade: index)
    let steps = memory.steps! + step
    let count = walk.stepCount
    (memory.cascades! + index).initialize(to: BoundCascade(operators: range, steps: steps, stepCount: count))
    // Kinds of a stage follow one another, and so do its strips.
    var kinds = InlineArray<64, UInt16>(repeating: 0)
    for place in walk.stages {
      kinds[place] = UInt16(kind)
      try bind(stage: walk.states + place, range.lowerBound + place)
    }
    var units: UInt32 = 0
    var next = 0
    while let scheduled = walk.next() {
      var bound = BoundStep()
      bound.firstUnit = units
      bound.dependency = UInt32(scheduled.dependency)
      bound.strip = UInt16(scheduled.strip)
      bound.kind = kinds[scheduled.stage]
      let state = walk.states + scheduled.stage
      if scheduled.strip + 1 < Int(state.pointee.strips),
        state.pointee.shape(scheduled.strip) != state.pointee.shape(scheduled.strip + 1)
      {
        kinds[scheduled.stage] += 1
      }
      units += UInt32(memory.strips![Int(bound.kind)].units)
      (steps + next).initialize(to: bound)
      next += 1
    }
    guard next == count else { throw model.noCascade(index, .ring, range.lowerBound) }
    var last = BoundStep()
    last.firstUnit = units
    (steps + next).initialize(to: last)
    step += count + 1
  }

  /// The stage, and its kinds of strips.
  private mutating func bind(
    stage state: UnsafePointer<CascadeSchedule.State>, _ operation: Int
  ) throws(ModelError) {
    let record = model.operatorRecord(operation)
    guard let opcode = Opcode(code: record.opcode), let row = martlet_operator_of(record.opcode) else {
      throw ModelError(.changed, .operator, index: operation)
    }
    let cut = state.pointee.stage
    var bound = BoundStage()
    bound.operation = Int32(operation)
    bound.stripRows = state.pointee.stripRows
    bound.stride = Int32(cut.stride)
    bound.padTop = Int32(cut.padTop)
    (bound.rowBytes0, bound.ring0) = rows(of: cut.input0)
    (bound.rowBytes1, bound.ring1) = rows(of: cut.input1)
    (bound.outputRowBytes, bound.outputRing) = rows(of: cut.output)
    (memory.stages! + stage).initialize(to: bound)
    var last = CascadeSchedule.Shape()
    operators[operation].unitWork = 1
    for strip in 0..<Int(state.pointee.strips) {
      let shape = state.pointee.shape(strip)
      if shape == last { continue }
      last = shape
      let own = record.cut(to: shape, of: cut)
      let workload = Workload(own, opcode)
      let bytes = MemoryLayout.size(ofValue: own.parameters)
      if row.pointee.plan_bytes == 0 {
        withUnsafeBytes(of: own.parameters) { parameters.copyMemory(from: $0.baseAddress!, byteCount: bytes) }
      } else {
        withUnsafeBytes(of: own.parameters) { _ = martlet_operator_bind(row, $0.baseAddress, parameters) }
      }
      (memory.strips! + kind).initialize(
        to: BoundStrip(
          parameters: UnsafeRawPointer(parameters), unitWork: workload.unitWork, units: workload.units,
          stage: Int32(stage), inputRows: Int32(shape.inputRows)))
      operators[operation].unitWork = max(operators[operation].unitWork, workload.unitWork)
      parameters += CascadeDemand.kindBytes(opcode)
      kind += 1
    }
    stage += 1
  }

  /// Bytes of a tensor's row, and the height of its ring.
  private func rows(of tensor: UInt32) -> (Int32, Int32) {
    guard tensor != ModelFormat.none else { return (0, 0) }
    let record = model.tensor(Int(tensor))
    return (Int32(record.byteCount / UInt64(record.dims[1])), Int32(record.ringRows))
  }
}
