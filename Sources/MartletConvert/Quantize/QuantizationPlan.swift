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
      guard open.contains(root), let range = inferred(node, graph, ranges) else { continue }
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

  /// What a node can give, from the ranges of its operands: what their quantization covers, or what was inferred.
  private func inferred(_ node: Node, _ graph: Graph, _ known: [Int: ClosedRange<Float>]) -> ClosedRange<Float>? {
    var ranges: [ClosedRange<Float>] = []
    for case let input? in node.inputs {
      if let reals = graph.reals(of: input), let low = reals.min(), let high = reals.max() {
        ranges.append(low...high)
      } else if let range = quantizations[input]?.range ?? known[input] {
        ranges.append(range)
      } else {
        return nil
      }
    }
    let traits = node.operation.traits
    if case .unary(let function) = node.operation {
      let (low, high) = (Double(ranges[0].lowerBound), Double(ranges[0].upperBound))
      let values = (0...255).map { Float(function.scalar(low + (high - low) * Double($0) / 255)) }.filter(\.isFinite)
      return Self.hull(values.map { $0...$0 })
    }
    switch traits.arithmetic {
    case .add: return ranges[0].lowerBound + ranges[1].lowerBound...ranges[0].upperBound + ranges[1].upperBound
    case .subtract: return ranges[0].lowerBound - ranges[1].upperBound...ranges[0].upperBound - ranges[1].lowerBound
    case .multiply:
      let corners = [ranges[0].lowerBound, ranges[0].upperBound].flatMap {
        [$0 * ranges[1].lowerBound, $0 * ranges[1].upperBound]
      }
      return Self.hull(corners.map { $0...$0 })
    case nil: return traits.staysInRange ? Self.hull(ranges) : nil
    }
  }
}
