/// A pad whose value is the zero point, in front of a convolution, is the convolution's own padding.
/// (Never in front of a pool, which leaves its padding out of the average and the maximum.)
enum PadFusion {
  static func run(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    for index in graph.nodes.indices {
      guard let input = graph.nodes[index].inputs.first ?? nil, let producer = uses.producer[input],
        case .pad(let before, let after, let value) = graph.nodes[producer].operation,
        before.count == 4, before[0] == 0, after[0] == 0, before[3] == 0, after[3] == 0,
        let source = graph.nodes[producer].inputs[0], isZeroPoint(value, of: graph.values[source])
      else { continue }
      let added = Size(before[1], before[2])
      switch graph.nodes[index].operation {
      case .convolution(let motion, let groups, let activation):
        guard let moved = padded(motion, by: added) else { continue }
        graph.nodes[index].operation = .convolution(moved, groups: groups, activation)
      case .depthwise(let motion, let multiplier, let activation):
        guard let moved = padded(motion, by: added) else { continue }
        graph.nodes[index].operation = .depthwise(moved, multiplier: multiplier, activation)
      default: continue
      }
      graph.nodes[index].inputs[0] = source
    }
  }

  private static func isZeroPoint(_ value: PadValue, of source: Value) -> Bool {
    value == .zero || source.quantization?.zeroPoints.first.map { value == .quantized($0) } ?? (value == .real(0))
  }

  /// nil if the sum is more than a kernel takes.
  private static func padded(_ motion: WindowMotion, by added: Size) -> WindowMotion? {
    var motion = motion
    motion.padding = Size(motion.padding.height + added.height, motion.padding.width + added.width)
    return motion.padding.height <= 4096 && motion.padding.width <= 4096 ? motion : nil
  }
}
