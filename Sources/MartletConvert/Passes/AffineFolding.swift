/// Factors and summands for each channel (batch normalization, scales, biases) go into the weights of the layer before.
/// Those that find no layer become a depthwise convolution of one tap: one operator, a scale for each channel.
enum AffineFolding {
  static func run(_ graph: inout Graph) {
    fold(&graph)
    standAlone(&graph)
    Passes.removeDeadNodes(&graph)
  }

  /// What a node does to each channel of its one computed input.
  private static func affine(_ node: Node, in graph: Graph) -> (input: Int, factors: [Float]?, summands: [Float]?)? {
    if case .unary(let function) = node.operation, let affine = function.scalar.affine, let input = node.inputs[0],
      let channels = graph.values[input].shape.last
    {
      return (
        input, Array(repeating: Float(affine.factor), count: channels),
        affine.summand == 0 ? nil : Array(repeating: Float(affine.summand), count: channels)
      )
    }
    guard let arithmetic = node.operation.traits.arithmetic, node.operation.activation == .none,
      node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1]
    else { return nil }
    let (input, constant) = graph.values[b].constant != nil ? (a, b) : (b, a)
    guard graph.values[input].constant == nil, let reals = graph.reals(of: constant),
      let channels = graph.values[input].shape.last, reals.count == channels || reals.count == 1,
      graph.values[constant].shape.last == reals.count, graph.values[node.outputs[0]].shape == graph.values[input].shape
    else { return nil }
    let values = reals.count == channels ? reals : Array(repeating: reals[0], count: channels)
    return switch arithmetic {
    case .add: (input, nil, values)
    case .multiply: (input, values, nil)
    case .subtract: input == a ? (input, nil, values.map { -$0 }) : nil
    }
  }

  private static func fold(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    var producer = uses.producer
    var isFolded = Array(repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      guard let found = affine(node, in: graph), uses.readers[found.input].count == 1, !uses.isOutput[found.input],
        graph.values[found.input].quantization == nil, let first = producer[found.input],
        graph.nodes[first].operation.hasWeights, graph.nodes[first].operation.activation == .none,
        let weights = graph.nodes[first].inputs[1], graph.values[weights].quantization == nil,
        let reals = graph.reals(of: weights)
      else { continue }
      let shape = graph.values[weights].shape
      let channels = graph.values[found.input].shape.last ?? 1
      let layout = graph.nodes[first].operation.weightLayout(shape)
      guard layout.channels == channels else { continue }
      let inner = layout.inner
      if let factors = found.factors {
        let scaled = reals.enumerated().map { $1 * factors[$0 / inner % channels] }
        graph.nodes[first].inputs[1] = graph.makeReals(scaled, shape: shape, name: graph.values[weights].name)
      }
      var bias = (try? graph.nodes[first].bias(in: graph, channels: channels)) ?? []
      guard bias.count == channels else { continue }
      for channel in bias.indices {
        bias[channel] = bias[channel] * (found.factors?[channel] ?? 1) + (found.summands?[channel] ?? 0)
      }
      let value = graph.makeReals(bias, shape: [channels], name: "bias")
      graph.nodes[first].inputs = Array(graph.nodes[first].inputs.prefix(2)) + [value]
      graph.nodes[first].outputs[0] = node.outputs[0]
      producer[node.outputs[0]] = first
      isFolded[index] = true
    }
    graph.nodes = graph.nodes.enumerated().filter { !isFolded[$0.offset] }.map(\.element)
  }

  private static func standAlone(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      // One number for all channels stays a table, or a plain operand.
      if case .unary = node.operation { continue }
      guard let found = affine(node, in: graph), graph.values[found.input].shape.count == 4 else { continue }
      let channels = graph.values[found.input].shape[3]
      var (input, factors) = (found.input, found.factors ?? Array(repeating: 1, count: channels))
      var summands = found.summands ?? Array(repeating: 0, count: channels)
      if let before = uses.producer[input], uses.readers[input].count == 1, !uses.isOutput[input],
        graph.values[input].quantization == nil, case .depthwise = graph.nodes[before].operation,
        let weights = graph.nodes[before].inputs[1], graph.values[weights].shape == [1, 1, 1, channels],
        graph.values[weights].name == "factor", let inner = graph.reals(of: weights),
        let bias = try? graph.nodes[before].bias(in: graph, channels: channels),
        let source = graph.nodes[before].inputs[0]
      {
        // A summand after a factor.
        for channel in 0..<channels {
          summands[channel] += bias[channel] * factors[channel]
          factors[channel] *= inner[channel]
        }
        input = source
      }
      let weights = graph.makeReals(factors, shape: [1, 1, 1, channels], name: "factor")
      let bias = graph.makeReals(summands, shape: [channels], name: "summand")
      graph.nodes[index].operation = .depthwise(WindowMotion(stride: Size(1, 1)), multiplier: 1, .none)
      graph.nodes[index].inputs = [input, weights, bias]
    }
  }
}
