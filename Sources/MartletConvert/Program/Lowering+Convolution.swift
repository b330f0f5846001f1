import CMartletKernels
import Martlet

extension Lowering {
  /// Everything that the three kinds of convolution have in common.
  struct ConvolutionOperands {
    var input: Int
    var inputZeroPoint: Int32
    var weightZeroPoint: Int32
    var outputZeroPoint: Int32
    var clamp: ClosedRange<Int32>
    var weights: ArraySlice<UInt8>
    var bias: [Int32]
    /// One per output channel, as two words of `martlet_channels`.
    var rescale: [(multiplier: Int32, shift: Int32)]
  }

  /// - Parameter asDouble: whether the reference rescales in double, as it does for fully connected layers.
  private mutating func convolutionOperands(
    _ node: Node, _ activation: Activation, channels: Int, asDouble: Bool = false
  ) throws(ConversionError) -> ConvolutionOperands {
    let input = try operand(node.inputs[0])
    guard let weightsIndex = node.inputs[1], let constant = value(weightsIndex).constant,
      let quantization = value(weightsIndex).quantization, let weightZeroPoint = quantization.zeroPoints.first
    else { throw .unsupported("weights are computed, expected a constant") }
    guard quantization.zeroPoints.allSatisfy({ $0 == weightZeroPoint }) else {
      throw .unsupported("weights have a zero point for each channel")
    }
    let (inputScale, inputZeroPoint) = try scale(node.inputs[0])
    let (outputScale, outputZeroPoint) = try scale(node.outputs[0])
    let isUnsigned = value(weightsIndex).isUnsigned

    var bias = Array(repeating: Int32(0), count: channels)
    if node.inputs.count > 2, let biasIndex = node.inputs[2] {
      guard let bytes = value(biasIndex).constant, bytes.count == channels * 4 else {
        throw .unsupported("bias is computed, expected a constant")
      }
      bias = bytes.integers(of: Int32.self)
    }

    var rescale: [(multiplier: Int32, shift: Int32)] = []
    for channel in 0..<channels {
      let weightScale = quantization.scales.count == 1 ? quantization.scales[0] : quantization.scales[channel]
      if asDouble {
        let bits = (Double(inputScale) * Double(weightScale) / Double(outputScale)).bitPattern
        rescale.append(
          (Int32(truncatingIfNeeded: bits), Int32(truncatingIfNeeded: bits >> 32)))
        continue
      }
      // The uint8 reference multiplies the two scales in float32, the int8 one in double.
      let real =
        isUnsigned
        ? Double(inputScale * weightScale) / Double(outputScale)
        : Double(inputScale) * Double(weightScale) / Double(outputScale)
      let factor = try multiplier(real)
      rescale.append((factor.multiplier, factor.shift))
    }
    return ConvolutionOperands(
      input: input, inputZeroPoint: inputZeroPoint, weightZeroPoint: weightZeroPoint,
      outputZeroPoint: outputZeroPoint, clamp: try clamp(activation, node), weights: constant,
      bias: bias, rescale: rescale)
  }

  /// A convolution, a fully connected layer or a transposed convolution.
  mutating func lowerConvolution(_ node: Node, _ activation: Activation) throws(ConversionError) {
    guard var p = graph.convolutionGeometry(node) else { throw .badData("an operand is missing") }
    var isFullyConnected = false
    if case .fullyConnected = node.operation { isFullyConnected = true }
    var operands = try convolutionOperands(
      node, activation, channels: Int(p.out_c), asDouble: isFullyConnected)
    if case .transposedConvolution = node.operation {
      guard p.pad_top >= 0, p.pad_left >= 0 else { throw .unsupported("padding is larger than the kernel") }
      operands.weights = ArraySlice(
        Packing.turned(
          Array(operands.weights), outputs: Int(p.out_c), height: Int(p.kernel_h), width: Int(p.kernel_w),
          depth: Int(p.in_c)))
    }
    p.double_rescale = isFullyConnected ? 1 : 0
    p.input_zero_point = operands.inputZeroPoint
    p.weight_zero_point = operands.weightZeroPoint
    p.output_zero_point = operands.outputZeroPoint
    p.clamp_min = operands.clamp.lowerBound
    p.clamp_max = operands.clamp.upperBound
    try finishConvolution(node, operands, p)
  }

  private mutating func finishConvolution(_ node: Node, _ operands: ConvolutionOperands, _ p: martlet_conv2d_params)
    throws(ConversionError)
  {
    let packed = try Packing.convolution(p, operands)
    try checkSize(packed, withUnsafePointer(to: p) { martlet_conv2d_weights_bytes($0) })
    let constant = try makeConstant(packed, name: value(node.inputs[1] ?? 0).name)
    let output = try result(node)
    append(DeviceOperator(.conv2d, node.origin, inputs: [operands.input], output: output, constant: constant, p))
  }

  mutating func lowerDepthwise(_ node: Node, _ activation: Activation) throws(ConversionError) {
    guard var p = graph.depthwiseGeometry(node) else { throw .badData("an operand is missing") }
    let operands = try convolutionOperands(node, activation, channels: Int(p.in_c) * Int(p.multiplier))
    p.input_zero_point = operands.inputZeroPoint
    p.weight_zero_point = operands.weightZeroPoint
    p.output_zero_point = operands.outputZeroPoint
    p.clamp_min = operands.clamp.lowerBound
    p.clamp_max = operands.clamp.upperBound
    let packed = try Packing.depthwise(p, operands)
    try checkSize(packed, withUnsafePointer(to: p) { martlet_depthwise_weights_bytes($0) })
    let constant = try makeConstant(packed, name: value(node.inputs[1] ?? 0).name)
    let output = try result(node)
    append(DeviceOperator(.depthwise, node.origin, inputs: [operands.input], output: output, constant: constant, p))
  }

  /// Our layout and the kernels' idea of it must agree to the byte.
  private func checkSize(_ packed: [UInt8], _ expected: Int) throws(ConversionError) {
    guard packed.count == expected else {
      throw .badData("packed weights take \(packed.count) bytes, the kernel expects \(expected)")
    }
  }
}
