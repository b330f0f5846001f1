/// A rectifier after an operator that clamps its output anyway, with the same scale and zero point on both sides, only
/// narrows the clamp: its rescale is the identity, bit for bit.
enum ActivationFusion {
  static func run(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    var producer = uses.producer
    var isFused = Array(repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      guard case .unary(let function) = node.operation, let input = node.inputs[0], let first = producer[input],
        uses.readers[input].count == 1, !uses.isOutput[input], graph.nodes[first].operation.clamps,
        let quantization = graph.values[input].quantization,
        quantization == graph.values[node.outputs[0]].quantization,
        let scale = quantization.scales.first, let zeroPoint = quantization.zeroPoints.first,
        let bounds = Tables.bounds(function, scale: scale, zeroPoint: zeroPoint),
        graph.nodes[first].clamp.overlaps(bounds)
      else { continue }
      // Every such range holds the zero point, so the ranges meet.
      graph.nodes[first].clamp = graph.nodes[first].clamp.clamped(to: bounds)
      graph.nodes[first].outputs[0] = node.outputs[0]
      producer[node.outputs[0]] = first
      isFused[index] = true
    }
    graph.nodes = graph.nodes.enumerated().filter { !isFused[$0.offset] }.map(\.element)
  }
}
