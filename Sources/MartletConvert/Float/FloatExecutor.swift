import Foundation

/// Runs a float graph: the reference that calibration and comparison measure against.
final class FloatExecutor: Sendable {
  let graph: Graph
  private let nodes: [FloatNode]
  /// Values that nobody needs after node i.
  private let lastUses: [[Int]]

  init(_ graph: Graph) throws(ConversionError) {
    var nodes: [FloatNode] = []
    for node in graph.nodes {
      do throws(ConversionError) {
        // Also before it runs: a node that moves elements holds where each of them comes from.
        for value in node.outputs where graph.values[value].count > ConversionLimits.floatElements {
          throw .unsupported(
            "its result has \(graph.values[value].count) elements, more than the \(ConversionLimits.floatElements) "
              + "that are computed in float")
        }
        nodes.append(try FloatNode(node, in: graph))
      } catch {
        throw ConversionError(error.kind, lines: error.lines.map { "\(node.origin.description): \($0)" })
      }
    }
    self.graph = graph
    self.nodes = nodes
    lastUses = Self.lastUses(graph, nodes)
  }

  static func lastUses(_ graph: Graph, _ nodes: [FloatNode]) -> [[Int]] {
    var last: [Int: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for value in node.operands + [node.result] { last[value] = index }
    }
    for output in graph.outputs { last[output.value] = nil }
    var result = [[Int]](repeating: [], count: nodes.count)
    for (value, index) in last { result[index].append(value) }
    return result
  }

  /// - Parameters:
  ///   - inputs: one for each of the graph's inputs, row-major.
  ///   - observe: is shown every computed value, inputs first.
  /// - Returns: the graph's outputs.
  func run(_ inputs: [[Float]], observe: (_ value: Int, _ elements: [Float]) -> Void = { _, _ in }) -> [[Float]] {
    var values: [Int: [Float]] = [:]
    for (boundary, elements) in zip(graph.inputs, inputs) {
      values[boundary.value] = elements
      observe(boundary.value, elements)
    }
    for (index, node) in nodes.enumerated() {
      let result = node(node.operands.map { values[$0]! })
      observe(node.result, result)
      values[node.result] = result
      for value in lastUses[index] { values[value] = nil }
    }
    return graph.outputs.map { values[$0.value] ?? graph.reals(of: $0.value) ?? [] }
  }
}

/// Runs `body` for 0..<count on all processors; results in order.
func inParallel<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
  let results = [Result?](unsafeUninitializedCapacity: count) { buffer, filled in
    nonisolated(unsafe) let start = buffer.baseAddress
    DispatchQueue.concurrentPerform(iterations: count) { index in
      (start! + index).initialize(to: body(index))
    }
    filled = count
  }
  return results.map { $0! }
}
