/// A schedule's stages where they lie. `CascadeSchedule` says what the methods do that it has as well.
struct CascadeWalk {
  typealias State = CascadeSchedule.State

  let states: UnsafeMutablePointer<State>
  var cursor: CascadeSchedule.Cursor

  var stageCount: Int { cursor.stageCount }
  var stages: Range<Int> { 0..<cursor.stageCount }

  /// Of the whole cascade.
  var stepCount: Int {
    var count = 0
    for index in stages { count += Int(states[index].strips) }
    return count
  }

  // MARK: Making one

  mutating func append(_ stage: CascadeStage) throws(CascadeFault) {
    guard stageCount < CascadeSchedule.maxStages else { throw .limit }
    let most = ModelFormat.maxElements
    guard stage.inputRows <= most, stage.outputRows <= most, stage.window <= most else { throw .limit }
    var state = State()
    state.stage = stage
    guard stage.output != stage.input0, stage.output != stage.input1 else { throw .order }
    for index in stages {
      let (input0, input1) = (states[index].stage.input0, states[index].stage.input1)
      let output = states[index].stage.output
      guard stage.output != input0, stage.output != input1, stage.output != output else { throw .order }
      guard output == stage.input0 || output == stage.input1 else { continue }
      if output == stage.input0 { state.producer0 = Int8(index) }
      if output == stage.input1 { state.producer1 = Int8(index) }
      states[index].readers |= 1 << UInt64(stageCount)
    }
    states[stageCount] = state
    cursor.stageCount += 1
  }

  mutating func cut(stripRows: Int) throws(CascadeFault) {
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
        let wanted = Int(states[reader].stripRows) * states[reader].stage.stride
        guard rows == 0 || rows == wanted else { throw .strip }
        rows = wanted
      }
      guard rows <= ModelFormat.maxElements else { throw .limit }
      let strips = (states[index].stage.outputRows + rows - 1) / rows
      states[index].stripRows = Int32(rows)
      states[index].strips = Int32(strips)
      steps += strips
      index -= 1
    }
    guard steps <= CascadeSchedule.maxSteps else { throw .limit }
    restart()
  }

  func setRing(_ rows: Int, ofStage index: Int) throws(CascadeFault) {
    guard rows >= 0, rows < states[index].stage.outputRows, rows % Int(states[index].stripRows) == 0 else {
      throw .ring
    }
    states[index].ringRows = Int32(rows)
  }

  /// Any order will do, so each stage goes as far as it can whenever it is looked at.
  mutating func check() throws(CascadeFault) {
    restart()
    var isMoving = true
    while isMoving {
      isMoving = false
      for index in stages {
        while isReady(index) {
          states[index].issued += 1
          isMoving = true
        }
      }
    }
    for index in stages where states[index].issued < states[index].strips { throw .ring }
    restart()
  }

  // MARK: Running

  mutating func restart() {
    for index in stages {
      states[index].issued = 0
      states[index].demanded = 0
    }
    cursor.stepsIssued = 0
    cursor.place = stageCount - 1
    cursor.isMoving = true
  }

  mutating func next() -> CascadeSchedule.Step? {
    while true {
      if cursor.place < 0 {
        guard cursor.isMoving else { return nil }
        cursor.place = stageCount - 1
        cursor.isMoving = false
      }
      let index = cursor.place
      cursor.place -= 1
      guard isReady(index) else { continue }
      cursor.isMoving = true
      let step = CascadeSchedule.Step(
        stage: index, strip: Int(states[index].issued), dependency: dependency(ofNext: index))
      issue(index)
      return step
    }
  }

  mutating func issue(_ index: Int) {
    let strip = Int(states[index].issued)
    states[index].steps[strip & (CascadeSchedule.remembered - 1)] = UInt16(cursor.stepsIssued)
    states[index].issued += 1
    cursor.stepsIssued += 1
  }
}
