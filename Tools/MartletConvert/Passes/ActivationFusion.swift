/// A rectifier after an operator that clamps its output anyway, with the same scale and zero point on both sides, only
/// narrows the clamp: its rescale is the identity, bit for bit.
enum ActivationFusion {
  static func run(_ graph: inout Graph) {
    var uses = GraphUses(graph)
    var index = 0
    while index < graph.nodes.count {
      defer { index += 1 }
      let node = graph.nodes[index]
      guard case .unary(let function) = node.operation, let input = node.inputs[0], let producer = uses.producer[input],
        uses.readers[input].count == 1, !uses.isOutput[input], clamps(graph.nodes[producer].operation),
        let quantization = graph.values[input].quantization,
        quantization == graph.values[node.outputs[0]].quantization,
        let scale = quantization.scales.first, let zeroPoint = quantization.zeroPoints.first,
        let bounds = Tables.bounds(function, scale: scale, zeroPoint: zeroPoint),
        graph.nodes[producer].clamp.overlaps(bounds)
      else { continue }
      // Every such range holds the zero point, so the ranges meet.
      graph.nodes[producer].clamp = graph.nodes[producer].clamp.clamped(to: bounds)
      graph.nodes[producer].outputs[0] = node.outputs[0]
      graph.nodes.remove(at: index)
      index -= 1
      uses = GraphUses(graph)
    }
  }

  private static func clamps(_ operation: Operation) -> Bool {
    switch operation {
    case .convolution, .depthwise, .fullyConnected, .transposedConvolution, .averagePool, .maxPool, .mean, .add,
      .subtract, .multiply:
      true
    default: false
    }
  }
}
