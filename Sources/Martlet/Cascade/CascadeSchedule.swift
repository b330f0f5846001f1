/// A cascade's strips in the order in which they run: what the engine executes, the loader validates and the converter
/// plans with. No heap; a few kilobytes.
///
/// A cascade is a chain, or a graph with one end, of operators in file order. The last one is cut into strips of
/// `stripRows` rows, an earlier one into strips of that times the strides on the way to the end. Of a tensor between
/// them only a ring of rows need exist: row y at place y mod ringRows. A strip is ready once the rows that it reads are
/// there and the rows whose places it takes have been read. No strip that runs can take this from another one, so
/// either every order of ready strips comes to the end or none does: rings are high enough, or too low.
///
/// The order here: from the last stage to the first, a strip of each that is ready, then again from the last. With the
/// lowest rings that is the order of demand. A ring that is a strip higher than the lowest lets its producer run ahead,
/// so that neighbouring steps do not wait for one another: that is what several threads need.
///
///     var schedule = CascadeSchedule()
///     for record in operators { try schedule.append(CascadeStage(record, tensors: ...)) }
///     try schedule.cut(stripRows: 2)
///     schedule.findLeastRings()
///     for stage in 0..<schedule.stageCount {
///       try schedule.setRing(schedule.leastRingRows(ofStage: stage), ofStage: stage)
///     }
///     try schedule.check()
///     while let step = schedule.next() { ... }
public struct CascadeSchedule {
  public static let maxStages = 64
  /// Of all stages together.
  public static let maxSteps = 1 << 15
  /// Steps of a stage that are remembered exactly; a dependency on an older one is one on the oldest of these.
  static let remembered = 8

  /// A strip of a stage.
  public struct Step: BitwiseCopyable, Equatable {
    public var stage: Int
    public var strip: Int
    /// How many steps, from the first on, must be complete before this one begins.
    public var dependency: Int
  }

  struct State: BitwiseCopyable {
    var stage = CascadeStage()
    /// 0: the output exists whole.
    var ringRows = 0
    var leastRingRows = 0
    /// Of a strip, but for the last one, and how many strips there are.
    var stripRows = 0
    var strips = 0
    /// Stages that write what this one reads; -1: a tensor from outside.
    var producer0 = -1
    var producer1 = -1
    /// Stages that read what this one writes, a bit each.
    var readers: UInt64 = 0
    /// Strips that have been issued.
    var issued = 0
    /// For `findLeastRings`: strips that the end has asked for.
    var demanded = 0
    /// The numbers of its last steps, strip k's at k mod `remembered`.
    var steps = InlineArray<8, UInt32>(repeating: 0)
  }

  public private(set) var stageCount = 0
  var states = InlineArray<64, State>(repeating: State())
  /// Steps that have been issued.
  public private(set) var stepsIssued = 0
  /// The stage to look at next, and whether anything was issued since the last one was looked at.
  private var place = 0
  private var isMoving = true

  public init() {}

  // MARK: Making one

  /// Adds the next operator. Throws `.limit` beyond `maxStages`, and `.order` for an operator that writes what a stage
  /// before it reads or writes, or what it reads itself.
  public mutating func append(_ stage: CascadeStage) throws(CascadeFault) {
    guard stageCount < CascadeSchedule.maxStages else { throw .limit }
    var state = State()
    state.stage = stage
    guard stage.output != stage.input0, stage.output != stage.input1 else { throw .order }
    for index in 0..<stageCount {
      let earlier = states[index].stage
      guard stage.output != earlier.input0, stage.output != earlier.input1, stage.output != earlier.output else {
        throw .order
      }
      guard earlier.output == stage.input0 || earlier.output == stage.input1 else { continue }
      if earlier.output == stage.input0 { state.producer0 = index }
      if earlier.output == stage.input1 { state.producer1 = index }
      states[index].readers |= 1 << UInt64(stageCount)
    }
    states[stageCount] = state
    stageCount += 1
  }

  /// Cuts all stages into strips. Throws `.order` for a stage before the last one that nobody reads, `.strip` where its
  /// readers disagree, and `.limit` for too many strips.
  public mutating func cut(stripRows: Int) throws(CascadeFault) {
    guard stageCount > 0, stripRows >= 1 else { throw .strip }
    var steps = 0
    var index = stageCount - 1
    while index >= 0 {
      var rows = index == stageCount - 1 ? stripRows : 0
      var readers = states[index].readers
      guard rows > 0 || readers != 0 else { throw .order }
      while readers != 0 {
        let reader = readers.trailingZeroBitCount
        readers &= readers - 1
        let wanted = states[reader].stripRows * states[reader].stage.stride
        guard rows == 0 || rows == wanted else { throw .strip }
        rows = wanted
      }
      guard rows <= ModelFormat.maxElements else { throw .limit }
      states[index].stripRows = rows
      states[index].strips = (states[index].stage.outputRows + rows - 1) / rows
      steps += states[index].strips
      index -= 1
    }
    guard steps <= CascadeSchedule.maxSteps else { throw .limit }
    restart()
  }

  /// How many rows of the stage's output exist at a time; 0: all of them. Throws `.ring` for a number that is no
  /// multiple of the stage's strip, or not less than the tensor's rows.
  public mutating func setRing(_ rows: Int, ofStage index: Int) throws(CascadeFault) {
    guard rows >= 0, rows < states[index].stage.outputRows, rows % states[index].stripRows == 0 else { throw .ring }
    states[index].ringRows = rows
  }

  /// Throws `.ring` if the rings are too low for the cascade to come to its end. Starts it anew.
  public mutating func check() throws(CascadeFault) {
    restart()
    while next() != nil {}
    for index in 0..<stageCount where states[index].issued < states[index].strips { throw .ring }
    restart()
  }

  // MARK: Looking

  public func stage(_ index: Int) -> CascadeStage { states[index].stage }
  /// Rows of the stage's strips, but for the last one, which may be lower.
  public func stripRows(ofStage index: Int) -> Int { states[index].stripRows }
  public func stripCount(ofStage index: Int) -> Int { states[index].strips }
  /// What `setRing` has set.
  public func ringRows(ofStage index: Int) -> Int { states[index].ringRows }
  /// What `findLeastRings` has found; 0: the whole tensor.
  public func leastRingRows(ofStage index: Int) -> Int { states[index].leastRingRows }
  /// The stages that write the stage's inputs; -1: a tensor from outside, or none.
  public func producers(ofStage index: Int) -> (Int, Int) { (states[index].producer0, states[index].producer1) }
  /// Of the whole cascade.
  public var stepCount: Int {
    var count = 0
    for index in 0..<stageCount { count += states[index].strips }
    return count
  }

  /// The output rows of a strip.
  public func rows(ofStage index: Int, strip: Int) -> Range<Int> {
    let first = strip * states[index].stripRows
    return first..<min(first + states[index].stripRows, states[index].stage.outputRows)
  }

  /// The input rows that a strip reads.
  public func inputRows(ofStage index: Int, strip: Int) -> Range<Int> {
    states[index].stage.inputRows(for: rows(ofStage: index, strip: strip))
  }

  // MARK: Running

  /// Back to the first step.
  public mutating func restart() {
    for index in 0..<stageCount {
      states[index].issued = 0
      states[index].demanded = 0
    }
    stepsIssued = 0
    place = stageCount - 1
    isMoving = true
  }

  /// The next step; nil at the end, or where the rings are too low to go on.
  public mutating func next() -> Step? {
    while true {
      if place < 0 {
        guard isMoving else { return nil }
        place = stageCount - 1
        isMoving = false
      }
      let index = place
      place -= 1
      guard isReady(index) else { continue }
      isMoving = true
      return issue(index)
    }
  }

  mutating func issue(_ index: Int) -> Step {
    let step = Step(stage: index, strip: states[index].issued, dependency: dependency(ofNext: index))
    states[index].steps[step.strip % CascadeSchedule.remembered] = UInt32(stepsIssued)
    states[index].issued += 1
    stepsIssued += 1
    return step
  }
}
