extension Operands {
  /// Turns the source operator into graph nodes.
  func importOperation() throws(ConversionError) {
    switch code {
    case .conv2D: try importConvolution()
    case .depthwiseConv2D: try importDepthwise()
    case .fullyConnected: try importFullyConnected()
    case .transposeConv: try importTransposedConvolution()
    case .averagePool2D, .maxPool2D: try importPool()
    case .mean: try importMean()
    case .add: try importBinary(.add(activation(0)))
    case .sub: try importBinary(.subtract(activation(0)))
    case .mul: try importBinary(.multiply(activation(0)))
    case .maximum: try importExtremum(minimum: false)
    case .minimum: try importExtremum(minimum: true)
    case .prelu: try importPrelu()
    case .softmax: try importSoftmax()
    case .logistic: try importUnary(.logistic)
    case .tanh: try importUnary(.tanh)
    case .hardSwish: try importUnary(.hardSwish)
    case .relu: try importUnary(.relu)
    case .reluN1To1: try importUnary(.reluN1To1)
    case .relu6: try importUnary(.relu6)
    case .relu0To1: try importUnary(.relu0To1)
    case .leakyRelu: try importUnary(.leakyRelu(alpha: floatOption(0)))
    case .quantize: try importQuantize()
    case .dequantize: try importDequantize()
    case .argMax: try importArgument(minimum: false)
    case .argMin: try importArgument(minimum: true)
    case .resizeBilinear, .resizeNearestNeighbor: try importResize()
    case .reshape, .squeeze, .expandDims: try importReshape()
    case .shape: try importShape()
    case .concatenation: try importConcatenation()
    case .pack: try importPack()
    case .unpack: try importUnpack()
    case .pad, .padV2: try importPad()
    case .transpose: try importTranspose()
    case .slice: try importSlice()
    case .stridedSlice: try importStridedSlice()
    case .split, .splitV: try importSplit()
    case .spaceToDepth, .depthToSpace: try importBlocks()
    }
  }

  private func importPool() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    try requireRank(4, of: input, "input")
    let shape = value(input).shape
    let stride = Size(try positiveOption(2, "stride"), try positiveOption(1, "stride"))
    let kernel = Size(try positiveOption(4, "window"), try positiveOption(3, "window"))
    let (size, padding) = try window(
      input: Size(shape[1], shape[2]), kernel: kernel, stride: stride, dilation: Size(1, 1),
      isSame: isSamePadding(0))
    let output = try quantizedOutput(shape: [shape[0], size.height, size.width, shape[3]])
    // The reference does not look at the two scales; it only asserts, in debug builds, that they are about the same.
    let (a, b) = (value(input).quantization, value(output).quantization)
    guard a?.zeroPoints == b?.zeroPoints, abs((a?.scales[0] ?? 0) - (b?.scales[0] ?? 0)) <= 1e-6
    else { throw .unsupported("input and output have different scales or zero points") }
    let motion = WindowMotion(stride: stride, padding: padding)
    let activation = try activation(5)
    append(
      code == .averagePool2D
        ? .averagePool(window: kernel, motion, activation) : .maxPool(window: kernel, motion, activation),
      [input], [output])
  }

  private func importMean() throws(ConversionError) {
    try expectInputs(2...2)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    let shape = value(input).shape
    var axes: Set<Int> = []
    for number in try constantIntegers(1) { axes.insert(try axis(number, rank: shape.count)) }
    let keepsDimensions = try flag(0)
    var outputShape: [Int] = []
    for (index, size) in shape.enumerated() {
      if !axes.contains(index) {
        outputShape.append(size)
      } else if keepsDimensions {
        outputShape.append(1)
      }
    }
    let output = try quantizedOutput(shape: outputShape)
    append(.mean(axes: axes.sorted()), [input], [output])
  }

  /// The shape that two broadcast operands give.
  private func broadcast(_ a: [Int], _ b: [Int]) throws(ConversionError) -> [Int] {
    let rank = max(a.count, b.count)
    let left = Array(repeating: 1, count: rank - a.count) + a
    let right = Array(repeating: 1, count: rank - b.count) + b
    var shape: [Int] = []
    for (x, y) in zip(left, right) {
      guard x == y || x == 1 || y == 1 else { throw .badData("shapes \(a) and \(b) cannot be broadcast") }
      shape.append(max(x, y))
    }
    return shape
  }

  private func importBinary(_ operation: @autoclosure () throws(ConversionError) -> Operation)
    throws(ConversionError)
  {
    try expectInputs(2...2)
    try expectOutputs(1)
    let first = try quantizedInput(0)
    let second = try quantizedInput(1)
    guard value(first).isUnsigned == value(second).isUnsigned else {
      throw .unsupported("one input is uint8, the other int8")
    }
    let output = try quantizedOutput(shape: broadcast(value(first).shape, value(second).shape))
    append(try operation(), [first, second], [output])
  }

  /// The reference compares the integers, whatever they stand for.
  private func importExtremum(minimum: Bool) throws(ConversionError) {
    try importBinary(.extremum(minimum: minimum))
    guard let node = importer.graph.nodes.last else { return }
    for case let input? in node.inputs { try requireSameQuantization(input, node.outputs[0]) }
  }

  private func importPrelu() throws(ConversionError) {
    try expectInputs(2...2)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    let alpha = try quantizedInput(1)
    let shape = value(input).shape
    guard try broadcast(shape, value(alpha).shape) == shape else {
      throw .badData("alpha \(value(alpha).shape) does not fit input \(shape)")
    }
    append(.prelu, [input, alpha], [try quantizedOutput(shape: shape)])
  }

  private func importSoftmax() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    guard !value(input).shape.isEmpty else { throw .badData("input is a scalar") }
    let output = try quantizedOutput(shape: value(input).shape)
    let quantization = value(output).quantization
    guard importer.isFloat || quantization != nil else { throw .unsupported("output has no scale") }
    guard case let scale = quantization?.scales[0] ?? 1 / 256, abs(scale - 1 / 256) <= 0.001 / 256,
      quantization?.zeroPoints[0] ?? -128 == -128
    else { throw .unsupported("output scale is not 1/256 with the lowest zero point") }
    let beta = try floatOption(0)
    guard beta.isFinite, beta > 0 else { throw .badData("beta \(beta) is not positive") }
    append(.softmax(beta: beta), [input], [output])
  }

  private func importUnary(_ function: @autoclosure () throws(ConversionError) -> UnaryFunction)
    throws(ConversionError)
  {
    try expectInputs(1...1)
    try expectOutputs(1)
    let function = try function()
    let input = try quantizedInput(0)
    let output = try quantizedOutput(shape: value(input).shape)
    if case .logistic = function, !importer.isFloat, value(output).quantization?.scales[0] != 1 / 256 {
      throw .unsupported("output scale is not 1/256")
    }
    if case .leakyRelu(let alpha) = function, !alpha.isFinite { throw .badData("alpha is not finite") }
    append(.unary(function), [input], [output])
  }

  private func importQuantize() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let input = try input(0)
    if value(input).type == .float32 {
      try checkConstant(input, "input 0")
      append(.quantize, [input], [try quantizedOutput(shape: value(input).shape)])
      return
    }
    try requireQuantized(input, "input 0")
    append(.unary(.requantize), [input], [try quantizedOutput(shape: value(input).shape)])
  }

  private func importDequantize() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    let output = try output(shape: value(input).shape)
    guard value(output).type == .float32 else { throw .unsupported("output is not float32") }
    if importer.isFloat { return append(.reshape, [input], [output]) }
    append(.dequantize, [input], [output])
  }

  private func importArgument(minimum: Bool) throws(ConversionError) {
    try expectInputs(2...2)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    let shape = value(input).shape
    let axes = try constantIntegers(1, limit: 1)
    guard axes.count == 1 else { throw .badData("expected one axis") }
    let axis = try axis(axes[0], rank: shape.count)
    var outputShape = shape
    outputShape.remove(at: axis)
    let output = try output(shape: outputShape)
    guard value(output).type == .int32 || value(output).type == .int64 else {
      throw .unsupported("output is \(value(output).type.rawValue), expected int32 or int64")
    }
    append(.argument(axis: axis, minimum: minimum), [input], [output])
  }

  private func importResize() throws(ConversionError) {
    try expectInputs(2...2)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    try requireRank(4, of: input, "input")
    let size = try constantIntegers(1, limit: 2)
    guard size.count == 2, size.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }) else {
      throw .badData("output size \(size) is not valid")
    }
    let isBilinear = code == .resizeBilinear
    let alignCorners = try flag(isBilinear ? 2 : 0)
    let halfPixelCenters = try flag(isBilinear ? 3 : 1)
    guard !(alignCorners && halfPixelCenters) else {
      throw .badData("align_corners and half_pixel_centers are both set")
    }
    let shape = value(input).shape
    let output = try quantizedOutput(shape: [shape[0], size[0], size[1], shape[3]])
    try requireSameQuantization(input, output)
    append(
      isBilinear
        ? .resizeBilinear(alignCorners: alignCorners, halfPixelCenters: halfPixelCenters)
        : .resizeNearest(alignCorners: alignCorners, halfPixelCenters: halfPixelCenters),
      [input], [output])
  }
}
