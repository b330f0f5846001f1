import Foundation

/// Walks through the graph once, node by node, with a few samples side by side: in real numbers, and as the device will
/// compute it. So each layer is corrected against what the layers before it really give, and its error is known.
struct LayerSweep {
  struct Options {
    var correctsBias: Bool
    var refines: Bool
  }

  /// What was found of one node.
  struct LayerError: Sendable {
    var node: Int
    var value: Int
    var statistics: ErrorStatistics
  }

  private(set) var weights: [Int: QuantizedWeights] = [:]
  private(set) var errors: [LayerError] = []
  /// The graph's outputs of each sample, as the device would give them.
  private(set) var outputs: [[[Float]]] = []

  /// What a clamp leaves of the value before it.
  private var clamps: [Int: ClosedRange<Float>] = [:]

  private struct Sample: Sendable {
    var real: [Int: [Float]] = [:]
    var quantized: [Int: [Int8]] = [:]
  }

  init(
    _ graph: Graph, quantizations: [Int: TensorQuantization], source: some SampleSource, indices: [Int],
    options: Options,
    weights given: [Int: QuantizedWeights] = [:], progress: (Int) -> Void = { _ in }
  ) throws(ConversionError) {
    weights = given
    var nodes: [FloatNode] = []
    for node in graph.nodes { nodes.append(try FloatNode(node, in: graph)) }
    let uses = GraphUses(graph)
    for node in graph.nodes {
      guard case .unary(let function) = node.operation, let bounds = function.scalar.clampBounds,
        let input = node.inputs[0], uses.producer[input] != nil, uses.readers[input].count == 1, !uses.isOutput[input],
        quantizations[input] == quantizations[node.outputs[0]]
      else { continue }
      clamps[input] = bounds
    }
    let lastUses = FloatExecutor.lastUses(graph, nodes)
    var samples: [Sample] = []
    for index in indices {
      var sample = Sample()
      let value = graph.inputs[0].value
      let reals = try source.sample(index)
      sample.real[value] = reals
      sample.quantized[value] = quantizations[value].map { quantization in reals.map { quantization.quantize($0) } }
      samples.append(sample)
    }
    for (index, node) in graph.nodes.enumerated() {
      try step(index, node, nodes[index], graph, quantizations, options, &samples)
      for value in lastUses[index] {
        for sample in samples.indices {
          samples[sample].real[value] = nil
          samples[sample].quantized[value] = nil
        }
      }
      progress(index + 1)
    }
    outputs = samples.map { sample in
      graph.outputs.map { output in
        guard let quantization = quantizations[output.value] else { return sample.real[output.value] ?? [] }
        return (sample.quantized[output.value] ?? []).map { quantization.real($0) }
      }
    }
  }

  private mutating func step(
    _ index: Int, _ node: Node, _ float: FloatNode, _ graph: Graph, _ quantizations: [Int: TensorQuantization],
    _ options: Options,
    _ samples: inout [Sample]
  ) throws(ConversionError) {
    let result = float.result
    if let input = node.inputs[0], clamps[input] != nil, let before = errors.last(where: { $0.value == input }) {
      // Its only reader is this clamp, and it was stored clamped: the very same numbers.
      for sample in samples.indices {
        samples[sample].real[result] = samples[sample].real[input]
        samples[sample].quantized[result] = samples[sample].quantized[input]
      }
      errors.append(LayerError(node: index, value: result, statistics: before.statistics))
      return
    }
    let clamp = clamps[result] ?? -.infinity ... .infinity
    let held = samples
    let reals = inParallel(samples.count) { sample in float(float.operands.map { held[sample].real[$0] ?? [] }) }
    guard let quantization = quantizations[result] else {
      for sample in samples.indices { samples[sample].real[result] = reals[sample] }
      return
    }
    let inputs: @Sendable (Int) -> [[Float]] = { sample in
      float.operands.map { value in
        guard let quantization = quantizations[value], let integers = held[sample].quantized[value] else {
          return held[sample].real[value] ?? []
        }
        return integers.map { quantization.real($0) }
      }
    }
    var simulated = float
    if node.operation.hasWeights, let input = node.inputs[0], let inputQuantization = quantizations[input] {
      var layer: QuantizedWeights
      if let known = weights[index] {
        layer = known
      } else {
        layer = try QuantizedWeights(node, in: graph, inputScale: inputQuantization.scale)
      }
      if options.refines {
        try Refinement.round(&layer, node, graph, inputs: inParallel(samples.count) { sample in inputs(sample)[0] })
      }
      simulated = try graph.floatNode(index, with: layer)
      if options.correctsBias {
        let moved = simulated
        let channels = layer.channels
        let differences = inParallel(samples.count) { sample in
          ChannelDifference(
            reals[sample], moved(inputs(sample)), channels: channels, within: quantization.range.clamped(to: clamp))
        }
        let total = differences.dropFirst().reduce(into: differences[0]) { $0.add($1) }
        for channel in 0..<channels { layer.realBias[channel] += total.mean(channel) }
        simulated = try graph.floatNode(index, with: layer)
      }
      weights[index] = layer
    }
    let final = simulated
    let quantized = inParallel(samples.count) { sample in
      final(inputs(sample)).map { quantization.quantize(clamp.clamping($0)) }
    }
    errors.append(Self.error(reals, quantized, quantization, clamp: clamp, index, result))
    for sample in samples.indices {
      samples[sample].real[result] = clamps[result] == nil ? reals[sample] : reals[sample].map { clamp.clamping($0) }
      samples[sample].quantized[result] = quantized[sample]
    }
  }

  private static func error(
    _ reals: [[Float]], _ quantized: [[Int8]], _ quantization: TensorQuantization, clamp: ClosedRange<Float>,
    _ node: Int, _ value: Int
  ) -> LayerError {
    let statistics = inParallel(reals.count) { sample in
      ErrorStatistics(reals[sample], quantized[sample], quantization, clamp: clamp)
    }
    let total = statistics.reduce(into: ErrorStatistics()) { $0.add($1) }
    return LayerError(node: node, value: value, statistics: total)
  }
}

/// By how much the results of each channel differ in the mean, where the clamp that follows lets them through: what it
/// cuts off may differ as it likes.
private struct ChannelDifference: Sendable {
  private var sums: [Double]
  private var counts: [Double]

  init(_ reals: [Float], _ quantized: [Float], channels: Int, within range: ClosedRange<Float>) {
    sums = Array(repeating: 0, count: channels)
    counts = sums
    for (index, real) in reals.enumerated() where range.contains(real) {
      sums[index % channels] += Double(real) - Double(quantized[index])
      counts[index % channels] += 1
    }
  }

  mutating func add(_ other: ChannelDifference) {
    for channel in sums.indices {
      sums[channel] += other.sums[channel]
      counts[channel] += other.counts[channel]
    }
  }

  func mean(_ channel: Int) -> Float { counts[channel] > 0 ? Float(sums[channel] / counts[channel]) : 0 }
}

extension Graph {
  /// A layer that multiplies with what the device multiplies with.
  func floatNode(_ index: Int, with layer: QuantizedWeights) throws(ConversionError) -> FloatNode {
    var (graph, node) = (self, nodes[index])
    guard let weights = node.inputs[1] else { return try FloatNode(node, in: self) }
    let value = graph.makeReals(layer.reals, shape: values[weights].shape, name: values[weights].name)
    let bias = graph.makeReals(layer.realBias, shape: [layer.channels], name: "bias")
    node.inputs = [node.inputs[0], value, bias]
    return try FloatNode(node, in: graph)
  }
}
