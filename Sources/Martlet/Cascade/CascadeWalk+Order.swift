/// When a strip may run, and what it waits for.
extension CascadeWalk {
  /// Whether the rows that the stage's next strip reads have been issued, and all that read the rows whose places it
  /// takes.
  @inline(__always)
  func isReady(_ index: Int) -> Bool {
    let state = states + index
    guard state.pointee.issued < state.pointee.strips, hasInput(index) else { return false }
    let ring = Int(state.pointee.ringRows)
    guard ring > 0 else { return true }
    return state.pointee.rows(Int(state.pointee.issued)).upperBound - ring <= firstRowStillRead(ofStage: index)
  }

  @inline(__always)
  func hasInput(_ index: Int) -> Bool {
    let state = states + index
    let end = state.pointee.inputRows(Int(state.pointee.issued)).upperBound
    return issuedRows(state.pointee.producer0) >= end && issuedRows(state.pointee.producer1) >= end
  }

  @inline(__always)
  private func issuedRows(_ producer: Int8) -> Int {
    guard producer >= 0 else { return Int.max }
    let state = states + Int(producer)
    return min(Int(state.pointee.issued) * Int(state.pointee.stripRows), state.pointee.stage.outputRows)
  }

  /// The lowest row of the stage's output that a strip that has not been issued reads.
  func firstRowStillRead(ofStage index: Int) -> Int {
    var first = Int.max
    var readers = states[index].readers
    while readers != 0 {
      let reader = states + readers.trailingZeroBitCount
      readers &= readers - 1
      guard reader.pointee.issued < reader.pointee.strips else { continue }
      first = min(first, reader.pointee.inputRows(Int(reader.pointee.issued)).lowerBound)
    }
    return first
  }

  /// For the stage's next strip, which is ready.
  func dependency(ofNext index: Int) -> Int {
    let state = states + index
    let issued = Int(state.pointee.issued)
    let end = state.pointee.inputRows(issued).upperBound
    var steps = max(
      stepsBehind(Int(state.pointee.producer0), row: end - 1), stepsBehind(Int(state.pointee.producer1), row: end - 1))
    let ring = Int(state.pointee.ringRows)
    let taken = state.pointee.rows(issued).upperBound - ring
    guard ring > 0, taken > 0 else { return steps }
    // Whoever wrote those rows before: itself, a ring's height ago.
    steps = max(steps, stepsBehind(index, row: taken - 1))
    var readers = state.pointee.readers
    while readers != 0 {
      let reader = readers.trailingZeroBitCount
      readers &= readers - 1
      // Strips that are not remembered count as the oldest one that is, so there is nothing to look for beyond it.
      let oldest = max(0, Int(states[reader].issued) - CascadeSchedule.remembered)
      var strip = Int(states[reader].issued) - 1
      while strip >= oldest, states[reader].inputRows(strip).lowerBound >= taken { strip -= 1 }
      if strip >= 0 { steps = max(steps, stepsBehind(reader, strip: strip)) }
    }
    return steps
  }

  /// How many steps must be complete for the stage's row to be there.
  private func stepsBehind(_ index: Int, row: Int) -> Int {
    guard index >= 0 else { return 0 }
    return stepsBehind(index, strip: Int(Int32(row) / states[index].stripRows))
  }

  /// How many steps must be complete for that strip, which has been issued, to be.
  private func stepsBehind(_ index: Int, strip: Int) -> Int {
    let oldest = Int(states[index].issued) - CascadeSchedule.remembered
    return Int(states[index].steps[max(strip, oldest) & (CascadeSchedule.remembered - 1)]) + 1
  }

  // MARK: Rings

  mutating func findLeastRings() {
    restart()
    for index in stages { states[index].leastRingRows = states[index].stripRows }
    let last = stageCount - 1
    for strip in 0..<states[last].strips {
      states[last].demanded = strip + 1
      spreadDemand()
      while states[last].issued <= strip {
        var index = last
        while states[index].issued >= states[index].demanded || !hasInput(index) { index -= 1 }
        let end = states[index].rows(Int(states[index].issued)).upperBound
        let first = firstRowStillRead(ofStage: index)
        if first < end {
          let height = Int(states[index].stripRows)
          let rows = Int32((end - first + height - 1) / height * height)
          states[index].leastRingRows = max(states[index].leastRingRows, rows)
        }
        issue(index)
      }
    }
    for index in stages where Int(states[index].leastRingRows) >= states[index].stage.outputRows {
      states[index].leastRingRows = 0
    }
    states[last].leastRingRows = 0
    restart()
  }

  /// From the last stage back: strips that the demanded ones need.
  private func spreadDemand() {
    var index = stageCount - 1
    while index > 0 {
      let state = states + index
      if state.pointee.demanded > 0 {
        let end = state.pointee.inputRows(Int(state.pointee.demanded) - 1).upperBound
        demand(rows: end, ofStage: Int(state.pointee.producer0))
        demand(rows: end, ofStage: Int(state.pointee.producer1))
      }
      index -= 1
    }
  }

  private func demand(rows: Int, ofStage index: Int) {
    guard index >= 0 else { return }
    let height = Int(states[index].stripRows)
    states[index].demanded = max(states[index].demanded, Int32((rows + height - 1) / height))
  }
}
