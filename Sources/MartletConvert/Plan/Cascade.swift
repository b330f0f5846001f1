import Martlet

/// Consecutive operators that run strip by strip, so that what lies between them need not exist whole.
struct Cascade: Equatable {
  var operators: Range<Int>
  /// Of the last operator's output.
  var stripRows: Int
  /// By tensor, the rows of those that are rings: multiples of the strips in which their producers write them.
  var ringRows: [Int: Int]
  /// By tensor, the rows of those strips.
  var strips: [Int: Int]
}

/// A range of operators that may be a cascade, whatever the strip: who feeds whom, and with which strides.
struct CascadeRange {
  let operators: Range<Int>
  let stages: [CascadeStage]
  /// Rows of each stage's strip for one row of the last stage's.
  let rowsPerRow: [Int]
  /// For each stage and each of its inputs, the stage that makes it; nil for what exists whole before the cascade.
  let producers: [[Int?]]
  /// The stages that read the output of each.
  let readers: [[Int]]

  /// Nil where the operators do not hang together: one is not read on the way to the last one's output, something in
  /// between is seen from outside (`isInside` of a tensor says that it is not), or two paths' strides differ.
  init?(_ operators: Range<Int>, _ stages: ArraySlice<CascadeStage?>, isInside: (_ tensor: Int) -> Bool) {
    let stages = stages.compactMap { $0 }
    guard stages.count == operators.count, stages.count > 1 else { return nil }
    var stageOf: [Int: Int] = [:]
    var readers = stages.map { _ in [Int]() }
    var producers: [[Int?]] = []
    for (index, stage) in stages.enumerated() {
      producers.append(stage.inputs.map { stageOf[$0] })
      for producer in producers[index] { if let producer { readers[producer].append(index) } }
      stageOf[stage.output] = index
    }
    var rowsPerRow = stages.map { _ in 1 }
    for index in stages.indices.dropLast().reversed() {
      guard let reader = readers[index].first, isInside(stages[index].output) else { return nil }
      rowsPerRow[index] = rowsPerRow[reader] * stages[reader].stride
      guard readers[index].allSatisfy({ rowsPerRow[$0] * stages[$0].stride == rowsPerRow[index] }) else { return nil }
    }
    self.operators = operators
    (self.stages, self.rowsPerRow, self.producers, self.readers) = (stages, rowsPerRow, producers, readers)
  }

  func stripRows(of stage: Int, _ stripRows: Int) -> Int { min(stages[stage].rows, rowsPerRow[stage] * stripRows) }

  /// The least rows of a ring for each stage's output: what is written and still to be read, at the worst moment. At
  /// least as many as there are where the output has to be whole; the last one always has.
  func leastRingRows(_ stripRows: Int) -> [Int] {
    var run = Run(range: self, stripRows: stripRows)
    while run.done[stages.count - 1] < stages[stages.count - 1].rows { run.step(stages.count - 1) }
    return stages.indices.map { index in
      guard index < stages.count - 1 else { return stages[index].rows }
      let strip = rowsPerRow[index] * stripRows
      return min(stages[index].rows, (run.held[index] + strip - 1) / strip * strip)
    }
  }

  /// The cascade in the order of demand, in rows alone.
  private struct Run {
    let range: CascadeRange
    let stripRows: Int
    /// Rows that are written, and the most that had to be held.
    var done: [Int]
    var held: [Int]

    init(range: CascadeRange, stripRows: Int) {
      (self.range, self.stripRows) = (range, stripRows)
      done = range.stages.map { _ in 0 }
      held = done
    }

    mutating func step(_ index: Int) {
      let stage = range.stages[index]
      let end = min(stage.rows, done[index] + range.rowsPerRow[index] * stripRows)
      let needed = stage.endOfInput(before: end)
      for producer in range.producers[index] {
        if let producer { while done[producer] < needed { step(producer) } }
      }
      done[index] = end
      let readers = range.readers[index].filter { done[$0] < range.stages[$0].rows }
      let first = readers.map { range.stages[$0].firstInputRow(of: done[$0]) }.min() ?? end
      held[index] = max(held[index], end - min(first, end), 1)
    }
  }
}
