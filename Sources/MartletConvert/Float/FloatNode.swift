import CMartletFloat
import CMartletKernels
import Foundation

/// One node of a float graph, ready to run: plain and correct, one thread; pictures run side by side instead.
///
/// Every node has one result. Numbers are held as float32 throughout, indices and shapes included.
struct FloatNode: Sendable {
  typealias Function = @Sendable ([[Float]]) -> [Float]

  /// Values that `callAsFunction` takes, in this order: the operands that are computed, not constant.
  let operands: [Int]
  let result: Int
  private let function: Function

  func callAsFunction(_ inputs: [[Float]]) -> [Float] { function(inputs) }

  /// - Throws: `unsupported` for an operation that has no meaning in real numbers.
  init(_ node: Node, in graph: Graph) throws(ConversionError) {
    let inputs = node.inputs.compactMap { $0 }
    let hasWeights = node.operation.hasWeights
    let computed = hasWeights ? Array(inputs.prefix(1)) : inputs
    // A constant operand is bound once; what is left is handed over at each run.
    let constants = computed.map { graph.reals(of: $0) }
    operands = zip(computed, constants).compactMap { $1 == nil ? $0 : nil }
    result = node.outputs[0]
    let operation = try Self.operation(node, in: graph)
    let bounds = node.operation.activation.bounds
    let isBounded = bounds != -.infinity ... .infinity
    let hasConstants = constants.contains { $0 != nil }
    function = { given in
      var next = given.makeIterator()
      var output = operation(hasConstants ? constants.map { $0 ?? next.next()! } : given)
      if isBounded { for index in output.indices { output[index] = bounds.clamping(output[index]) } }
      return output
    }
  }

  private static func operation(_ node: Node, in graph: Graph) throws(ConversionError) -> Function {
    let shapes = node.inputs.compactMap { $0.map { graph.values[$0].shape } }
    let output = graph.values[node.outputs[0]].shape
    switch node.operation {
    case .convolution, .fullyConnected, .transposedConvolution: return try FloatConvolution(node, in: graph).run
    case .depthwise: return try FloatDepthwise(node, in: graph).run
    case .averagePool, .maxPool:
      guard let geometry = graph.poolGeometry(node) else { throw .badData("an operand is missing") }
      if case .maxPool = node.operation { return { FloatPool.maximum(geometry, $0[0]) } }
      return { FloatPool.average(geometry, $0[0]) }
    case .mean(let axes): return { FloatMath.mean($0[0], shape: shapes[0], axes: axes) }
    case .add: return FloatMath.broadcast(shapes, output) { $0 + $1 }
    case .subtract: return FloatMath.broadcast(shapes, output) { $0 - $1 }
    case .multiply: return FloatMath.broadcast(shapes, output) { $0 * $1 }
    case .extremum(let minimum):
      return FloatMath.broadcast(shapes, output) {
        minimum ? ScalarFunction.minimum($0, $1) : ScalarFunction.maximum($0, $1)
      }
    case .prelu: return FloatMath.broadcast(shapes, output) { $0 >= 0 ? $0 : $0 * $1 }
    case .unary(let function):
      let scalar = function.scalar
      if let bounds = scalar.clampBounds { return { $0[0].map { bounds.clamping($0) } } }
      return { given in
        var values = given[0]
        scalar.apply(to: &values)
        return values
      }
    case .softmax(let beta): return { FloatMath.softmax($0[0], depth: output.last ?? 1, beta: beta) }
    case .argument(let axis, let minimum):
      return { FloatMath.argument($0[0], shape: shapes[0], axis: axis, minimum: minimum) }
    case .reshape, .quantize, .dequantize: return { $0[0] }
    case .resizeBilinear(let alignCorners, let halfPixelCenters):
      let mode = ResizeMode(alignCorners: alignCorners, halfPixelCenters: halfPixelCenters)
      return { FloatMath.resizeBilinear($0[0], from: shapes[0], to: output, mode) }
    case .resizeNearest(let alignCorners, let halfPixelCenters):
      let mode = ResizeMode(alignCorners: alignCorners, halfPixelCenters: halfPixelCenters)
      return { FloatMath.resizeNearest($0[0], from: shapes[0], to: output, mode) }
    case .concatenation(let axis, _): return { FloatMath.concatenate($0, shapes: shapes, axis: axis) }
    case .pad(let before, _, let value): return FloatMath.pad(from: shapes[0], to: output, before: before, value)
    case .transpose(let permutation): return FloatMath.gather(StridedView.dense(shapes[0]).permuted(permutation))
    case .slice(let start, let step, let size):
      let strides = StridedView.denseStrides(shapes[0])
      let offset = zip(strides, start).reduce(0) { $0 + $1.0 * $1.1 }
      return FloatMath.gather(StridedView(shape: size, strides: zip(strides, step).map { $0 * $1 }, offset: offset))
    case .spaceToDepth(let block): return FloatMath.gather(.spaceToDepth(shapes[0], block: block))
    case .depthToSpace(let block): return FloatMath.gather(.depthToSpace(shapes[0], block: block))
    }
  }
}

extension ClosedRange where Bound == Float {
  /// Not a number stays so.
  func clamping(_ value: Float) -> Float { value < lowerBound ? lowerBound : value > upperBound ? upperBound : value }
}

/// Convolution, fully connected layer and transposed convolution.
private struct FloatConvolution {
  let geometry: martlet_conv2d_params
  let packed: [Float]
  let bias: [Float]

  init(_ node: Node, in graph: Graph) throws(ConversionError) {
    guard let p = graph.convolutionGeometry(node), let index = node.inputs[1], var weights = graph.reals(of: index)
    else { throw .unsupported("weights are computed, expected a constant") }
    let (outputs, groups) = (Int(p.out_c), Int(p.groups))
    if case .transposedConvolution = node.operation {
      weights = Packing.turned(
        weights, outputs: outputs, height: Int(p.kernel_h), width: Int(p.kernel_w), depth: Int(p.in_c))
    }
    let depth = weights.count / outputs
    let perGroup = outputs / groups
    let size = martlet_float_packed_count(perGroup, depth)
    var packed = [Float](repeating: 0, count: size * groups)
    for group in 0..<groups {
      packed.withUnsafeMutableBufferPointer { to in
        weights.withUnsafeBufferPointer { from in
          martlet_float_pack(
            from.baseAddress! + group * perGroup * depth, to.baseAddress! + group * size, perGroup, depth)
        }
      }
    }
    geometry = p
    self.packed = packed
    bias = try node.bias(in: graph, channels: outputs)
  }

  func run(_ inputs: [[Float]]) -> [Float] {
    let p = geometry
    let count = Int(p.batch) * Int(p.out_h) * Int(p.out_w) * Int(p.out_c)
    return [Float](unsafeUninitializedCapacity: count) { output, filled in
      withUnsafePointer(to: p) { p in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: martlet_float_conv2d_scratch(p)) { scratch in
          martlet_float_conv2d(p, inputs[0], packed, bias, output.baseAddress, scratch.baseAddress)
        }
      }
      filled = count
    }
  }
}

private struct FloatDepthwise {
  let geometry: martlet_depthwise_params
  let weights: [Float]
  let bias: [Float]

  init(_ node: Node, in graph: Graph) throws(ConversionError) {
    guard let p = graph.depthwiseGeometry(node), let index = node.inputs[1], let weights = graph.reals(of: index)
    else { throw .unsupported("weights are computed, expected a constant") }
    geometry = p
    self.weights = weights
    bias = try node.bias(in: graph, channels: Int(p.in_c * p.multiplier))
  }

  func run(_ inputs: [[Float]]) -> [Float] {
    let p = geometry
    let count = Int(p.batch) * Int(p.out_h) * Int(p.out_w) * bias.count
    return [Float](unsafeUninitializedCapacity: count) { output, filled in
      withUnsafePointer(to: p) { martlet_float_depthwise($0, inputs[0], weights, bias, output.baseAddress) }
      filled = count
    }
  }
}

extension Node {
  /// The bias of a convolution; zeros where it has none.
  func bias(in graph: Graph, channels: Int) throws(ConversionError) -> [Float] {
    guard inputs.count > 2, let index = inputs[2] else { return Array(repeating: 0, count: channels) }
    guard let bias = graph.reals(of: index), bias.count == channels else {
      throw .unsupported("bias is computed, expected a constant")
    }
    return bias
  }
}
