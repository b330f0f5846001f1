/// What an importer may compute from constants only, so that a small file cannot ask for much work or memory.
struct FoldingBudget {
  private var nodes: Int
  private var bytes = ConversionLimits.foldedBytes
  private var work = ConversionLimits.foldedWork

  init(nodes: Int) { self.nodes = nodes }

  /// Whether so much more may be computed: the bytes that it makes, and the elements that it reads and writes (or the
  /// products that it adds).
  mutating func take(nodes count: Int = 0, bytes made: Int, work done: Int) -> Bool {
    guard count <= nodes, made <= bytes, done <= work else { return false }
    (nodes, bytes, work) = (nodes - count, bytes - made, work - done)
    return true
  }

  mutating func take(_ node: Node, in graph: Graph) -> Bool {
    take(nodes: 1, bytes: graph.values[node.outputs[0]].byteCount, work: graph.work(of: node))
  }
}

extension Graph {
  /// Elements that a node reads and writes; of a layer or a window its products.
  fileprivate func work(of node: Node) -> Int {
    let read = node.inputs.reduce(0) { $0 + ($1.map { values[$0].count } ?? 0) }
    let written = node.outputs.reduce(0) { $0 + values[$1].count }
    let traits = node.operation.traits
    if traits.layer != nil, let weights = node.inputs[1].map({ values[$0] }) {
      return read + written * (weights.count / max(1, node.operation.weightLayout(weights.shape).channels))
    }
    return read + written * (traits.pool.map { $0.window.height * $0.window.width } ?? 1)
  }
}

extension Value {
  fileprivate var byteCount: Int {
    switch type {
    case .int8, .uint8: count
    case .int64: 8 * count
    case .float32, .int32, .other: 4 * count
    }
  }
}
