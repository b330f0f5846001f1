import Foundation

/// The weights of one layer in int8, with a scale for each output channel, and its bias in real numbers.
struct QuantizedWeights: Sendable {
  /// In the graph's order.
  var integers: [Int8]
  var quantization: Quantization
  var realBias: [Float]
  /// Weight `i` belongs to output channel `i / inner % channels`.
  let inner: Int

  var channels: Int { realBias.count }
  func channel(of weight: Int) -> Int { weight / inner % channels }
  func scale(of channel: Int) -> Float { quantization.scales[quantization.scales.count == 1 ? 0 : channel] }
  func zeroPoint(of channel: Int) -> Int32 { quantization.zeroPoints[quantization.zeroPoints.count == 1 ? 0 : channel] }

  /// Rounded to nearest.
  ///
  /// - Parameter inputScale: of the layer's input; a channel's scale is at least so large that its bias fits in 32
  ///   bits.
  init(_ node: Node, in graph: Graph, inputScale: Float) throws(ConversionError) {
    guard let weights = node.inputs[1], let reals = graph.reals(of: weights) else {
      throw .unsupported("weights are computed, expected a constant")
    }
    let shape = graph.values[weights].shape
    let channels: Int
    (channels, inner) = node.operation.weightLayout(shape)
    realBias = try node.bias(in: graph, channels: channels)
    guard reals.allSatisfy(\.isFinite), realBias.allSatisfy(\.isFinite) else {
      throw .badData("weights or bias hold a number that is not finite")
    }
    let known = graph.values[weights].quantization
    if let known, known.scales.count == 1 || known.zeroPoints.contains(where: { $0 != 0 }) {
      quantization = known
    } else {
      // A channel whose weights are next to nothing would have a bias past 32 bits; one without any weight has a scale
      // that means nothing, and must not cost the layer its fast way of rescaling.
      let covering = Self.coveringScales(reals, inner: inner, channels: channels)
      var scales = known?.scales ?? covering
      for channel in 0..<channels {
        if covering[channel] == 0 { scales[channel] = 0 }
        scales[channel] = max(scales[channel], abs(realBias[channel]) / (inputScale * Float(1 << 29)), 1e-20)
      }
      quantization = Quantization(
        scales: scales, zeroPoints: Array(repeating: 0, count: channels),
        dimension: node.operation.hasChannelsLast ? shape.count - 1 : 0)
    }
    integers = []
    integers.reserveCapacity(reals.count)
    for (index, real) in reals.enumerated() {
      let channel = channel(of: index)
      let steps = (real / scale(of: channel)).rounded(.toNearestOrAwayFromZero) + Float(zeroPoint(of: channel))
      // -128 is left to quantized weights that a model brings.
      integers.append(Int8(max(known == nil ? -127 : -128, min(127, steps))))
    }
  }

  static func coveringScales(_ reals: [Float], inner: Int, channels: Int) -> [Float] {
    var largest = Array(repeating: Float(0), count: channels)
    for (index, real) in reals.enumerated() {
      largest[index / inner % channels] = max(largest[index / inner % channels], abs(real))
    }
    return largest.map { $0 / 127 }
  }

  /// What the device multiplies with, in real numbers.
  var reals: [Float] {
    integers.enumerated().map { index, q in
      let channel = channel(of: index)
      return Float(Int32(q) - zeroPoint(of: channel)) * scale(of: channel)
    }
  }

  func bias(inputScale: Float) -> [Int32] {
    realBias.enumerated().map { channel, real in
      let steps = Double(real) / (Double(inputScale) * Double(scale(of: channel)))
      return Int32(max(-2_147_483_647, min(2_147_483_647, steps.rounded(.toNearestOrAwayFromZero))))
    }
  }
}
