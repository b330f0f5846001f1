/// A model with float input and output that is int8 inside: the conversion moves to the edge, where `infer` and the
/// pixel table do it, and the arena holds int8 only.
enum EdgeConversion {
  static func strip(_ graph: inout Graph) {
    stripInputs(&graph)
    stripOutputs(&graph)
  }

  private static func stripInputs(_ graph: inout Graph) {
    // At most a few inputs: fresh uses for each, as node indices change.
    for index in graph.inputs.indices.prefix(64) where graph.inputs[index].type == .float32 {
      let value = graph.inputs[index].value
      let uses = GraphUses(graph)
      let readers = uses.readers[value]
      guard let first = readers.first, !uses.isOutput[value] else { continue }
      let quantized = graph.nodes[first].outputs[0]
      let quantization = graph.values[quantized].quantization
      let agree = readers.allSatisfy { reader in
        guard case .quantize = graph.nodes[reader].operation else { return false }
        return graph.values[graph.nodes[reader].outputs[0]].quantization == quantization
      }
      guard agree, let scale = quantization?.scales.first, let zeroPoint = quantization?.zeroPoints.first else {
        continue
      }
      for reader in readers { replace(graph.nodes[reader].outputs[0], by: quantized, in: &graph) }
      graph.inputs[index] = Boundary(value: quantized, type: .float32, scale: scale, zeroPoint: zeroPoint)
      let stripped = Set(readers)
      graph.nodes = graph.nodes.enumerated().filter { !stripped.contains($0.offset) }.map(\.element)
    }
  }

  private static func stripOutputs(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    for (index, boundary) in graph.outputs.enumerated() where boundary.type == .float32 {
      guard let producer = uses.producer[boundary.value], case .dequantize = graph.nodes[producer].operation,
        let input = graph.nodes[producer].inputs[0], let quantization = graph.values[input].quantization,
        let scale = quantization.scales.first, let zeroPoint = quantization.zeroPoints.first
      else { continue }
      graph.outputs[index] = Boundary(value: input, type: .float32, scale: scale, zeroPoint: zeroPoint)
    }
  }

  private static func replace(_ old: Int, by new: Int, in graph: inout Graph) {
    guard old != new else { return }
    for index in graph.nodes.indices {
      graph.nodes[index].inputs = graph.nodes[index].inputs.map { $0 == old ? new : $0 }
    }
    for index in graph.outputs.indices where graph.outputs[index].value == old { graph.outputs[index].value = new }
  }
}
