/// Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
/// 2019): between two layers with nothing but a rectifier between them, each channel is scaled so that the weights of both
/// have the same range. The result in real numbers is the same.
enum Equalization {
  private static let suffix = " (equalized)"

  static func run(_ graph: inout Graph) {
    for _ in 0..<3 {
      let uses = GraphUses(graph)
      for second in graph.nodes.indices {
        guard let pair = pair(second, graph, uses) else { continue }
        equalize(pair.first, second, &graph)
      }
    }
  }

  /// The layer before `second`, if scaling channels between the two changes nothing.
  private static func pair(_ second: Int, _ graph: Graph, _ uses: GraphUses) -> (first: Int, Void)? {
    guard graph.nodes[second].operation.hasWeights, var input = graph.nodes[second].inputs[0] else { return nil }
    func single(_ value: Int) -> Bool {
      uses.readers[value].count == 1 && !uses.isOutput[value] && graph.values[value].quantization == nil
    }
    guard single(input), var producer = uses.producer[input] else { return nil }
    if case .unary(let function) = graph.nodes[producer].operation {
      // Only a plain rectifier passes a positive factor through; a clamp at 6 does not.
      guard function.scalar.clampBounds == 0 ... .infinity, let before = graph.nodes[producer].inputs[0], single(before),
        let next = uses.producer[before]
      else { return nil }
      (input, producer) = (before, next)
    }
    switch (graph.nodes[producer].operation, graph.nodes[second].operation) {
    case (.convolution(_, 1, .none), .convolution(_, 1, _)), (.convolution(_, 1, .none), .depthwise(_, 1, _)),
      (.depthwise(_, _, .none), .convolution(_, 1, _)), (.fullyConnected(.none), .fullyConnected):
      return (producer, ())
    default: return nil
    }
  }

  private static func equalize(_ first: Int, _ second: Int, _ graph: inout Graph) {
    guard let a = graph.nodes[first].inputs[1], let b = graph.nodes[second].inputs[1], var wa = graph.reals(of: a),
      var wb = graph.reals(of: b), graph.values[a].quantization == nil, graph.values[b].quantization == nil
    else { return }
    let channels = graph.values[graph.nodes[first].outputs[0]].shape.last ?? 1
    var isDepthwise = (false, false)
    if case .depthwise = graph.nodes[first].operation { isDepthwise.0 = true }
    if case .depthwise = graph.nodes[second].operation { isDepthwise.1 = true }
    let innerA = isDepthwise.0 ? 1 : wa.count / channels
    var (rangeA, rangeB) = (Array(repeating: Float(0), count: channels), Array(repeating: Float(0), count: channels))
    for (index, w) in wa.enumerated() { rangeA[index / innerA % channels] = max(rangeA[index / innerA % channels], abs(w)) }
    for (index, w) in wb.enumerated() { rangeB[index % channels] = max(rangeB[index % channels], abs(w)) }
    var bias = (try? graph.nodes[first].bias(in: graph, channels: channels)) ?? []
    guard bias.count == channels else { return }
    let factors = (0..<channels).map { channel -> Float in
      guard rangeA[channel] > 1e-12, rangeB[channel] > 1e-12 else { return 1 }
      return min(max((rangeB[channel] / rangeA[channel]).squareRoot(), 1e-3), 1e3)
    }
    for index in wa.indices { wa[index] *= factors[index / innerA % channels] }
    for index in wb.indices { wb[index] /= factors[index % channels] }
    for channel in 0..<channels { bias[channel] *= factors[channel] }
    let value = graph.makeReals(bias, shape: [channels], name: "bias")
    graph.nodes[first].inputs = [
      graph.nodes[first].inputs[0], graph.makeReals(wa, shape: graph.values[a].shape, name: graph.values[a].name), value,
    ]
    // Its channels are no longer those of the source: nothing to compare it with.
    let between = graph.nodes[first].outputs[0]
    if !graph.values[between].name.hasSuffix(suffix) { graph.values[between].name += suffix }
    if let input = graph.nodes[second].inputs[0], !graph.values[input].name.hasSuffix(suffix) {
      graph.values[input].name += suffix
    }
    graph.nodes[second].inputs[1] = graph.makeReals(wb, shape: graph.values[b].shape, name: graph.values[b].name)
  }
}
