import Foundation

/// A tensor's one scale and zero point: real = (q - zeroPoint) * scale, q in -128...127.
public struct TensorQuantization: Equatable, Sendable {
  public var scale: Float
  public var zeroPoint: Int32

  /// The one that covers a range and zero: 255 steps, one of them exactly zero.
  public init(covering range: ClosedRange<Float>) {
    let (low, high) = (Swift.min(range.lowerBound, 0), Swift.max(range.upperBound, 0))
    let step = (Double(high) - Double(low)) / 255
    scale = step > 1e-30 && step.isFinite ? Float(step) : 1
    zeroPoint = Int32(max(-128, min(127, (-128 - Double(low) / Double(scale)).rounded(.toNearestOrAwayFromZero))))
  }

  init(scale: Float, zeroPoint: Int32) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }

  /// What the device's softmax gives.
  static let softmax = TensorQuantization(scale: 1 / 256, zeroPoint: -128)

  init(_ quantization: Quantization) {
    scale = quantization.scales[0]
    zeroPoint = quantization.zeroPoints[0]
  }

  /// The real numbers between which values are told apart.
  public var range: ClosedRange<Float> { Float(-128 - zeroPoint) * scale...Float(127 - zeroPoint) * scale }

  func quantize(_ real: Float) -> Int8 {
    let steps = (real / scale).rounded(.toNearestOrAwayFromZero) + Float(zeroPoint)
    return steps.isNaN ? Int8(zeroPoint) : Int8(max(-128, min(127, steps)))
  }

  func real(_ q: Int8) -> Float { Float(Int32(q) - zeroPoint) * scale }
}

extension Quantization {
  init(_ tensor: TensorQuantization) { self.init(scales: [tensor.scale], zeroPoints: [tensor.zeroPoint]) }
}

/// A float graph with a scale and zero point for every value, made into the int8 graph that the device runs.
enum QuantizedGraph {
  /// - Parameters:
  ///   - quantizations: for every computed value that lies in the arena.
  ///   - weights: int8 weights and their scales by node, where something better than rounding to nearest is known.
  static func make(
    _ graph: Graph, quantizations: [Int: TensorQuantization], weights chosen: [Int: QuantizedWeights] = [:]
  )
    throws(ConversionError) -> Graph
  {
    var result = graph
    var copies: [Int: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      if node.origin.label != nil { result.nodes[index].origin.code = node.operation.builtinCode }
      if node.operation.hasWeights {
        try quantizeWeights(index, node, &result, quantizations: quantizations, chosen: chosen[index])
      } else if case .extremum = node.operation {
        keepReals(index, graph, &result, copies: &copies)
      } else {
        for case let input? in node.inputs where graph.values[input].constant != nil {
          quantizeConstant(input, &result)
        }
      }
    }
    for (index, quantization) in quantizations where result.values[index].constant == nil {
      guard result.values[index].type == .float32 else { continue }
      result.values[index].type = .int8
      result.values[index].quantization = Quantization(quantization)
    }
    for index in result.inputs.indices { mark(&result.inputs[index], result) }
    for index in result.outputs.indices { mark(&result.outputs[index], result) }
    return result
  }

  private static func mark(_ boundary: inout Boundary, _ graph: Graph) {
    guard graph.values[boundary.value].type == .int8, let quantization = graph.values[boundary.value].quantization
    else { return }
    boundary.scale = quantization.scales[0]
    boundary.zeroPoint = quantization.zeroPoints[0] + (boundary.type == .uint8 ? 128 : 0)
  }

  /// A constant operand of an extremum is quantized as the result is, by the lowering: in a range of its own, what lies
  /// far out would cost the others. Until then it is in real numbers, whatever other readers make of it.
  private static func keepReals(_ index: Int, _ float: Graph, _ graph: inout Graph, copies: inout [Int: Int]) {
    for (place, input) in float.nodes[index].inputs.enumerated() {
      guard let input, float.values[input].constant != nil else { continue }
      if copies[input] == nil {
        graph.values.append(float.values[input])
        copies[input] = graph.values.count - 1
      }
      graph.nodes[index].inputs[place] = copies[input]
    }
  }

  /// A constant operand, in its own range.
  private static func quantizeConstant(_ index: Int, _ graph: inout Graph) {
    guard graph.values[index].type == .float32, let reals = graph.reals(of: index) else { return }
    let finite = reals.filter(\.isFinite)
    let quantization =
      graph.values[index].quantization.flatMap { $0.scales.count == 1 ? TensorQuantization($0) : nil }
      ?? TensorQuantization(covering: (finite.min() ?? 0)...(finite.max() ?? 0))
    graph.values[index].constant = ArraySlice(reals.map { UInt8(bitPattern: quantization.quantize($0)) })
    graph.values[index].type = .int8
    graph.values[index].quantization = Quantization(quantization)
  }

  private static func quantizeWeights(
    _ index: Int, _ node: Node, _ graph: inout Graph, quantizations: [Int: TensorQuantization],
    chosen: QuantizedWeights?
  ) throws(ConversionError) {
    guard let input = node.inputs[0], let weights = node.inputs[1], let quantization = quantizations[input] else {
      return
    }
    let quantized: QuantizedWeights
    if let chosen {
      quantized = chosen
    } else {
      quantized = try QuantizedWeights(node, in: graph, inputScale: quantization.scale)
    }
    // Two nodes may share one constant.
    graph.values.append(
      Value(
        name: graph.values[weights].name, type: .int8, shape: graph.values[weights].shape,
        quantization: quantized.quantization,
        constant: ArraySlice(quantized.integers.map { UInt8(bitPattern: $0) })))
    let bias = quantized.bias(inputScale: quantization.scale)
    graph.values.append(
      Value(
        name: "bias", type: .int32, shape: [bias.count],
        constant: ArraySlice(bias.flatMap { q in withUnsafeBytes(of: q.littleEndian) { Array($0) } })))
    graph.nodes[index].inputs = [input, graph.values.count - 2, graph.values.count - 1]
  }
}
