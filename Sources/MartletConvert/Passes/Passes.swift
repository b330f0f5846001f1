/// Rewritings of the graph that change no bit of its results.
enum Passes {
  static func run(_ graph: inout Graph) throws(ConversionError) {
    EdgeConversion.strip(&graph)
    PadFusion.run(&graph)
    ActivationFusion.run(&graph)
    try WeightZeroPoints.run(&graph)
    removeDeadNodes(&graph)
  }

  /// Nodes whose results nobody reads.
  static func removeDeadNodes(_ graph: inout Graph) {
    var isNeeded = Array(repeating: false, count: graph.values.count)
    for output in graph.outputs { isNeeded[output.value] = true }
    var kept: [Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: { isNeeded[$0] }) {
      for case let input? in node.inputs { isNeeded[input] = true }
      kept.append(node)
    }
    graph.nodes = kept.reversed()
  }
}

/// Who computes and who reads each value.
struct GraphUses {
  private(set) var producer: [Int?]
  private(set) var readers: [[Int]]
  private(set) var isOutput: [Bool]

  init(_ graph: Graph) {
    producer = Array(repeating: nil, count: graph.values.count)
    readers = Array(repeating: [], count: graph.values.count)
    isOutput = Array(repeating: false, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for output in node.outputs { producer[output] = index }
      for case let input? in node.inputs { readers[input].append(index) }
    }
    for output in graph.outputs { isOutput[output.value] = true }
  }
}
