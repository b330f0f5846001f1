/// A cascade's strips in the order in which they run: what the engine executes, the loader validates and the converter
/// plans with. No heap; seven kilobytes, which `withWalk` leaves where they are.
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

  /// A stage, and how far it has come. Few bytes: the loader has all of them on its stack.
  struct State: BitwiseCopyable {
    var stage = CascadeStage()
    /// Stages that read what this one writes, a bit each.
    var readers: UInt64 = 0
    /// 0: the output exists whole.
    var ringRows: Int32 = 0
    var leastRingRows: Int32 = 0
    /// Of a strip, but for the last one, and how many strips there are.
    var stripRows: Int32 = 0
    var strips: Int32 = 0
    /// Strips that have been issued.
    var issued: Int32 = 0
    /// For `findLeastRings`: strips that the end has asked for.
    var demanded: Int32 = 0
    /// The numbers of its last steps, strip k's at k mod `remembered`.
    var steps = InlineArray<8, UInt16>(repeating: 0)
    /// Stages that write what this one reads; -1: a tensor from outside.
    var producer0: Int8 = -1
    var producer1: Int8 = -1

    /// The output rows of a strip.
    @inline(__always)
    func rows(_ strip: Int) -> Range<Int> {
      let first = strip * Int(stripRows)
      return first..<min(first + Int(stripRows), stage.outputRows)
    }

    /// The input rows that a strip reads.
    @inline(__always)
    func inputRows(_ strip: Int) -> Range<Int> { stage.inputRows(for: rows(strip)) }
  }

  /// How far a walk has come.
  struct Cursor: BitwiseCopyable {
    var stageCount = 0
    /// Steps that have been issued.
    var stepsIssued = 0
    /// The stage to look at next, and whether anything was issued since the last one was looked at.
    var place = 0
    var isMoving = true
  }

  var states = InlineArray<64, State>(repeating: State())
  private var cursor = Cursor()

  public init() {}

  /// The schedule in place: what asks for more than one stage, or more than one step, goes through this, for without it
  /// each question costs a copy of all stages.
  mutating func withWalk<R, E: Error>(_ body: (inout CascadeWalk) throws(E) -> R) throws(E) -> R {
    var walk = cursor
    defer { cursor = walk }
    return try withUnsafeMutablePointer(to: &states) { (states) throws(E) -> R in
      var inPlace = CascadeWalk(
        states: UnsafeMutableRawPointer(states).assumingMemoryBound(to: State.self), cursor: walk)
      defer { walk = inPlace.cursor }
      return try body(&inPlace)
    }
  }

  // MARK: Making one

  /// Adds the next operator. Throws `.limit` beyond `maxStages` and `ModelFormat.maxElements` rows, and `.order` for an
  /// operator that writes what a stage before it reads or writes, or what it reads itself.
  public mutating func append(_ stage: CascadeStage) throws(CascadeFault) {
    try withWalk { (walk) throws(CascadeFault) in try walk.append(stage) }
  }

  /// Cuts all stages into strips. Throws `.order` for a stage before the last one that nobody reads, `.strip` where its
  /// readers disagree, and `.limit` for too many strips.
  public mutating func cut(stripRows: Int) throws(CascadeFault) {
    try withWalk { (walk) throws(CascadeFault) in try walk.cut(stripRows: stripRows) }
  }

  /// How many rows of the stage's output exist at a time; 0: all of them. Throws `.ring` for a number that is no
  /// multiple of the stage's strip, or not less than the tensor's rows.
  public mutating func setRing(_ rows: Int, ofStage index: Int) throws(CascadeFault) {
    try withWalk { (walk) throws(CascadeFault) in try walk.setRing(rows, ofStage: index) }
  }

  /// Finds the lowest ring for each stage's output, all of them together: `leastRingRows(ofStage:)`. Starts the
  /// schedule anew; `cut` has been called.
  ///
  /// Strips are issued in the order of demand: for each strip of the last stage, first what it needs, the latest stage
  /// that is ready first. So no row is written before it must be, nor kept longer.
  public mutating func findLeastRings() { withWalk { $0.findLeastRings() } }

  /// Throws `.ring` if the rings are too low for the cascade to come to its end. Starts it anew.
  public mutating func check() throws(CascadeFault) {
    try withWalk { (walk) throws(CascadeFault) in try walk.check() }
  }

  // MARK: Looking

  public var stageCount: Int { cursor.stageCount }
  public func stage(_ index: Int) -> CascadeStage { states[index].stage }
  /// Rows of the stage's strips, but for the last one, which may be lower.
  public func stripRows(ofStage index: Int) -> Int { Int(states[index].stripRows) }
  public func stripCount(ofStage index: Int) -> Int { Int(states[index].strips) }
  /// What `setRing` has set.
  public func ringRows(ofStage index: Int) -> Int { Int(states[index].ringRows) }
  /// What `findLeastRings` has found; 0: the whole tensor.
  public func leastRingRows(ofStage index: Int) -> Int { Int(states[index].leastRingRows) }
  /// The stages that write the stage's inputs; -1: a tensor from outside, or none.
  public func producers(ofStage index: Int) -> (Int, Int) {
    (Int(states[index].producer0), Int(states[index].producer1))
  }
  /// Of the whole cascade.
  public var stepCount: Int {
    var count = 0
    for index in 0..<stageCount { count += Int(states[index].strips) }
    return count
  }
  /// The output rows of a strip.
  public func rows(ofStage index: Int, strip: Int) -> Range<Int> { states[index].rows(strip) }
  /// The input rows that a strip reads.
  public func inputRows(ofStage index: Int, strip: Int) -> Range<Int> { states[index].inputRows(strip) }

  // MARK: Running

  /// Steps that have been issued.
  public var stepsIssued: Int { cursor.stepsIssued }
  /// Back to the first step.
  public mutating func restart() { withWalk { $0.restart() } }
  /// The next step; nil at the end, or where the rings are too low to go on.
  public mutating func next() -> Step? { withWalk { $0.next() } }
}
