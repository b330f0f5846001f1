/// Scale and zero point of every computed value of a float graph.
struct QuantizationPlan {
  private(set) var quantizations: [Int: TensorQuantization] = [:]

  /// - Parameters:
  ///   - distributions: what calibration saw; without it the model must say all itself, or nearly all: the range of a
  ///     sum, a product or a function follows from those of its operands.
  ///   - fixed: ranges that are known, by value.
  ///   - overrides: values that have another method.
  init(
    _ graph: inout Graph, distributions: [Int: Distribution] = [:], method: RangeMethod = .minMax,
    fixed: [Int: ClosedRange<Float>] = [:], overrides: [Int: RangeMethod] = [:]
  ) throws(ConversionError) {
    let groups = QuantizationGroups(&graph)
    let uses = GraphUses(graph)
    let inputs = Set(graph.inputs.map(\.value))
    // Indices and constants have none.
    let held = groups.members(graph).mapValues { members in
      members.filter {
        graph.values[$0].type == .float32 && graph.values[$0].constant == nil
          && (uses.producer[$0] != nil || inputs.contains($0))
      }
    }
    var open: [Int] = []
    for (root, members) in held.sorted(by: { $0.key < $1.key }) where !members.isEmpty {
      var quantization = members.compactMap { graph.values[$0].quantization }.first.map { TensorQuantization($0) }
      if quantization == nil, members.contains(where: { Self.isSoftmax(uses.producer[$0], graph) }) {
        quantization = .softmax
      }
      if quantization == nil {
        let ranges = members.filter { !groups.isBeforeClamp[$0] }.compactMap { value in
          fixed[value] ?? distributions[value].map { (overrides[value] ?? method).range(of: $0) }
        }
        quantization = Self.hull(ranges).map { TensorQuantization(covering: $0) }
      }
      if let quantization { for value in members { quantizations[value] = quantization } } else { open.append(root) }
    }
    // In the order in which the model computes.
    var ranges: [Int: ClosedRange<Float>] = [:]
    for node in graph.nodes where !open.isEmpty {
      let (value, root) = (node.outputs[0], groups.root(of: node.outputs[0]))
      guard open.contains(root), let range = try inferred(node, graph, ranges) else { continue }
      ranges[value] = range
      if groups.isBeforeClamp[value] { continue }
      for value in held[root] ?? [] { quantizations[value] = TensorQuantization(covering: range) }
      open.removeAll { $0 == root }
    }
    let missing = open.compactMap { root -> String? in
      guard let value = held[root]?.first else { return nil }
      let what =
        uses.producer[value].map { "\(graph.nodes[$0].origin.description): its result" }
        ?? "input '\(printable(graph.values[value].name))'"
      return "\(what) has no scale; quantize the model with pictures: martlet-tools quantize"
    }
    guard missing.isEmpty else { throw ConversionError(.unsupported, lines: missing) }
  }

  private static func hull(_ ranges: [ClosedRange<Float>]) -> ClosedRange<Float>? {
    guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max() else { return nil }
    return low...high
  }

  private static func isSoftmax(_ node: Int?, _ graph: Graph) -> Bool {
    guard let node, case .softmax = graph.nodes[node].operation else { return false }
    return true
  }

  /// What a node can give, from the ranges of its operands: what their quantization covers, or what was inferred. Nil
  /// where it does not follow from them.
  private func inferred(_ node: Node, _ graph: Graph, _ known: [Int: ClosedRange<Float>]) throws(ConversionError)
    -> ClosedRange<Float>?
  {
    guard !node.operation.hasWeights else { return nil }
    var ranges: [ClosedRange<Float>] = []
    for case let input? in node.inputs {
      if let reals = try Self.constant(input, of: node, graph), let low = reals.min(), let high = reals.max() {
        ranges.append(low...high)
      } else if let range = quantizations[input]?.range ?? known[input] {
        ranges.append(range)
      } else {
        return nil
      }
    }
    let ends = Self.ends(node.operation, ranges)
    guard ends.allSatisfy(\.isFinite) else {
      throw .unsupported(
        "\(node.origin.description): its result has no finite range, as that of an operand is too large")
    }
    return Self.hull(ends.map { $0...$0 })
  }

  private static func constant(_ index: Int, of node: Node, _ graph: Graph) throws(ConversionError) -> [Float]? {
    do throws(ConversionError) {
      return try graph.numbers(of: index)
    } catch {
      throw ConversionError(error.kind, lines: error.lines.map { "\(node.origin.description): \($0)" })
    }
  }

  /// Numbers that a result lies between; none where they do not follow from the operands' ranges.
  private static func ends(_ operation: Operation, _ ranges: [ClosedRange<Float>]) -> [Float] {
    let (lows, highs) = (ranges.map(\.lowerBound), ranges.map(\.upperBound))
    if case .unary(let function) = operation {
      let (low, high) = (Double(lows[0]), Double(highs[0]))
      return (0...255).map { Float(function.scalar(low + (high - low) * Double($0) / 255)) }.filter(\.isFinite)
    }
    if case .extremum(let minimum) = operation {
      return [lows, highs].map { minimum ? min($0[0], $0[1]) : max($0[0], $0[1]) }
    }
    let traits = operation.traits
    switch traits.arithmetic {
    case .add: return [lows[0] + lows[1], highs[0] + highs[1]]
    case .subtract: return [lows[0] - highs[1], highs[0] - lows[1]]
    case .multiply: return [lows[0], highs[0]].flatMap { [$0 * lows[1], $0 * highs[1]] }
    case nil: return traits.staysInRange ? lows + highs : []
    }
  }
}
