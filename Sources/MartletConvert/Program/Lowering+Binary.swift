import CMartletKernels
import Martlet

/// Operators on two broadcast operands.
extension Lowering {
  private struct Broadcast {
    var inputs: [Int]
    var shape: Sextet
    var stride0: Sextet
    var stride1: Sextet
  }

  private mutating func broadcast(_ node: Node) throws(ConversionError) -> Broadcast {
    let first = try operand(node.inputs[0])
    let second = try operand(node.inputs[1])
    return broadcast([first, second], node)
  }

  private func broadcast(_ inputs: [Int], _ node: Node) -> Broadcast {
    let target = value(node.outputs[0]).shape
    let views = inputs.map { StridedView.broadcast(program.tensors[$0].shape, to: target) }
    let (shape, strides) = StridedView.coalesced(target, views.map(\.strides))
    return Broadcast(
      inputs: inputs, shape: sextet(shape, filling: 1), stride0: sextet(strides[0], filling: 0),
      stride1: sextet(strides[1], filling: 0))
  }

  mutating func lowerAdd(_ node: Node, _ activation: Activation, subtract: Bool) throws(ConversionError) {
    let operands = try broadcast(node)
    let (scale0, zeroPoint0) = try scale(node.inputs[0])
    let (scale1, zeroPoint1) = try scale(node.inputs[1])
    let (outputScale, outputZeroPoint) = try scale(node.outputs[0])
    let leftShift = 20
    let twiceLargest = Double(2 * max(scale0, scale1))
    let factor0 = try multiplier(Double(scale0) / twiceLargest)
    let factor1 = try multiplier(Double(scale1) / twiceLargest)
    let outputFactor = try multiplier(twiceLargest / Double(Float(1 << leftShift) * outputScale))
    let clamp = try clamp(activation, node)
    var p = martlet_add_params()
    (p.shape, p.stride0, p.stride1) = (operands.shape, operands.stride0, operands.stride1)
    (p.zero_point0, p.zero_point1, p.output_zero_point) = (zeroPoint0, zeroPoint1, outputZeroPoint)
    (p.multiplier0, p.shift0) = (factor0.multiplier, factor0.shift)
    (p.multiplier1, p.shift1) = (factor1.multiplier, factor1.shift)
    (p.output_multiplier, p.output_shift) = (outputFactor.multiplier, outputFactor.shift)
    p.left_shift = Int32(leftShift)
    (p.clamp_min, p.clamp_max) = (clamp.lowerBound, clamp.upperBound)
    p.subtract = subtract ? 1 : 0
    append(DeviceOperator(.add, node.origin, inputs: operands.inputs, output: try result(node), p))
  }

  mutating func lowerMultiply(_ node: Node, _ activation: Activation) throws(ConversionError) {
    let operands = try broadcast(node)
    let (scale0, zeroPoint0) = try scale(node.inputs[0])
    let (scale1, zeroPoint1) = try scale(node.inputs[1])
    let (outputScale, outputZeroPoint) = try scale(node.outputs[0])
    // In float32, as the reference has it.
    let factor = try multiplier(Double(scale0 * scale1 / outputScale))
    let clamp = try clamp(activation, node)
    var p = martlet_mul_params()
    (p.shape, p.stride0, p.stride1) = (operands.shape, operands.stride0, operands.stride1)
    (p.zero_point0, p.zero_point1, p.output_zero_point) = (zeroPoint0, zeroPoint1, outputZeroPoint)
    (p.multiplier, p.shift) = (factor.multiplier, factor.shift)
    (p.clamp_min, p.clamp_max) = (clamp.lowerBound, clamp.upperBound)
    append(DeviceOperator(.mul, node.origin, inputs: operands.inputs, output: try result(node), p))
  }

  mutating func lowerPrelu(_ node: Node) throws(ConversionError) {
    let operands = try broadcast(node)
    let (inputScale, inputZeroPoint) = try scale(node.inputs[0])
    let (alphaScale, alphaZeroPoint) = try scale(node.inputs[1])
    let (outputScale, outputZeroPoint) = try scale(node.outputs[0])
    let positive = try multiplier(Double(inputScale / outputScale))
    let negative = try multiplier(Double(inputScale * alphaScale / outputScale))
    var p = martlet_prelu_params()
    (p.shape, p.stride0, p.stride1) = (operands.shape, operands.stride0, operands.stride1)
    p.input_zero_point = inputZeroPoint
    p.alpha_zero_point = alphaZeroPoint
    p.output_zero_point = outputZeroPoint
    (p.positive_multiplier, p.positive_shift) = (positive.multiplier, positive.shift)
    (p.negative_multiplier, p.negative_shift) = (negative.multiplier, negative.shift)
    guard node.clamp == -128...127 else { throw .unsupported("a fused activation is not supported") }
    append(DeviceOperator(.prelu, node.origin, inputs: operands.inputs, output: try result(node), p))
  }

  /// Exact where all are quantized alike. What is not is brought to the result's scale and zero point first: rounding
  /// keeps the order, so that the result is the nearest one all the same.
  mutating func lowerExtremum(_ node: Node, _ opcode: Opcode) throws(ConversionError) {
    let target = try scale(node.outputs[0])
    let first = try requantized(node.inputs[0], to: target, node.origin)
    let second = try requantized(node.inputs[1], to: target, node.origin)
    let operands = broadcast([first, second], node)
    guard node.clamp == -128...127 else { throw .unsupported("a fused activation is not supported") }
    var p = martlet_extremum_params()
    (p.shape, p.stride0, p.stride1) = (operands.shape, operands.stride0, operands.stride1)
    append(DeviceOperator(opcode, node.origin, inputs: operands.inputs, output: try result(node), p))
  }

  /// The device tensor of an operand as int8 of this scale and zero point. A constant, in real numbers or in int8 of
  /// others, has one copy for each pair of them.
  private mutating func requantized(
    _ input: Int?, to target: (scale: Float, zeroPoint: Int32), _ origin: Origin
  ) throws(ConversionError) -> Int {
    guard let input else { throw .badData("an operand is missing") }
    let copy = QuantizedConstant(value: input, scale: target.scale, zeroPoint: target.zeroPoint)
    if let known = quantizedConstants[copy] { return known }
    let bytes: [UInt8]
    if value(input).type == .float32, let reals = try graph.numbers(of: input) {
      bytes = reals.map { UInt8(bitPattern: Int8(Tables.quantized($0, target))) }
    } else {
      let source = try operand(input)
      let own = try scale(input)
      if own == target { return source }
      let table = try Tables.bytes(.scalar(.identity), input: own, output: target)
      guard let constant = program.tensors[source].constant else {
        let temporary = makeTemporary(like: source, shape: program.tensors[source].shape, quantization: target)
        try emitTable(origin, from: source, to: temporary, table)
        return temporary
      }
      bytes = constant.map { table[Int($0 ^ 0x80)] }
    }
    let constant = try makeConstant(bytes, like: input, target)
    quantizedConstants[copy] = constant
    return constant
  }
}

/// A constant of the graph, and how it was quantized.
struct QuantizedConstant: Hashable {
  let value: Int
  let scale: Float
  let zeroPoint: Int32
}
