import Foundation
import Testing

@testable import MartletConvert

/// Quantized ONNX weights with a zero point for each channel: what the device computes beside real numbers.
@Suite struct ONNXZeroPointTests {
  private struct Layer {
    var type: String
    var input: [Int64]
    var weights: [Int64]
    /// Of the weights, where output channels lie.
    var axis: Int
    var attributes: [String: [Int64]] = [:]
  }

  private static let layers = [
    Layer(type: "Conv", input: [1, 5, 6, 7], weights: [3, 5, 3, 3], axis: 0, attributes: ["pads": [1, 0, 2, 1]]),
    Layer(
      type: "Conv", input: [1, 4, 9, 7], weights: [3, 4, 2, 3], axis: 0,
      attributes: ["dilations": [2, 1], "strides": [2, 1]]),
    Layer(
      type: "Conv", input: [1, 4, 6, 6], weights: [6, 2, 3, 3], axis: 0,
      attributes: ["group": [2], "pads": [1, 1, 1, 1], "strides": [2, 1]]),
    Layer(
      type: "Conv", input: [1, 3, 8, 8], weights: [3, 1, 3, 3], axis: 0,
      attributes: ["group": [3], "pads": [2, 2, 2, 2], "dilations": [2, 2]]),
    Layer(type: "Conv", input: [1, 3, 5, 5], weights: [6, 1, 1, 2], axis: 0, attributes: ["group": [3]]),
    Layer(
      type: "ConvTranspose", input: [1, 4, 3, 4], weights: [4, 3, 2, 3], axis: 1, attributes: ["strides": [2, 2]]),
    Layer(type: "Gemm", input: [1, 11], weights: [3, 11], axis: 0, attributes: ["transB": [1]]),
    Layer(type: "MatMul", input: [2, 11], weights: [11, 3], axis: 1),
  ]

  /// Zero points of int8: weights that fit after a common shift, that need two summands, and three.
  private static let zeroPoints: [(values: [Int64], reach: ClosedRange<Int64>, copies: Int)] = [
    ([-30, 12, 40], -60...60, 1), ([-128, 127, 3], 0...0, 1), ([-20, 90, 107], -128...127, 2),
    ([-128, 127, 0], -128...127, 3),
  ]

  private func model(_ layer: Layer, _ zeros: [Int64], _ reach: ClosedRange<Int64>) -> ONNXBuilder {
    var b = ONNXBuilder()
    var random = Random(seed: UInt64(layer.weights.reduce(7, +)))
    b.input("x", layer.input.map { $0 })
    b.constant("xs", [], [0.01])
    b.constant("xz", [], integers: [37], type: 2)
    b.node("QuantizeLinear", ["x", "xs", "xz"], ["xq"])
    b.node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"])
    let count = Int(layer.weights.reduce(1, *))
    let channels = Int(layer.weights[layer.axis])
    let inner = Int(layer.weights[(layer.axis + 1)...].reduce(1, *))
    let weights = (0..<count).map { place -> Int64 in
      let span = Int64(random.next() % UInt64(reach.upperBound - reach.lowerBound + 1))
      // Around the zero point where they need not reach everywhere.
      let middle = reach == -128...127 ? 0 : zeros[place / inner % channels % zeros.count]
      return max(-128, min(127, middle + reach.lowerBound + span))
    }
    let all = (0..<channels).map { zeros[$0 % zeros.count] }
    b.constant("w", layer.weights, integers: weights, type: 3)
    b.constant("ws", [Int64(channels)], (0..<channels).map { 0.01 + 0.002 * Float($0) })
    b.constant("wz", [Int64(channels)], integers: all, type: 3)
    b.node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], integers: ["axis": [Int64(layer.axis)]])
    b.node(layer.type, ["xd", "wd"], ["f"], integers: layer.attributes)
    b.constant("ys", [], [0.2])
    b.constant("yz", [], integers: [100], type: 2)
    b.node("QuantizeLinear", ["f", "ys", "yz"], ["yq"])
    b.node("DequantizeLinear", ["yq", "ys", "yz"], ["y"])
    b.output("y")
    return b
  }

  @Test func everyLayer() throws {
    for layer in Self.layers {
      for (zeros, reach, copies) in Self.zeroPoints {
        let b = model(layer, zeros, reach)
        let graph = try ONNXImporter.graph(
          from: ONNXModel(b.bytes, name: "m.onnx", directory: nil), name: "m.onnx", layout: .nhwc
        ).graph
        let given = (0..<graph.values[graph.inputs[0].value].count).map { Float(($0 * 83) % 256 - 37) * 0.01 }
        var options = ConversionOptions()
        options.layout = .nhwc
        let converted = try Converter.convert(b.bytes, name: "m.onnx", options: options)
        let output = try ModelRunner(file: converted.bytes).run([given.withUnsafeBytes { Array($0) }])[0]
        let ours = ArraySlice(output).integers(of: UInt32.self).map { Float(bitPattern: $0) }
        let quantization = TensorQuantization(scale: 0.2, zeroPoint: -28)
        let exact = try FloatExecutor(graph).run([given])[0].map { quantization.range.clamping($0) }
        let steps = zip(ours, exact).map { abs($0 - $1) / quantization.scale }.max() ?? 0
        #expect(ours.count == exact.count && steps <= 1, "\(layer) with \(zeros): \(steps) steps")
        // What is repeated is copied as often.
        let isRepeated = converted.summary.operators > 2 + (layer.type == "Gemm" || layer.type == "MatMul" ? 0 : 1)
        #expect(copies == 1 || isRepeated, "\(layer) with \(zeros): \(converted.summary.operators) operators")
      }
    }
  }

  @Test func weightsOfOneZeroPointStayAsTheyAre() throws {
    var b = model(Self.layers[6], [9], -100...100)
    let one = try Converter.convert(b.bytes, name: "m.onnx").summary.operators
    b = model(Self.layers[6], [9, 10, 11], -100...100)
    #expect(try Converter.convert(b.bytes, name: "m.onnx").summary.operators == one)
  }
}
