/// A pad whose value is the zero point, in front of a convolution, is the convolution's own padding.
/// (Never in front of a pool, which leaves its padding out of the average and the maximum.)
enum PadFusion {
  static func run(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    for index in graph.nodes.indices {
      let operation = graph.nodes[index].operation
      guard let layer = operation.layer, let input = graph.nodes[index].inputs[0], let producer = uses.producer[input],
        case .pad(let before, let after, let value) = graph.nodes[producer].operation,
        before.count == 4, before[0] == 0, after[0] == 0, before[3] == 0, after[3] == 0,
        let source = graph.nodes[producer].inputs[0], isZeroPoint(value, of: graph.values[source])
      else { continue }
      guard let padded = padded(layer, by: Size(before[1], before[2])) else { continue }
      graph.nodes[index].operation = Operation(padded, operation.activation)
      graph.nodes[index].inputs[0] = source
    }
  }

  private static func isZeroPoint(_ value: PadValue, of source: Value) -> Bool {
    value == .zero || source.quantization?.zeroPoints.first.map { value == .quantized($0) } ?? (value == .real(0))
  }

  /// nil if it has no padding of its own, or the sum is more than a kernel takes.
  private static func padded(_ layer: Operation.Layer, by added: Size) -> Operation.Layer? {
    switch layer {
    case .convolution(let motion, let groups): padded(motion, by: added).map { .convolution($0, groups: groups) }
    case .depthwise(let motion, let multiplier):
      padded(motion, by: added).map { .depthwise($0, multiplier: multiplier) }
    // A transposed convolution's padding is cut off.
    case .fullyConnected, .transposedConvolution: nil
    }
  }

  private static func padded(_ motion: WindowMotion, by added: Size) -> WindowMotion? {
    var motion = motion
    motion.padding = Size(motion.padding.height + added.height, motion.padding.width + added.width)
    return motion.padding.height <= 4096 && motion.padding.width <= 4096 ? motion : nil
  }
}
