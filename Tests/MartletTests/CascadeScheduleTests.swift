import Testing

@testable import Martlet

/// The schedule against a simulation that knows nothing of it but the steps: each row that is read is the one that was
/// written there, whatever order the steps run in that their dependencies allow.
@Suite struct CascadeScheduleTests {
  /// A random cascade: windows of 1, 3 and 5 rows, strides of 1 and 2, residual additions, odd heights.
  static func stages(_ random: inout RandomNumbers) -> [CascadeStage] {
    var stages: [CascadeStage] = []
    var rows = random.next(in: 5...41)
    // Tensors of this height that a stage after them may still read.
    var open: [UInt32] = [0]
    for index in 0..<random.next(in: 1...9) {
      var stage = CascadeStage()
      stage.input0 = UInt32(index)
      stage.output = UInt32(index + 1)
      stage.inputRows = rows
      if index > 0, random.next(in: 0...3) == 0 {
        stage.input1 = open[random.next(in: 0...(open.count - 1))]
      } else {
        stage.window = min([1, 1, 3, 5][random.next(in: 0...3)], rows)
        stage.stride = rows > 8 && random.next(in: 0...3) == 0 ? 2 : 1
        stage.padTop = random.next(in: 0...(stage.window / 2))
      }
      // Some windows may reach beyond the last row.
      let reach = rows + 2 * stage.padTop - stage.window
      stage.outputRows = min(reach / stage.stride + 1, rows)
      if stage.outputRows != rows || stage.window > 1 { open = [] }
      rows = stage.outputRows
      open.append(stage.output)
      stages.append(stage)
    }
    return stages
  }

  static func schedule(_ stages: [CascadeStage], stripRows: Int) throws(CascadeFault) -> CascadeSchedule {
    var schedule = CascadeSchedule()
    for stage in stages { try schedule.append(stage) }
    try schedule.cut(stripRows: stripRows)
    schedule.findLeastRings()
    return schedule
  }

  @Test func everyRowIsReadWhereItWasWritten() throws {
    var random = RandomNumbers(seed: 11)
    var simulated = 0
    var rings = 0
    for _ in 0..<200 {
      let stages = Self.stages(&random)
      for stripRows in 1...4 {
        guard var schedule = try? Self.schedule(stages, stripRows: stripRows) else { continue }
        for slack in 0...2 {
          for stage in 0..<stages.count {
            let least = schedule.leastRingRows(ofStage: stage)
            let ring = least + random.next(in: 0...slack) * schedule.stripRows(ofStage: stage)
            let isRing = least > 0 && ring < stages[stage].outputRows
            try schedule.setRing(isRing ? ring : 0, ofStage: stage)
            rings += isRing ? 1 : 0
          }
          try schedule.check()
          #expect(Simulation(schedule).fault() == nil, "\(stages), strips of \(stripRows)")
          simulated += 1
        }
      }
    }
    #expect(simulated > 1000 && rings > 1500)
  }

  /// With any one ring a strip lower the cascade does not come to its end.
  @Test func noRingIsHigherThanItMustBe() throws {
    var random = RandomNumbers(seed: 12)
    var tried = 0
    for _ in 0..<600 {
      let stages = Self.stages(&random)
      let stripRows = random.next(in: 1...4)
      guard var schedule = try? Self.schedule(stages, stripRows: stripRows) else { continue }
      for stage in 0..<stages.count {
        try schedule.setRing(schedule.leastRingRows(ofStage: stage), ofStage: stage)
      }
      for stage in 0..<stages.count where schedule.leastRingRows(ofStage: stage) > schedule.stripRows(ofStage: stage) {
        var lower = schedule
        try lower.setRing(schedule.leastRingRows(ofStage: stage) - schedule.stripRows(ofStage: stage), ofStage: stage)
        #expect(throws: CascadeFault.ring) { try lower.check() }
        tried += 1
      }
    }
    #expect(tried > 200)
  }

  /// With a strip more in each ring, neighbouring steps do not wait for one another: a sweep lies between.
  @Test func aStripMoreLetsProducersRunAhead() throws {
    var stages = [CascadeStage](repeating: CascadeStage(), count: 3)
    for index in 0..<3 {
      stages[index].input0 = UInt32(index)
      stages[index].output = UInt32(index + 1)
      stages[index].inputRows = 40
      stages[index].outputRows = 40
    }
    stages[1].window = 3
    stages[1].padTop = 1
    var schedule = try Self.schedule(stages, stripRows: 2)
    #expect((0..<3).map { schedule.leastRingRows(ofStage: $0) } == [6, 2, 0])
    for stage in 0..<2 { try schedule.setRing(schedule.leastRingRows(ofStage: stage) + 2, ofStage: stage) }
    var index = 0
    while let step = schedule.next() {
      if index > 12, index < 50 { #expect(index - step.dependency >= 1, "step \(index): \(step)") }
      index += 1
    }
    #expect(index == schedule.stepCount)
  }

  /// What a file says of a ring's height does not make its schedule dearer: a check once took a walk through the ring
  /// for each step, half a minute for a file of 1.5 KB.
  @Test func aHighRingIsCheckedAsFastAsALowOne() throws {
    var stages = [CascadeStage](repeating: CascadeStage(), count: 2)
    for index in 0..<2 {
      stages[index].input0 = UInt32(index)
      stages[index].output = UInt32(index + 1)
      (stages[index].inputRows, stages[index].outputRows) = (16384, 16384)
    }
    func time(_ ring: Int) throws -> Duration {
      var schedule = CascadeSchedule()
      for stage in stages { try schedule.append(stage) }
      try schedule.cut(stripRows: 1)
      try schedule.setRing(ring, ofStage: 0)
      return try ContinuousClock().measure { try schedule.check() }
    }
    // On a loaded machine a measurement may be of the load: the least of several, in turns.
    var (low, high) = try (time(2), time(8192))
    for _ in 0..<20 where high >= low * 5 { (low, high) = try (min(low, time(2)), min(high, time(8192))) }
    #expect(high < low * 5, "\(high), with a low ring \(low)")
  }

  @Test func whatIsNoCascadeIsRefused() throws {
    var stage = CascadeStage()
    (stage.input0, stage.output, stage.inputRows, stage.outputRows) = (0, 1, 8, 8)
    var schedule = CascadeSchedule()
    try schedule.append(stage)
    // Writes what was read before, and what was written before.
    (stage.input0, stage.output) = (1, 0)
    #expect(throws: CascadeFault.order) { try schedule.append(stage) }
    (stage.input0, stage.output) = (0, 1)
    #expect(throws: CascadeFault.order) { try schedule.append(stage) }
    (stage.input0, stage.output) = (2, 2)
    #expect(throws: CascadeFault.order) { try schedule.append(stage) }
    // Nobody reads tensor 1.
    (stage.input0, stage.output) = (0, 2)
    try schedule.append(stage)
    #expect(throws: CascadeFault.order) { try schedule.cut(stripRows: 2) }
    // Tensor 1 is read in strips of 2 rows, and of 4.
    (stage.input0, stage.output, stage.stride, stage.outputRows) = (1, 3, 2, 4)
    try schedule.append(stage)
    (stage.input0, stage.input1, stage.output, stage.inputRows, stage.stride) = (3, 1, 4, 4, 1)
    try schedule.append(stage)
    #expect(throws: CascadeFault.order) { try schedule.cut(stripRows: 2) }
    #expect(throws: CascadeFault.strip) { try schedule.cut(stripRows: 0) }

    var long = CascadeSchedule()
    var link = CascadeStage()
    (link.inputRows, link.outputRows) = (1024, 1024)
    for index in 0..<CascadeSchedule.maxStages {
      (link.input0, link.output) = (UInt32(index), UInt32(index + 1))
      try long.append(link)
    }
    (link.input0, link.output) = (64, 65)
    #expect(throws: CascadeFault.limit) { try long.append(link) }
    #expect(throws: CascadeFault.limit) { try long.cut(stripRows: 1) }
    try long.cut(stripRows: 2)
    #expect(long.stepCount == CascadeSchedule.maxSteps)
    #expect(throws: CascadeFault.ring) { try long.setRing(3, ofStage: 0) }
    #expect(throws: CascadeFault.ring) { try long.setRing(1024, ofStage: 0) }
  }
}

/// Runs a schedule's steps on rings that remember which row they hold.
private struct Simulation {
  /// A place of a tensor's ring.
  private struct Place: Hashable {
    var tensor: UInt32
    var row: Int
  }
  private var steps: [(step: CascadeSchedule.Step, reads: [Place], writes: [Place])] = []
  private var schedule: CascadeSchedule
  private var early: String?

  init(_ schedule: CascadeSchedule) {
    self.schedule = schedule
    self.schedule.restart()
    var held: [Place: Int] = [:]
    var rows: [UInt32: Int] = [:]
    for stage in 0..<schedule.stageCount { rows[schedule.stage(stage).output] = schedule.ringRows(ofStage: stage) }
    func place(_ tensor: UInt32, _ row: Int) -> Place {
      let ring = rows[tensor] ?? 0
      return Place(tensor: tensor, row: ring > 0 ? row % ring : row)
    }
    while let step = self.schedule.next() {
      let stage = schedule.stage(step.stage)
      var reads: [Place] = []
      for row in schedule.inputRows(ofStage: step.stage, strip: step.strip) {
        for tensor in [stage.input0, stage.input1] where tensor != ModelFormat.none {
          let from = place(tensor, row)
          reads.append(from)
          if rows[tensor] != nil, held[from] != row { early = "\(step) reads row \(row) of \(tensor), which is gone" }
        }
      }
      let written = schedule.rows(ofStage: step.stage, strip: step.strip).map { row in
        let to = place(stage.output, row)
        held[to] = row
        return to
      }
      steps.append((step, reads, written))
    }
  }

  /// What goes wrong, if anything does: a row that is not there, steps that are missing, or two steps that get in one
  /// another's way and may run at a time.
  func fault() -> String? {
    if let early { return early }
    if steps.count != schedule.stepCount { return "\(steps.count) steps" }
    var writers: [Place: Int] = [:]
    var readers: [Place: [Int]] = [:]
    for (index, (step, reads, writes)) in steps.enumerated() {
      var needed = 0
      for place in reads { needed = max(needed, (writers[place] ?? -1) + 1) }
      for place in writes {
        needed = max(needed, (writers[place] ?? -1) + 1, (readers[place]?.max() ?? -1) + 1)
        writers[place] = index
        readers[place] = []
      }
      for place in reads { readers[place, default: []].append(index) }
      if step.dependency < needed || step.dependency > index {
        return "step \(index), \(step), needs the first \(needed) to be complete"
      }
    }
    return nil
  }
}

/// SplitMix64.
struct RandomNumbers {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func next(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }
}
