import CMartletKernels

/// What a cascade asks for, beside the memory of its tensors.
struct CascadeDemand {
  var stages = 0
  /// Kinds of strips, each with its own parameters, and the bytes of these.
  var kinds = 0
  var kindBytes = 0
  var steps = 0
  /// Of all steps.
  var units = 0
  /// Of one thread: the most of any strip.
  var scratchBytes = 0
  /// Multiply-adds or element steps of all strips.
  var work: Int64 = 0

  /// The bytes of a kind's parameters: the operator's plan, or its record; a multiple of 8.
  static func kindBytes(_ opcode: Opcode) -> Int {
    let plan = Int(opcode.row.plan_bytes)
    return ((plan > 0 ? plan : Int(MARTLET_PARAMETER_WORDS) * 4) + 7) & ~7
  }

  static func + (a: CascadeDemand, b: CascadeDemand) -> CascadeDemand {
    var sum = a
    sum.stages += b.stages
    sum.kinds += b.kinds
    sum.kindBytes += b.kindBytes
    sum.steps += b.steps
    sum.units += b.units
    sum.scratchBytes = max(sum.scratchBytes, b.scratchBytes)
    sum.work += b.work
    return sum
  }
}

extension Model {
  /// What a cascade asks for; `walk` is that of its schedule.
  ///
  /// Operators are validated here once more: what is asked of kernels is asked of the very copy that was checked,
  /// should the file change meanwhile.
  func demand(ofCascade index: Int, _ walk: CascadeWalk) throws(ModelError) -> CascadeDemand {
    let range = operators(ofCascade: index)
    var demand = CascadeDemand()
    for stage in walk.stages {
      let state = walk.states + stage
      let strips = Int(state.pointee.strips)
      guard range.lowerBound + stage < operatorCount else { throw ModelError(.changed, .cascade, index: index) }
      let validator = OperatorValidator(model: self, index: range.lowerBound + stage)
      let opcode = try validator.validate()
      var last = CascadeSchedule.Shape()
      var workload = Workload(validator.record, opcode)
      for strip in 0..<strips {
        let shape = state.pointee.shape(strip)
        if shape != last {
          last = shape
          workload = Workload(validator.record.cut(to: shape, of: state.pointee.stage), opcode)
          demand.kinds += 1
          demand.kindBytes += CascadeDemand.kindBytes(opcode)
          demand.scratchBytes = max(demand.scratchBytes, workload.scratchBytes)
        }
        demand.units += Int(workload.units)
        demand.work += workload.work
        guard demand.work <= ModelLimits.work else {
          throw ModelError(
            .overLimit, .cascade, index: index, field: "work in multiply-adds", found: demand.work,
            expected: ModelLimits.work)
        }
      }
      demand.steps += strips
    }
    demand.stages = walk.stageCount
    guard demand.units <= Int32.max else {
      throw ModelError(
        .overLimit, .cascade, index: index, field: "units", found: Int64(demand.units), expected: Int64(Int32.max))
    }
    return demand
  }
}
