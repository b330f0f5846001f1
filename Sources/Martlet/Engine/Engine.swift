import CMartletKernels

/// A model, validated and bound to memory, ready to run: file in, bits out, nothing allocated in between.
///
/// The caller keeps `file` mapped and `region` alive for as long as the engine lives. One thread at a time drives an
/// engine; the team that it runs on may serve several engines in turn.
public struct Engine: ~Copyable {
  public let model: Model
  let layout: Layout
  private var position = Position()

  /// How far the current inference has come.
  private struct Position {
    var index = 0
    /// Of the operator, or of the cascade.
    var unit: Int32 = 0
    /// The cascade that is next, or under way, and its step.
    var cascade = 0
    var step = 0
  }

  /// What `init` will need for this file: exact, and known before anything runs. Validates the file.
  public static func budget(
    of file: UnsafeRawBufferPointer, threads: Int, runsCascades: Bool = true
  ) throws(ModelError) -> MemoryBudget {
    var model = try Model(Sections(file: file))
    var arena = Arena(measuring: ())
    return try Layout(&model, threads: threads, runsCascades: runsCascades, from: &arena).budget
  }

  /// All that opening a file for use checks, whatever is in it, and then what opening leaves out, the weights: their
  /// hash, their padding, and that a language model's are numbers. For installation, and for `martlet verify`.
  ///
  /// An error is the one that opening throws; nothing is allocated.
  public static func verify(file: UnsafeRawBufferPointer) throws(ModelError) {
    let sections = try Sections(file: file)
    var isLanguage = false
    var model: Model?
    if sections.isTokenizer {
      _ = try LanguageDescription.texts(sections)
    } else if try sections.task() == .language {
      isLanguage = true
      _ = try LanguageDescription(sections)
    } else {
      var opened = try Model(sections)
      var arena = Arena(measuring: ())
      _ = try Layout(&opened, threads: 1, from: &arena)
      model = opened
    }
    try sections.verifyWeights()
    try model?.verifyPacking()
    guard isLanguage else { return }
    var arena = Arena(measuring: ())
    _ = try LanguageModel(sections, arena: &arena, readsWeights: true)
  }

  /// Copies the tables of `file` into `region`, validates the copies and binds every operator to its kernel and
  /// buffers.
  ///
  /// - Parameters:
  ///   - file: a `.martlet` file, mapped; weights are read from it in place.
  ///   - region: 64-byte aligned, at least `budget(of:threads:).arenaBytes`.
  ///   - threads: the size of the largest team that the engine will run on.
  ///   - runsCascades: false lets every tensor exist whole, and every operator run by itself, whatever the file says:
  ///     for profiles and comparisons. The same bits, in a larger region.
  ///   - isa: which kernels; `martlet_best_isa()` unless a test wants another. Must be one that this processor has.
  public init(
    file: UnsafeRawBufferPointer, region: UnsafeMutableRawBufferPointer, threads: Int, runsCascades: Bool = true,
    isa: martlet_isa
  ) throws(ModelError) {
    guard let kernels = martlet_kernels_for(isa) else {
      throw ModelError(.unknownValue, .arena, field: "isa", found: Int64(isa.rawValue))
    }
    var model = try Model(Sections(file: file))
    var arena = try Arena(region: region)
    let layout = try Layout(&model, threads: threads, runsCascades: runsCascades, from: &arena)
    var plan = layout.plans!
    var cursor = CascadeCursor()
    for index in 0..<model.operatorCount {
      let isCascaded = cursor.contains(index, of: model)
      (layout.operators! + index).initialize(
        to: try BoundOperator(index, of: model, plan: isCascaded ? nil : plan, kernels: kernels))
      (layout.buffers! + index).initialize(to: martlet_buffers(ofOperator: index, in: model, tensors: layout.tensors!))
      if !isCascaded { plan += BoundOperator.planBytes(of: index, in: model) }
    }
    if model.cascadeCount > 0 {
      var binder = CascadeBinder(model, layout.cascades, layout.operators!)
      for index in 0..<model.cascadeCount { try binder.bind(index) }
    }
    self.model = model
    self.layout = layout
  }

  // MARK: Running

  /// One whole inference: from the input tensors in the arena to the output tensors.
  public mutating func run(on team: borrowing Team) {
    while !step(on: team, limit: Int64.max) {}
  }

  /// Goes on with the current inference for about `limit` multiply-accumulates, at least for one unit of an operator,
  /// and returns whether the inference is complete; the next call then starts the next one. Between two steps another
  /// engine may run on the same team.
  public mutating func step(on team: borrowing Team, limit: Int64) -> Bool {
    var remaining = limit
    while position.index < model.operatorCount {
      if position.cascade < model.cascadeCount,
        layout.cascades.cascades![position.cascade].operators.lowerBound == position.index
      {
        stepCascade(on: team, &remaining)
      } else {
        stepOperator(on: team, &remaining)
      }
      if remaining <= 0 { break }
    }
    guard position.index == model.operatorCount else { return false }
    position = Position()
    return true
  }

  private mutating func stepOperator(on team: borrowing Team, _ remaining: inout Int64) {
    let bound = layout.operators! + position.index
    let affordable = max(1, remaining / bound.pointee.unitWork)
    let last = Int32(min(Int64(bound.pointee.units), Int64(position.unit) + min(affordable, Int64(Int32.max))))
    team.run(job(position.index), first: position.unit, last: last)
    remaining -= Int64(last - position.unit) * bound.pointee.unitWork
    if last == bound.pointee.units {
      position.index += 1
      position.unit = 0
    } else {
      position.unit = last
    }
  }

  /// The same for the units of a cascade, in the order of its steps.
  private mutating func stepCascade(on team: borrowing Team, _ remaining: inout Int64) {
    let memory = layout.cascades
    let cascade = memory.cascades! + position.cascade
    let steps = cascade.pointee.steps
    var order = order(of: cascade, step: position.step, unit: UInt32(position.unit))
    repeat {
      let unitWork = memory.strips![Int(steps[position.step].kind)].unitWork
      let end = steps[position.step + 1].firstUnit
      let affordable = order.endUnit == order.unit ? max(1, remaining / unitWork) : remaining / unitWork
      let taken = UInt32(min(Int64(end - order.endUnit), affordable))
      order.endUnit += taken
      remaining -= Int64(taken) * unitWork
      guard order.endUnit == end else { break }
      position.step += 1
    } while position.step < order.stepCount && remaining > 0
    CascadeState(memory.state!).run(order, on: team, scratch: layout.scratch!, stride: layout.scratchStride)
    position.unit = Int32(order.endUnit)
    guard position.step == order.stepCount else { return }
    position.index = cascade.pointee.operators.upperBound
    position.cascade += 1
    position.step = 0
    position.unit = 0
  }

  /// What is to be done of a cascade from `unit` on, which lies in `step`: nothing yet.
  func order(of cascade: UnsafePointer<BoundCascade>, step: Int, unit: UInt32) -> CascadeState.Order {
    CascadeState.Order(
      steps: cascade.pointee.steps, strips: layout.cascades.strips!, stages: layout.cascades.stages!,
      operators: layout.operators!, buffers: layout.buffers!, stepCount: cascade.pointee.stepCount, step: step,
      unit: unit, endUnit: unit)
  }

  /// Abandons the current inference; the next step starts from the first operator.
  public mutating func restart() { position = Position() }

  /// Runs one operator alone, for profiles; its inputs are whatever the arena holds. It is none of a cascade:
  /// `runsCascades` was false, or the file has none there.
  public mutating func runOperator(_ index: Int, on team: borrowing Team) {
    precondition(index >= 0 && index < model.operatorCount && !isCascaded(index))
    team.run(job(index), first: 0, last: layout.operators![index].units)
  }

  private func isCascaded(_ index: Int) -> Bool {
    for cascade in 0..<model.cascadeCount where model.operators(ofCascade: cascade).contains(index) { return true }
    return false
  }

  private func job(_ index: Int) -> Job {
    let bound = layout.operators! + index
    return Job(
      kernel: bound.pointee.kernel, parameters: bound.pointee.parameters,
      buffers: UnsafePointer(layout.buffers! + index), scratch: layout.scratch!,
      scratchStride: layout.scratchStride)
  }
}
