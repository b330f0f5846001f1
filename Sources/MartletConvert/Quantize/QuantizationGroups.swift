/// Which values must have the same scale and zero point: those on both sides of an operator that only moves elements,
/// or takes the largest or the mean of some; and of a clamp, which the operator before it then becomes.
struct QuantizationGroups {
  private var parent: [Int]
  /// Values that exist only before a clamp: their own range does not count.
  private(set) var isBeforeClamp: [Bool]

  /// Values that the model quantizes otherwise on the two sides of such an operator get a node that changes it.
  init(_ graph: inout Graph) {
    parent = Array(graph.values.indices)
    isBeforeClamp = Array(repeating: false, count: graph.values.count)
    var nodes: [Node] = []
    let uses = GraphUses(graph)
    for var node in graph.nodes {
      let result = node.outputs[0]
      guard let input = node.inputs.first ?? nil else {
        nodes.append(node)
        continue
      }
      if case .concatenation = node.operation {
        // Inputs with a quantization of their own are brought to the result's by the lowering; a softmax has one.
        for case let input? in node.inputs where graph.values[input].constant == nil {
          if let producer = uses.producer[input], case .softmax = graph.nodes[producer].operation { continue }
          _ = join(input, result, graph)
        }
      } else if node.operation.keepsQuantization {
        if !join(input, result, graph) {
          let value = makeValue(like: result, quantization: nil, &graph)
          _ = join(input, value, graph)
          node.outputs[0] = value
          nodes.append(node)
          node = Node(operation: .unary(.scalar(.identity)), inputs: [value], outputs: [result], origin: node.origin)
        }
      } else if case .softmax = node.operation, let known = graph.values[result].quantization,
        known != Quantization(.softmax)
      {
        let value = makeValue(like: result, quantization: Quantization(.softmax), &graph)
        node.outputs[0] = value
        nodes.append(node)
        node = Node(operation: .unary(.scalar(.identity)), inputs: [value], outputs: [result], origin: node.origin)
      } else if case .unary(let function) = node.operation, function.scalar.clampBounds != nil,
        let producer = uses.producer[input], uses.readers[input].count == 1, !uses.isOutput[input],
        graph.nodes[producer].operation.clamps, join(input, result, graph)
      {
        isBeforeClamp[input] = true
      }
      nodes.append(node)
    }
    graph.nodes = nodes
    joinClamps(uses, graph)
  }

  /// What only a clamp reads, and the model quantizes after the clamp only, needs no more than the range there: what
  /// that cuts off, the clamp does too.
  private mutating func joinClamps(_ uses: GraphUses, _ graph: Graph) {
    // A softmax has a quantization of its own.
    let fixed = graph.nodes.compactMap { node -> Int? in
      if case .softmax = node.operation { node.outputs[0] } else { nil }
    }
    for node in graph.nodes {
      guard case .unary(let function) = node.operation, function.scalar.clampBounds != nil, let input = node.inputs[0],
        !fixed.contains(where: { root(of: $0) == root(of: input) }), input < uses.readers.count,
        uses.readers[input].count == 1, !uses.isOutput[input],
        graph.values[input].constant == nil, quantization(of: root(of: input), graph) == nil,
        quantization(of: root(of: node.outputs[0]), graph) != nil
      else { continue }
      _ = join(input, node.outputs[0], graph)
    }
  }

  private mutating func makeValue(like other: Int, quantization: Quantization?, _ graph: inout Graph) -> Int {
    var value = graph.values[other]
    value.quantization = quantization
    graph.values.append(value)
    parent.append(graph.values.count - 1)
    isBeforeClamp.append(false)
    return graph.values.count - 1
  }

  func root(of value: Int) -> Int {
    var value = value
    while parent[value] != value { value = parent[value] }
    return value
  }

  /// False if the two are quantized in different ways by the model.
  private mutating func join(_ a: Int, _ b: Int, _ graph: Graph) -> Bool {
    let (first, second) = (root(of: a), root(of: b))
    if first == second { return true }
    let known = [quantization(of: first, graph), quantization(of: second, graph)]
    if let x = known[0], let y = known[1], x != y { return false }
    // The one that is known stays the root, so that it is found.
    if known[1] != nil { parent[first] = second } else { parent[second] = first }
    return true
  }

  /// What the model says of a group.
  private func quantization(of root: Int, _ graph: Graph) -> Quantization? {
    parent.indices.lazy.filter { self.root(of: $0) == root }.compactMap { graph.values[$0].quantization }.first
  }

  /// All groups by their root, as lists of values.
  func members(_ graph: Graph) -> [Int: [Int]] { Dictionary(grouping: graph.values.indices, by: root(of:)) }
}
