/// 16 bytes: operators that run strip by strip. Ascending, disjoint.
public struct CascadeRecord: BitwiseCopyable {
  public var firstOperator: UInt32 = 0
  public var operatorCount: UInt32 = 0
  /// Rows of a strip of the last operator's output.
  public var stripRows: UInt32 = 0
  public var reserved: UInt32 = 0
  public init() {}
}

extension Model {
  /// The operators that the record names.
  func operators(ofCascade index: Int) -> Range<Int> {
    let record = cascade(index)
    return Int(record.firstOperator)..<Int(record.firstOperator) + Int(record.operatorCount)
  }

  /// The schedule of a cascade whose record's range and whose operators have been validated: cut, with its rings, but
  /// not checked to come to its end.
  func withSchedule<R>(
    ofCascade index: Int, _ body: (inout CascadeWalk) throws(ModelError) -> R
  ) throws(ModelError) -> R {
    var schedule = CascadeSchedule()
    return try schedule.withWalk { (walk) throws(ModelError) -> R in
      try fill(&walk, ofCascade: index)
      return try body(&walk)
    }
  }

  private func fill(_ walk: inout CascadeWalk, ofCascade index: Int) throws(ModelError) {
    let range = operators(ofCascade: index)
    var place = range.lowerBound
    do throws(CascadeFault) {
      while place < range.upperBound {
        guard place < operatorCount else { throw .order }
        try walk.append(
          CascadeStage(operatorRecord(place), tensors: { $0 < tensorCount ? tensor(Int($0)) : TensorRecord() }))
        place += 1
      }
      place = range.lowerBound
      try walk.cut(stripRows: Int(cascade(index).stripRows))
      for stage in walk.stages {
        place = range.lowerBound + stage
        let output = walk.states[stage].stage.output
        guard output < tensorCount else { throw .order }
        try walk.setRing(Int(tensor(Int(output)).ringRows), ofStage: stage)
      }
    } catch {
      throw noCascade(index, error, place)
    }
  }

  /// Why a cascade is none, and at which operator.
  func noCascade(_ index: Int, _ fault: CascadeFault, _ place: Int) -> ModelError {
    ModelError(.notCascade, .cascade, index: index, found: Int64(fault.rawValue), expected: Int64(place))
  }

  /// Checks all cascades, and that rings are nothing to anybody else. Tensors and operators have been validated.
  ///
  /// - Parameter isBound: whether a `CascadeBinder` goes through the same tables next, which finds rings that are too
  ///   low itself.
  /// - Returns: what they ask for together.
  func validateCascades(isBound: Bool) throws(ModelError) -> CascadeDemand {
    var end = 0
    var demand = CascadeDemand()
    for index in 0..<cascadeCount {
      let record = cascade(index)
      let next = UInt64(record.firstOperator) + UInt64(record.operatorCount)
      guard record.reserved == 0 else {
        throw ModelError(.unknownValue, .cascade, index: index, field: "reserved", found: Int64(record.reserved))
      }
      guard record.firstOperator >= end else {
        throw ModelError(
          .outOfRange, .cascade, index: index, field: "firstOperator", found: Int64(record.firstOperator),
          expected: Int64(end))
      }
      guard record.operatorCount >= 1, next <= operatorCount else {
        throw ModelError(
          .outOfBounds, .cascade, index: index, field: "operatorCount", found: Int64(next),
          expected: Int64(operatorCount))
      }
      try requireNoRings(operators: end..<Int(record.firstOperator))
      let asked = try withSchedule(ofCascade: index) { (walk) throws(ModelError) -> CascadeDemand in
        if !isBound {
          do throws(CascadeFault) { try walk.check() } catch {
            throw noCascade(index, error, Int(record.firstOperator))
          }
        }
        for stage in walk.stages {
          try requireOwnRings(walk, stage, index)
          try requireDisjoint(walk, stage, index)
        }
        return try self.demand(ofCascade: index, walk)
      }
      demand = demand + asked
      guard demand.steps <= CascadeSchedule.maxSteps else {
        throw ModelError(
          .overLimit, .cascade, index: index, field: "strips of the model", found: Int64(demand.steps),
          expected: Int64(CascadeSchedule.maxSteps))
      }
      end = Int(next)
    }
    try requireNoRings(operators: end..<operatorCount)
    return demand
  }

  private func requireNoRings(operators range: Range<Int>) throws(ModelError) {
    for index in range {
      let record = operatorRecord(index)
      try requireNoRing(record.input0, .operator, index, record.opcode)
      try requireNoRing(record.input1, .operator, index, record.opcode)
      try requireNoRing(record.output, .operator, index, record.opcode)
    }
  }

  /// A tensor that exists whole, or an operand that is not there.
  func requireNoRing(
    _ tensor: UInt32, _ place: ModelError.Place, _ index: Int, _ opcode: UInt16 = 0
  ) throws(ModelError) {
    guard tensor != ModelFormat.none else { return }
    let rows = self.tensor(Int(tensor)).ringRows
    guard rows == 0 else {
      throw ModelError(.mismatch, place, index: index, opcode: opcode, field: "ringRows", found: Int64(rows))
    }
  }

  /// What a stage reads from outside its cascade exists whole.
  private func requireOwnRings(_ walk: CascadeWalk, _ stage: Int, _ index: Int) throws(ModelError) {
    let state = walk.states + stage
    if state.pointee.producer0 < 0 { try requireNoRing(state.pointee.stage.input0, .cascade, index) }
    if state.pointee.producer1 < 0 { try requireNoRing(state.pointee.stage.input1, .cascade, index) }
  }

  /// What a stage writes shares no byte with any other tensor of the cascade: all of them are in use at a time.
  private func requireDisjoint(_ walk: CascadeWalk, _ stage: Int, _ index: Int) throws(ModelError) {
    let output = walk.states[stage].stage.output
    for other in walk.stages {
      try requireDisjoint(output, walk.states[other].stage.input0, index)
      try requireDisjoint(output, walk.states[other].stage.input1, index)
      try requireDisjoint(output, walk.states[other].stage.output, index)
    }
  }

  private func requireDisjoint(_ output: UInt32, _ operand: UInt32, _ index: Int) throws(ModelError) {
    guard operand != ModelFormat.none, operand != output else { return }
    let mine = tensor(Int(output)), other = tensor(Int(operand))
    guard other.storage == TensorStorage.arena.rawValue else { return }
    guard other.offset &+ other.arenaBytes <= mine.offset || mine.offset &+ mine.arenaBytes <= other.offset else {
      throw ModelError(.overlap, .cascade, index: index, found: Int64(output), expected: Int64(operand))
    }
  }
}

/// Goes through a model's operators and its cascades side by side.
struct CascadeCursor {
  /// The cascade that is next, or that the last operator lay in.
  private(set) var index = 0

  /// Whether the operator lies in a cascade. Operators come in ascending order.
  mutating func contains(_ place: Int, of model: Model) -> Bool {
    while index < model.cascadeCount, model.operators(ofCascade: index).upperBound <= place { index += 1 }
    return index < model.cascadeCount && model.operators(ofCascade: index).contains(place)
  }
}

extension TensorRecord {
  /// Bytes that the arena holds of it at a time. No trap even for a record that changed after it was validated.
  public var arenaBytes: UInt64 {
    ringRows == 0 ? byteCount : byteCount / UInt64(max(1, dims[1])) &* UInt64(ringRows)
  }
}
