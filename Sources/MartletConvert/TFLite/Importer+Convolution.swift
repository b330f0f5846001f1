extension Operands {
  /// Output size and leading padding of a window that moves over `input`, as TensorFlow defines SAME and VALID.
  func window(input: Size, kernel: Size, stride: Size, dilation: Size, isSame: Bool)
    throws(ConversionError) -> (output: Size, padding: Size)
  {
    func one(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> (Int, Int) {
      let extent = (kernel - 1) * dilation + 1
      let output = isSame ? (input + stride - 1) / stride : (input - extent + stride) / stride
      let padding = isSame ? max(0, (output - 1) * stride + extent - input) / 2 : 0
      return (input < extent && !isSame ? 0 : output, padding)
    }
    let (height, top) = one(input.height, kernel.height, stride.height, dilation.height)
    let (width, left) = one(input.width, kernel.width, stride.width, dilation.width)
    guard height > 0, width > 0 else {
      throw .badData("kernel \(kernel.height)x\(kernel.width) is larger than the \(input.height)x\(input.width) input")
    }
    return (Size(height, width), Size(top, left))
  }

  /// 0 is SAME, 1 is VALID.
  func isSamePadding(_ field: Int) throws(ConversionError) -> Bool {
    let padding = try byteOption(field)
    guard padding == 0 || padding == 1 else { throw .badData("padding \(padding) is neither SAME nor VALID") }
    return padding == 0
  }

  /// Constant int8 weights whose scales are one, or one per index of axis `channelAxis`.
  ///
  /// `quantized_dimension` is not relied upon: person_detect has wrong ones, which tensorflow's micro runtime takes.
  func weights(_ index: Int, rank: Int, channelAxis: Int) throws(ConversionError) -> Int {
    let found = try input(index)
    let value = value(found)
    if importer.isFloat, value.type == .float32 {
      guard value.constant != nil else { throw .unsupported("weights are computed, expected a constant") }
      try requireRank(rank, of: found, "weights")
      try checkConstant(found, "weights")
      return found
    }
    guard value.type == .int8 else {
      let hint = value.type == .float32 ? "; quantize the model to int8 first" : ""
      throw .unsupported("weights are \(value.type.rawValue), only int8 and uint8 are supported\(hint)")
    }
    guard value.constant != nil else { throw .unsupported("weights are computed, expected a constant") }
    try requireRank(rank, of: found, "weights")
    guard let quantization = value.quantization else { throw .unsupported("weights have no quantization parameters") }
    let channels = value.shape[channelAxis]
    guard quantization.scales.count == 1 || quantization.scales.count == channels else {
      throw .badData("weights have \(quantization.scales.count) scales for \(channels) channels")
    }
    guard let zeroPoint = quantization.zeroPoints.first, quantization.zeroPoints.allSatisfy({ $0 == zeroPoint }) else {
      throw .unsupported("weights have a zero point for each channel")
    }
    guard (-128...127).contains(zeroPoint) else { throw .badData("weights have zero point \(zeroPoint)") }
    guard zeroPoint == 0 || value.isUnsigned || code == .fullyConnected && quantization.scales.count == 1 else {
      throw .unsupported("int8 weights have zero point \(zeroPoint), expected 0")
    }
    guard quantization.scales.count == 1 || !value.isUnsigned else {
      throw .unsupported("uint8 weights have a scale for each channel")
    }
    try checkConstant(found, "weights")
    return found
  }

  /// Activations and weights are all int8 or all uint8.
  func requireSameSign(_ input: Int, _ weights: Int, _ output: Int) throws(ConversionError) {
    let isUnsigned = value(input).isUnsigned
    guard value(weights).isUnsigned == isUnsigned, value(output).isUnsigned == isUnsigned else {
      throw .unsupported("int8 and uint8 are mixed")
    }
  }

  /// Constant int32 bias of `channels` elements, or nil.
  func bias(_ index: Int, channels: Int) throws(ConversionError) -> Int? {
    guard hasInput(index) else { return nil }
    let found = try input(index)
    let value = value(found)
    let expected: ValueType = importer.isFloat ? .float32 : .int32
    guard value.type == expected else {
      throw .unsupported("bias is \(value.type.rawValue), expected \(expected.rawValue)")
    }
    guard value.constant != nil else { throw .unsupported("bias is computed, expected a constant") }
    guard value.count == channels else { throw .badData("bias has \(value.count) elements for \(channels) channels") }
    try checkConstant(found, "bias")
    return found
  }

  func importConvolution() throws(ConversionError) {
    try expectInputs(2...3)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    try requireRank(4, of: input, "input")
    let weights = try weights(1, rank: 4, channelAxis: 0)
    let shape = value(input).shape
    let kernel = value(weights).shape
    let bias = try bias(2, channels: kernel[0])
    guard shape[3] % kernel[3] == 0 else {
      throw .badData("weights of depth \(kernel[3]) do not divide the input's \(shape[3]) channels")
    }
    let groups = shape[3] / kernel[3]
    guard kernel[0] % groups == 0 else {
      throw .badData("\(kernel[0]) output channels are not a multiple of \(groups) groups")
    }
    let stride = Size(try positiveOption(2, "stride"), try positiveOption(1, "stride"))
    let dilation = Size(
      try positiveOption(5, "dilation", default: 1), try positiveOption(4, "dilation", default: 1))
    let (size, padding) = try window(
      input: Size(shape[1], shape[2]), kernel: Size(kernel[1], kernel[2]), stride: stride, dilation: dilation,
      isSame: isSamePadding(0))
    let output = try quantizedOutput(shape: [shape[0], size.height, size.width, kernel[0]])
    try requireSameSign(input, weights, output)
    let motion = WindowMotion(stride: stride, dilation: dilation, padding: padding)
    append(.convolution(motion, groups: groups, try activation(3)), [input, weights, bias], [output])
  }

  func importDepthwise() throws(ConversionError) {
    try expectInputs(2...3)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    try requireRank(4, of: input, "input")
    let weights = try weights(1, rank: 4, channelAxis: 3)
    let shape = value(input).shape
    let kernel = value(weights).shape
    let bias = try bias(2, channels: kernel[3])
    guard kernel[0] == 1, kernel[3] % shape[3] == 0 else {
      throw .badData("weights \(kernel) do not fit \(shape[3]) input channels")
    }
    let stride = Size(try positiveOption(2, "stride"), try positiveOption(1, "stride"))
    let dilation = Size(
      try positiveOption(6, "dilation", default: 1), try positiveOption(5, "dilation", default: 1))
    let (size, padding) = try window(
      input: Size(shape[1], shape[2]), kernel: Size(kernel[1], kernel[2]), stride: stride, dilation: dilation,
      isSame: isSamePadding(0))
    let output = try quantizedOutput(shape: [shape[0], size.height, size.width, kernel[3]])
    try requireSameSign(input, weights, output)
    let motion = WindowMotion(stride: stride, dilation: dilation, padding: padding)
    append(
      .depthwise(motion, multiplier: kernel[3] / shape[3], try activation(4)), [input, weights, bias], [output])
  }

  func importFullyConnected() throws(ConversionError) {
    try expectInputs(2...3)
    try expectOutputs(1)
    guard try byteOption(1) == 0 else { throw .unsupported("shuffled weights are not supported") }
    let input = try quantizedInput(0)
    let weights = try weights(1, rank: 2, channelAxis: 0)
    let shape = value(input).shape
    let kernel = value(weights).shape
    let bias = try bias(2, channels: kernel[0])
    guard value(input).count % kernel[1] == 0 else {
      throw .badData("input of \(value(input).count) elements is not a multiple of depth \(kernel[1])")
    }
    let keepsDimensions = try flag(2)
    guard !keepsDimensions || shape.last == kernel[1] else {
      throw .badData("input \(shape) does not end in the weights' depth \(kernel[1])")
    }
    let outputShape = keepsDimensions ? shape.dropLast() + [kernel[0]] : [value(input).count / kernel[1], kernel[0]]
    let output = try quantizedOutput(shape: Array(outputShape))
    try requireSameSign(input, weights, output)
    append(.fullyConnected(try activation(0)), [input, weights, bias], [output])
  }

  func importTransposedConvolution() throws(ConversionError) {
    try expectInputs(3...4)
    try expectOutputs(1)
    let shape = try constantIntegers(0, limit: 4)
    let weights = try weights(1, rank: 4, channelAxis: 0)
    let input = try quantizedInput(2)
    try requireRank(4, of: input, "input")
    let kernel = value(weights).shape
    let bias = try bias(3, channels: kernel[0])
    let inputShape = value(input).shape
    let stride = Size(try positiveOption(2, "stride", limit: 64), try positiveOption(1, "stride", limit: 64))
    guard shape.count == 4, shape[0] == inputShape[0], shape[3] == kernel[0], inputShape[3] == kernel[3] else {
      throw .badData("output shape \(shape) does not fit input \(inputShape) and weights \(kernel)")
    }
    // The padding is that of a convolution from the output's size to the input's.
    let (_, padding) = try window(
      input: Size(shape[1], shape[2]), kernel: Size(kernel[1], kernel[2]), stride: stride, dilation: Size(1, 1),
      isSame: isSamePadding(0))
    let output = try quantizedOutput(shape: shape)
    try requireSameSign(input, weights, output)
    append(
      .transposedConvolution(WindowMotion(stride: stride, padding: padding), try activation(3)),
      [input, weights, bias], [output])
  }
}
