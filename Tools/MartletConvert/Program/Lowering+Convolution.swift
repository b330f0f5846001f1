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
    var weightShape: [Int]
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
      weightShape: value(weightsIndex).shape, bias: bias, rescale: rescale)
  }

  mutating func lowerConvolution(_ node: Node, _ motion: WindowMotion, groups: Int, _ activation: Activation)
    throws(ConversionError)
  {
    let outputShape = value(node.outputs[0]).shape
    let operands = try convolutionOperands(node, activation, channels: outputShape[3])
    let inputShape = program.tensors[operands.input].shape
    var p = parameters(operands, input: inputShape, output: outputShape)
    p.kernel_h = Int32(operands.weightShape[1])
    p.kernel_w = Int32(operands.weightShape[2])
    p.stride_h = Int32(motion.stride.height)
    p.stride_w = Int32(motion.stride.width)
    p.dilation_h = Int32(motion.dilation.height)
    p.dilation_w = Int32(motion.dilation.width)
    p.pad_top = Int32(motion.padding.height)
    p.pad_left = Int32(motion.padding.width)
    p.groups = Int32(groups)
    try finishConvolution(node, operands, p)
  }

  mutating func lowerFullyConnected(_ node: Node, _ activation: Activation) throws(ConversionError) {
    guard let weights = node.inputs[1] else { throw .badData("an operand is missing") }
    let (outputs, depth) = (value(weights).shape[0], value(weights).shape[1])
    let operands = try convolutionOperands(node, activation, channels: outputs, asDouble: true)
    let rows = program.tensors[operands.input].count / depth
    var p = parameters(operands, input: [1, 1, rows, depth], output: [1, 1, rows, outputs])
    p.double_rescale = 1
    try finishConvolution(node, operands, p)
  }

  mutating func lowerTransposedConvolution(_ node: Node, _ motion: WindowMotion, _ activation: Activation)
    throws(ConversionError)
  {
    let outputShape = value(node.outputs[0]).shape
    var operands = try convolutionOperands(node, activation, channels: outputShape[3])
    let inputShape = program.tensors[operands.input].shape
    let (height, width) = (operands.weightShape[1], operands.weightShape[2])
    // Scattering with a kernel is gathering with the kernel turned around.
    operands.weights = ArraySlice(
      Packing.turned(operands.weights, outputs: outputShape[3], height: height, width: width, depth: inputShape[3]))
    var p = parameters(operands, input: inputShape, output: outputShape)
    p.kernel_h = Int32(height)
    p.kernel_w = Int32(width)
    p.input_step_h = Int32(motion.stride.height)
    p.input_step_w = Int32(motion.stride.width)
    guard height - 1 >= motion.padding.height, width - 1 >= motion.padding.width else {
      throw .unsupported("padding is larger than the kernel")
    }
    p.pad_top = Int32(height - 1 - motion.padding.height)
    p.pad_left = Int32(width - 1 - motion.padding.width)
    try finishConvolution(node, operands, p)
  }

  private func parameters(_ operands: ConvolutionOperands, input: [Int], output: [Int]) -> martlet_conv2d_params {
    var p = martlet_conv2d_params()
    (p.batch, p.in_h, p.in_w, p.in_c) = (Int32(input[0]), Int32(input[1]), Int32(input[2]), Int32(input[3]))
    (p.out_h, p.out_w, p.out_c) = (Int32(output[1]), Int32(output[2]), Int32(output[3]))
    (p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w) = (1, 1, 1, 1, 1, 1)
    (p.groups, p.input_step_h, p.input_step_w) = (1, 1, 1)
    p.input_zero_point = operands.inputZeroPoint
    p.weight_zero_point = operands.weightZeroPoint
    p.output_zero_point = operands.outputZeroPoint
    p.clamp_min = operands.clamp.lowerBound
    p.clamp_max = operands.clamp.upperBound
    return p
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

  mutating func lowerDepthwise(_ node: Node, _ motion: WindowMotion, multiplier: Int, _ activation: Activation)
    throws(ConversionError)
  {
    let outputShape = value(node.outputs[0]).shape
    let operands = try convolutionOperands(node, activation, channels: outputShape[3])
    let inputShape = program.tensors[operands.input].shape
    var p = martlet_depthwise_params()
    p.batch = Int32(inputShape[0])
    (p.in_h, p.in_w, p.in_c) = (Int32(inputShape[1]), Int32(inputShape[2]), Int32(inputShape[3]))
    (p.out_h, p.out_w, p.multiplier) = (Int32(outputShape[1]), Int32(outputShape[2]), Int32(multiplier))
    (p.kernel_h, p.kernel_w) = (Int32(operands.weightShape[1]), Int32(operands.weightShape[2]))
    (p.stride_h, p.stride_w) = (Int32(motion.stride.height), Int32(motion.stride.width))
    (p.dilation_h, p.dilation_w) = (Int32(motion.dilation.height), Int32(motion.dilation.width))
    (p.pad_top, p.pad_left) = (Int32(motion.padding.height), Int32(motion.padding.width))
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
