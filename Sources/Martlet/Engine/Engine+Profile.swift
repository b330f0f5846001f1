/// One inference in pieces, each of one operator.
extension Engine {
  /// Runs one inference and tells, after each piece of it, of which operator that was: an operator whole, or a strip of
  /// one in a cascade. The strips run one after the other in the order of their schedule, each on the whole team, so
  /// that an operator's time is the sum of its strips'; in `run` those that do not wait for one another overlap.
  ///
  /// Abandons an inference that is under way.
  public mutating func run(on team: borrowing Team, piece: (_ operatorIndex: Int) -> Void) {
    restart()
    var index = 0
    var cascade = 0
    while index < model.operatorCount {
      guard cascade < model.cascadeCount, layout.cascades.cascades![cascade].operators.lowerBound == index else {
        runOperator(index, on: team)
        piece(index)
        index += 1
        continue
      }
      let bound = UnsafePointer(layout.cascades.cascades! + cascade)
      for step in 0..<bound.pointee.stepCount {
        let steps = bound.pointee.steps
        var order = order(of: bound, step: step, unit: steps[step].firstUnit)
        order.endUnit = steps[step + 1].firstUnit
        CascadeState(layout.cascades.state!).run(
          order, on: team, scratch: layout.scratch!, stride: layout.scratchStride)
        piece(order.operation(of: step))
      }
      index = bound.pointee.operators.upperBound
      cascade += 1
    }
  }
}
