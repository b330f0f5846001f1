/// The grid of every computed value of a float graph.
struct GridPlan {
  private(set) var grids: [Int: Grid] = [:]

  /// - Parameters:
  ///   - distributions: what calibration saw; without it the model must say all itself.
  ///   - fixed: ranges that are known, by value.
  init(
    _ graph: inout Graph, distributions: [Int: Distribution]? = nil, method: RangeMethod = .minMax,
    fixed: [Int: ClosedRange<Float>] = [:], overrides: [Int: RangeMethod] = [:]
  ) throws(ConversionError) {
    let groups = QuantizationGroups(&graph)
    let uses = GraphUses(graph)
    var missing: [String] = []
    for members in groups.members(graph).values.sorted(by: { $0[0] < $1[0] }) {
      // Indices and constants have no grid.
      let held = members.filter {
        graph.values[$0].type == .float32 && graph.values[$0].constant == nil
          && (uses.producer[$0] != nil || graph.inputs.map(\.value).contains($0))
      }
      guard !held.isEmpty else { continue }
      let known = members.compactMap { graph.values[$0].quantization }.first
      var grid = known.map { Grid($0) }
      if grid == nil, held.contains(where: { Self.isSoftmax(uses.producer[$0], graph) }) {
        grid = Grid(covering: 0...Float(255.0 / 256))
      }
      if grid == nil {
        var range: ClosedRange<Float>?
        for value in held where !groups.isBeforeClamp[value] {
          let own = fixed[value] ?? distributions?[value].map { (overrides[value] ?? method).range(of: $0) }
          guard let own else { continue }
          range = range.map { min($0.lowerBound, own.lowerBound)...max($0.upperBound, own.upperBound) } ?? own
        }
        grid = range.map { Grid(covering: $0) }
      }
      guard let grid else {
        if let node = held.compactMap({ uses.producer[$0] }).first {
          missing.append("\(graph.nodes[node].origin.description): its result has no scale; quantize the model with pictures")
        } else {
          missing.append("input '\(printable(graph.values[held[0]].name))' has no scale; quantize the model with pictures")
        }
        continue
      }
      for value in held { grids[value] = grid }
    }
    guard missing.isEmpty else { throw ConversionError(.unsupported, lines: missing) }
  }

  private static func isSoftmax(_ node: Int?, _ graph: Graph) -> Bool {
    guard let node, case .softmax = graph.nodes[node].operation else { return false }
    return true
  }
}
