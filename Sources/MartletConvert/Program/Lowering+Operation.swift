import CMartletKernels
import Foundation
import Martlet

extension Lowering {
  mutating func lower(_ node: Node) throws(ConversionError) {
    switch node.operation {
    case .convolution(_, _, let activation), .fullyConnected(let activation), .transposedConvolution(_, let activation):
      try lowerConvolution(node, activation)
    case .depthwise(_, _, let activation): try lowerDepthwise(node, activation)
    case .averagePool(_, _, let activation): try lowerPool(node, .averagePool, activation)
    case .maxPool(_, _, let activation): try lowerPool(node, .maxPool, activation)
    case .mean(let axes): try lowerMean(node, axes)
    case .add(let activation): try lowerAdd(node, activation, subtract: false)
    case .subtract(let activation): try lowerAdd(node, activation, subtract: true)
    case .multiply(let activation): try lowerMultiply(node, activation)
    case .extremum(let minimum): try lowerExtremum(node, minimum ? .minimum : .maximum)
    case .prelu: try lowerPrelu(node)
    case .unary(let function): try lowerUnary(node, function)
    case .softmax(let beta): try lowerSoftmax(node, beta: beta)
    case .concatenation(let axis, _): try lowerConcatenation(node, axis: axis)
    case .pad(let before, _, let value): try lowerPad(node, before: before, value: value)
    case .transpose(let permutation): try lowerTranspose(node, permutation)
    case .slice(let start, let step, let size): try lowerSlice(node, start: start, step: step, size: size)
    case .spaceToDepth(let block): try lowerBlocks(node, block: block, toDepth: true)
    case .depthToSpace(let block): try lowerBlocks(node, block: block, toDepth: false)
    case .reshape: try alias(node)
    case .resizeNearest(let alignCorners, let halfPixelCenters):
      try lowerResize(node, .resizeNearest, alignCorners, halfPixelCenters)
    case .resizeBilinear(let alignCorners, let halfPixelCenters):
      try lowerResize(node, .resizeBilinear, alignCorners, halfPixelCenters)
    case .argument(let axis, let minimum): try lowerArgument(node, axis: axis, minimum: minimum)
    case .quantize: try lowerQuantize(node, .quantize, quantized: node.outputs[0])
    case .dequantize: try lowerQuantize(node, .dequantize, quantized: node.inputs[0])
    }
  }

  private func isUnsigned(_ node: Node) -> Bool { node.inputs[0].map { value($0).isUnsigned } ?? false }

  private mutating func lowerPool(_ node: Node, _ opcode: Opcode, _ activation: Activation) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let clamp = try clamp(activation, node)
    guard var p = graph.poolGeometry(node) else { throw .badData("an operand is missing") }
    guard Int(p.kernel_h) * Int(p.kernel_w) <= 1 << 22 else { throw .unsupported("the window could overflow 32 bits") }
    (p.clamp_min, p.clamp_max) = (clamp.lowerBound, clamp.upperBound)
    p.unsigned_rounding = opcode == .averagePool && isUnsigned(node) ? 1 : 0
    append(DeviceOperator(opcode, node.origin, inputs: [input], output: try result(node), p))
  }

  private mutating func lowerMean(_ node: Node, _ axes: [Int]) throws(ConversionError) {
    var input = try operand(node.inputs[0])
    let shape = program.tensors[input].shape
    let reduced = axes.reduce(1) { $0 * shape[$1] }
    guard reduced <= 1 << 23 else { throw .unsupported("the sum of \(reduced) elements could overflow 32 bits") }
    let (inputScale, inputZeroPoint) = try scale(node.inputs[0])
    let (outputScale, outputZeroPoint) = try scale(node.outputs[0])
    let factor = try multiplier(Double(inputScale) / Double(outputScale))
    // The reference folds 1 / count into the multiplier, keeping as many bits as fit.
    let shift = min(min(63 - Int32(reduced.leadingZeroBitCount), 32), 31 + factor.shift)

    var p = martlet_mean_params()
    let long = axes.filter { shape[$0] != 1 }
    if let first = long.first, let last = long.last,
      (first...last).allSatisfy({ shape[$0] == 1 || long.contains($0) })
    {
      p.outer = Int32(shape[..<first].reduce(1, *))
      p.inner = Int32(shape[(last + 1)...].reduce(1, *))
    } else if long.isEmpty {
      (p.outer, p.inner) = (1, Int32(program.tensors[input].count))
    } else {
      // Bring the axes that vanish to the end.
      let kept = shape.indices.filter { !axes.contains($0) }
      let order = kept + axes
      let moved = order.map { shape[$0] }
      let temporary = makeTemporary(like: input, shape: moved)
      let strides = StridedView.denseStrides(shape)
      emitCopy(
        node.origin, from: input, to: temporary, StridedView(shape: moved, strides: order.map { strides[$0] }),
        .dense(moved))
      input = temporary
      (p.outer, p.inner) = (Int32(kept.reduce(1) { $0 * shape[$1] }), 1)
    }
    p.reduce = Int32(reduced)
    (p.input_zero_point, p.output_zero_point) = (inputZeroPoint, outputZeroPoint)
    p.multiplier = Int32((Int64(factor.multiplier) << Int64(shift)) / Int64(reduced))
    p.shift = factor.shift - shift
    (p.clamp_min, p.clamp_max) = (node.clamp.lowerBound, node.clamp.upperBound)
    append(DeviceOperator(.mean, node.origin, inputs: [input], output: try result(node), p))
  }

  private mutating func lowerSoftmax(_ node: Node, beta: Float) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let (inputScale, _) = try scale(node.inputs[0])
    let integerBits = 5
    let real = min(Double(beta) * Double(inputScale) * Double(1 << (31 - integerBits)), Double(Int32.max))
    guard real > 1 else { throw .unsupported("input scale \(inputScale) is too small") }
    let factor = QuantizedMultiplier(real)
    let radius =
      Double((1 << integerBits) - 1) * Double(1 << (31 - integerBits)) / Double(Int64(1) << Int64(factor.shift))
    var p = martlet_softmax_params()
    p.depth = Int32(program.tensors[input].shape.last ?? 1)
    p.rows = Int32(program.tensors[input].count) / p.depth
    p.beta_multiplier = factor.multiplier
    p.beta_left_shift = factor.shift
    p.diff_min = -Int32(radius.rounded(.down))
    append(DeviceOperator(.softmax, node.origin, inputs: [input], output: try result(node), p))
  }

  private mutating func lowerUnary(_ node: Node, _ function: UnaryFunction) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let bytes = try Tables.bytes(function, input: scale(node.inputs[0]), output: scale(node.outputs[0]))
    let clamped = bytes.map { UInt8(bitPattern: Int8(node.clamp.clamping(Int32(Int8(bitPattern: $0))))) }
    let output = try result(node)
    try emitTable(node.origin, from: input, to: output, clamped)
  }

  mutating func emitTable(_ origin: Origin, from input: Int, to output: Int, _ bytes: [UInt8])
    throws(ConversionError)
  {
    let p = martlet_table_params(count: Int32(program.tensors[input].count))
    let constant = try makeConstant(bytes, name: "\(origin.name.lowercased()) table")
    append(DeviceOperator(.table, origin, inputs: [input], output: output, constant: constant, p))
  }

  private mutating func lowerResize(_ node: Node, _ opcode: Opcode, _ alignCorners: Bool, _ halfPixelCenters: Bool)
    throws(ConversionError)
  {
    let input = try operand(node.inputs[0])
    let (shape, outputShape) = (program.tensors[input].shape, value(node.outputs[0]).shape)
    var p = martlet_resize_params()
    (p.batch, p.in_h, p.in_w, p.channels) = (Int32(shape[0]), Int32(shape[1]), Int32(shape[2]), Int32(shape[3]))
    (p.out_h, p.out_w) = (Int32(outputShape[1]), Int32(outputShape[2]))
    p.align_corners = alignCorners ? 1 : 0
    p.half_pixel_centers = halfPixelCenters ? 1 : 0
    p.unsigned_float = opcode == .resizeBilinear && isUnsigned(node) ? 1 : 0
    append(DeviceOperator(opcode, node.origin, inputs: [input], output: try result(node), p))
  }

  private mutating func lowerArgument(_ node: Node, axis: Int, minimum: Bool) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let shape = program.tensors[input].shape
    let output = try result(node)
    var p = martlet_argmax_params()
    p.outer = Int32(shape[..<axis].reduce(1, *))
    p.axis = Int32(shape[axis])
    p.inner = Int32(shape[(axis + 1)...].reduce(1, *))
    p.index_size = Int32(program.tensors[output].type.byteCount)
    p.minimum = minimum ? 1 : 0
    append(DeviceOperator(.argmax, node.origin, inputs: [input], output: output, p))
  }

  private mutating func lowerQuantize(_ node: Node, _ opcode: Opcode, quantized: Int?) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let (scale, zeroPoint) = try scale(quantized)
    let p = martlet_quantize_params(
      count: Int32(program.tensors[input].count), scale: scale, zero_point: zeroPoint)
    append(DeviceOperator(opcode, node.origin, inputs: [input], output: try result(node), p))
  }
}

extension ClosedRange where Bound == Int32 {
  func clamping(_ value: Int32) -> Int32 { Swift.min(Swift.max(value, lowerBound), upperBound) }
}
