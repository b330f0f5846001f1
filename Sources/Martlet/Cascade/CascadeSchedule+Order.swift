/// When a strip may run, and what it waits for.
extension CascadeSchedule {
  /// Whether the rows that the stage's next strip reads have been issued, and all that read the rows whose places it
  /// takes.
  func isReady(_ index: Int) -> Bool {
    let state = states[index]
    guard state.issued < state.strips, hasInput(index) else { return false }
    let taken = rows(ofStage: index, strip: state.issued).upperBound - state.ringRows
    return state.ringRows == 0 || taken <= firstRowStillRead(ofStage: index)
  }

  func hasInput(_ index: Int) -> Bool {
    let end = inputRows(ofStage: index, strip: states[index].issued).upperBound
    return issuedRows(states[index].producer0) >= end && issuedRows(states[index].producer1) >= end
  }

  private func issuedRows(_ producer: Int) -> Int {
    guard producer >= 0 else { return Int.max }
    return min(states[producer].issued * states[producer].stripRows, states[producer].stage.outputRows)
  }

  /// The lowest row of the stage's output that a strip that has not been issued reads.
  func firstRowStillRead(ofStage index: Int) -> Int {
    var first = Int.max
    var readers = states[index].readers
    while readers != 0 {
      let reader = readers.trailingZeroBitCount
      readers &= readers - 1
      guard states[reader].issued < states[reader].strips else { continue }
      first = min(first, inputRows(ofStage: reader, strip: states[reader].issued).lowerBound)
    }
    return first
  }

  /// For the stage's next strip, which is ready.
  func dependency(ofNext index: Int) -> Int {
    let state = states[index]
    let end = inputRows(ofStage: index, strip: state.issued).upperBound
    var steps = max(stepsBehind(state.producer0, row: end - 1), stepsBehind(state.producer1, row: end - 1))
    guard state.ringRows > 0 else { return steps }
    let taken = rows(ofStage: index, strip: state.issued).upperBound - state.ringRows
    guard taken > 0 else { return steps }
    // Whoever wrote those rows before: itself, a ring's height ago.
    steps = max(steps, stepsBehind(index, row: taken - 1))
    var readers = state.readers
    while readers != 0 {
      let reader = readers.trailingZeroBitCount
      readers &= readers - 1
      var strip = states[reader].issued - 1
      while strip >= 0, inputRows(ofStage: reader, strip: strip).lowerBound >= taken { strip -= 1 }
      if strip >= 0 { steps = max(steps, stepsBehind(reader, strip: strip)) }
    }
    return steps
  }

  /// How many steps must be complete for the stage's row to be there.
  private func stepsBehind(_ index: Int, row: Int) -> Int {
    index < 0 ? 0 : stepsBehind(index, strip: row / states[index].stripRows)
  }

  /// How many steps must be complete for that strip, which has been issued, to be.
  private func stepsBehind(_ index: Int, strip: Int) -> Int {
    let oldest = states[index].issued - CascadeSchedule.remembered
    return Int(states[index].steps[max(strip, oldest) % CascadeSchedule.remembered]) + 1
  }

  // MARK: Rings

  /// Finds the lowest ring for each stage's output, all of them together: `leastRingRows(ofStage:)`. Starts the
  /// schedule anew; `cut` has been called.
  ///
  /// Strips are issued in the order of demand: for each strip of the last stage, first what it needs, the latest stage
  /// that is ready first. So no row is written before it must be, nor kept longer.
  public mutating func findLeastRings() {
    restart()
    for index in 0..<stageCount { states[index].leastRingRows = states[index].stripRows }
    let last = stageCount - 1
    for strip in 0..<states[last].strips {
      states[last].demanded = strip + 1
      spreadDemand()
      while states[last].issued <= strip {
        var index = last
        while states[index].issued >= states[index].demanded || !hasInput(index) { index -= 1 }
        let end = rows(ofStage: index, strip: states[index].issued).upperBound
        let first = firstRowStillRead(ofStage: index)
        if first < end {
          let rows = (end - first + states[index].stripRows - 1) / states[index].stripRows * states[index].stripRows
          states[index].leastRingRows = max(states[index].leastRingRows, rows)
        }
        _ = issue(index)
      }
    }
    for index in 0..<stageCount where states[index].leastRingRows >= states[index].stage.outputRows {
      states[index].leastRingRows = 0
    }
    states[last].leastRingRows = 0
    restart()
  }

  /// From the last stage back: strips that the demanded ones need.
  private mutating func spreadDemand() {
    var index = stageCount - 1
    while index > 0 {
      let state = states[index]
      if state.demanded > 0 {
        let end = inputRows(ofStage: index, strip: state.demanded - 1).upperBound
        demand(rows: end, ofStage: state.producer0)
        demand(rows: end, ofStage: state.producer1)
      }
      index -= 1
    }
  }

  private mutating func demand(rows: Int, ofStage index: Int) {
    guard index >= 0 else { return }
    let strips = (rows + states[index].stripRows - 1) / states[index].stripRows
    states[index].demanded = max(states[index].demanded, strips)
  }
}
