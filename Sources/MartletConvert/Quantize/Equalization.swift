/// Factors for each channel between two layers that have nothing but a rectifier between them: the first layer's
/// channel times s, the second's weights for it divided by s. The result in real numbers is the same, the int8 ranges
/// are used better.
public enum Equalization: String, Sendable, CaseIterable {
  case none
  /// So that the weights of both layers have the same range (Nagel et al., "Data-Free Quantization Through Weight
  /// Equalization and Bias Correction", 2019).
  case weights
  /// So that every channel of the tensor between the two fills the tensor's one range: a scale for each channel, kept
  /// in the weights. A clamp between the layers then cuts a channel off a little beyond the largest value that was seen
  /// of it, which is what a range does: with few pictures that cuts off too much.
  case activations

  /// What the name of a tensor ends in whose channels are not the source's any more.
  static let suffix = " (equalized)"

  /// Channels may exceed what was seen by this factor.
  private static let margin: Float = 1.15
  /// Factors stay below this.
  private static let largestFactor: Float = 256

  func run(_ graph: inout Graph, _ samples: some SampleSource) throws(ConversionError) {
    switch self {
    case .none: return
    case .weights:
      for _ in 0..<3 {
        for pair in Self.pairs(graph) where pair.upperBound == .infinity {
          Self.scale(pair, by: Self.weightFactors(pair, graph), &graph)
        }
      }
    case .activations:
      let pairs = Self.pairs(graph)
      let largest = try Self.largestValues(Set(pairs.map(\.between)), graph, samples)
      for pair in pairs { Self.scale(pair, by: Self.activationFactors(pair, largest[pair.between] ?? []), &graph) }
    }
  }

  /// Two layers, and the value between them that the second reads.
  private struct Pair {
    var first: Int
    var second: Int
    var between: Int
    var upperBound: Float
    var isDepthwise: Bool
  }

  private static func pairs(_ graph: Graph) -> [Pair] {
    let uses = GraphUses(graph)
    func single(_ value: Int) -> Bool {
      uses.readers[value].count == 1 && !uses.isOutput[value] && graph.values[value].quantization == nil
    }
    return graph.nodes.indices.compactMap { second -> Pair? in
      guard let after = graph.nodes[second].operation.layer, let input = graph.nodes[second].inputs[0], single(input),
        var producer = uses.producer[input]
      else { return nil }
      var bound = Float.infinity
      if case .unary(let function) = graph.nodes[producer].operation {
        guard let bounds = function.scalar.clampBounds, bounds.lowerBound == 0, bounds.upperBound > 0,
          let before = graph.nodes[producer].inputs[0], single(before), let next = uses.producer[before]
        else { return nil }
        bound = bounds.upperBound
        producer = next
      }
      let isDepthwise: Bool
      switch after {
      case .depthwise(_, 1): isDepthwise = true
      case .convolution(_, 1), .fullyConnected: isDepthwise = false
      case .depthwise, .convolution, .transposedConvolution: return nil
      }
      guard let layer = graph.nodes[producer].operation.layer, graph.nodes[producer].operation.activation == .none
      else { return nil }
      switch layer {
      case .convolution(_, 1), .depthwise, .fullyConnected:
        return Pair(first: producer, second: second, between: input, upperBound: bound, isDepthwise: isDepthwise)
      case .convolution, .transposedConvolution: return nil
      }
    }
  }

  // MARK: - Factors

  private static func weightFactors(_ pair: Pair, _ graph: Graph) -> [Float] {
    let first = graph.weightRanges(graph.nodes[pair.first])
    guard let index = graph.nodes[pair.second].inputs[1], let reals = graph.reals(of: index) else { return [] }
    var second = Array(repeating: Float(0), count: first.count)
    for (place, w) in reals.enumerated() { second[place % first.count] = max(second[place % first.count], abs(w)) }
    return zip(first, second).map { a, b in
      a > 1e-12 && b > 1e-12 ? min(max((b / a).squareRoot(), 1e-3), 1e3) : 1
    }
  }

  private static func activationFactors(_ pair: Pair, _ largest: [Float]) -> [Float] {
    guard let top = largest.max(), top > 0 else { return [] }
    let range = pair.upperBound.isFinite ? pair.upperBound : top * margin
    return largest.map { value in
      guard value > 1e-6 else { return 1 }
      let factor = min(max(range / (value * margin), 1), largestFactor)
      // Weights of a layer that mixes channels share one scale: half way, so that they do not suffer in turn.
      return pair.isDepthwise ? factor : factor.squareRoot()
    }
  }

  /// The largest magnitude of each channel over all samples.
  private static func largestValues(_ values: Set<Int>, _ graph: Graph, _ samples: some SampleSource)
    throws(ConversionError) -> [Int: [Float]]
  {
    let executor = try FloatExecutor(graph)
    typealias Found = Result<[Int: [Float]], ConversionError>
    let results = inParallel(samples.count) { index -> Found in
      do throws(ConversionError) {
        var found: [Int: [Float]] = [:]
        _ = executor.run([try samples.sample(index)]) { value, elements in
          guard values.contains(value) else { return }
          let channels = graph.values[value].shape.last ?? 1
          var largest = Array(repeating: Float(0), count: channels)
          var channel = 0
          for element in elements {
            largest[channel] = max(largest[channel], abs(element))
            channel = channel + 1 == channels ? 0 : channel + 1
          }
          found[value] = largest
        }
        return .success(found)
      } catch {
        return .failure(error)
      }
    }
    var total: [Int: [Float]] = [:]
    for result in results { total.merge(try result.get()) { zip($0, $1).map { max($0, $1) } } }
    return total
  }

  // MARK: - Scaling

  private static func scale(_ pair: Pair, by factors: [Float], _ graph: inout Graph) {
    let (first, second) = (pair.first, pair.second)
    let output = graph.nodes[first].outputs[0]
    guard factors.count == graph.values[output].shape.last, factors.contains(where: { $0 != 1 }),
      let a = graph.nodes[first].inputs[1], let b = graph.nodes[second].inputs[1], var wa = graph.reals(of: a),
      var wb = graph.reals(of: b), graph.values[a].quantization == nil, graph.values[b].quantization == nil,
      var bias = try? graph.nodes[first].bias(in: graph, channels: factors.count)
    else { return }
    let channels = factors.count
    let inner = graph.nodes[first].operation.weightLayout(graph.values[a].shape).inner
    for index in wa.indices { wa[index] *= factors[index / inner % channels] }
    for index in wb.indices { wb[index] /= factors[index % channels] }
    for channel in 0..<channels { bias[channel] *= factors[channel] }
    graph.nodes[first].inputs = [
      graph.nodes[first].inputs[0], graph.makeReals(wa, shape: graph.values[a].shape, name: graph.values[a].name),
      graph.makeReals(bias, shape: [channels], name: "bias"),
    ]
    graph.nodes[second].inputs[1] = graph.makeReals(wb, shape: graph.values[b].shape, name: graph.values[b].name)
    for value in [output, pair.between] where !graph.values[value].name.hasSuffix(suffix) {
      graph.values[value].name += suffix
    }
  }
}
