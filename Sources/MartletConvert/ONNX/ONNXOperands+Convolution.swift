/// Operators that multiply by constant weights.
extension ONNXOperands {
  /// Constant weights with their axes in another order, as a value of the graph; the axis of their scales moves along.
  private func weights(_ tensor: ONNXTensor, _ view: StridedView, channelAxis: Int) throws(ConversionError) -> Int {
    var quantization = tensor.quantization
    quantization?.dimension = channelAxis
    let channels = view.shape[channelAxis]
    if let quantization, quantization.scales.count != 1, quantization.scales.count != channels {
      throw .unsupported("weights have \(quantization.scales.count) scales for \(channels) channels")
    }
    return try importer.makeConstant(
      tensor.viewed(view).reals, shape: view.shape, name: node.input.count > 1 ? node.input[1] : "",
      quantization: quantization)
  }

  private func bias(_ tensor: ONNXTensor?, channels: Int) throws(ConversionError) -> Int? {
    guard let tensor else { return nil }
    guard tensor.count == channels else { throw .badData("bias has \(tensor.count) elements for \(channels) channels") }
    return try importer.makeConstant(tensor.reals, shape: [channels], name: "bias")
  }

  /// Sizes of `rank - 2` spatial axes as height and width; one axis is the width.
  func size(_ numbers: [Int]?, rank: Int, _ what: String, limit: Int = 4096) throws(ConversionError) -> Size {
    guard let numbers else { return Size(1, 1) }
    guard numbers.count == rank - 2, numbers.allSatisfy({ (1...limit).contains($0) }) else {
      throw .badData("\(what) \(numbers) is not valid")
    }
    return rank == 3 ? Size(1, numbers[0]) : Size(numbers[0], numbers[1])
  }

  /// Where a window starts, and how many places it has.
  func window(input: Size, kernel: Size, stride: Size, dilation: Size, rank: Int, roundsUp: Bool = false)
    throws(ConversionError) -> (motion: WindowMotion, output: Size, end: Size)
  {
    let extent = Size((kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1)
    var (begin, end) = (Size(0, 0), Size(0, 0))
    let automatic = try word("auto_pad", of: "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    switch automatic {
    case "NOTSET":
      let pads = integers("pads") ?? Array(repeating: 0, count: 2 * (rank - 2))
      guard pads.count == 2 * (rank - 2), pads.allSatisfy({ (0...4096).contains($0) }) else {
        throw .badData("pads \(pads) are not valid")
      }
      begin = rank == 3 ? Size(0, pads[0]) : Size(pads[0], pads[1])
      end = rank == 3 ? Size(0, pads[1]) : Size(pads[2], pads[3])
    case "SAME_UPPER", "SAME_LOWER":
      func both(_ input: Int, _ extent: Int, _ stride: Int) -> (Int, Int) {
        let total = max(0, ((input + stride - 1) / stride - 1) * stride + extent - input)
        let small = total / 2
        return automatic == "SAME_UPPER" ? (small, total - small) : (total - small, small)
      }
      (begin.height, end.height) = both(input.height, extent.height, stride.height)
      (begin.width, end.width) = both(input.width, extent.width, stride.width)
    case "VALID": break
    default: throw .badData("auto_pad '\(automatic)' is not valid")
    }
    func places(_ input: Int, _ begin: Int, _ end: Int, _ extent: Int, _ stride: Int) -> Int {
      let room = input + begin + end - extent
      guard room >= 0 else { return 0 }
      let count = (roundsUp ? room + stride - 1 : room) / stride + 1
      // A window must not start behind the picture.
      return roundsUp && (count - 1) * stride >= input + begin ? count - 1 : count
    }
    let output = Size(
      places(input.height, begin.height, end.height, extent.height, stride.height),
      places(input.width, begin.width, end.width, extent.width, stride.width))
    guard output.height > 0, output.width > 0 else {
      throw .badData("kernel \(extent.height)x\(extent.width) is larger than the \(input.height)x\(input.width) input")
    }
    return (WindowMotion(stride: stride, dilation: dilation, padding: begin), output, end)
  }

  func importConvolution() throws(ConversionError) {
    try expectInputs(2...(node.opType == "FusedConv" ? 4 : 3))
    guard !hasInput(3) else { throw .unsupported("a fused sum is not supported") }
    let bias = hasInput(2) ? try requireConstant(2, "bias") : nil
    let source = try computed(0)
    let value = try convolution(source, try requireConstant(1, "weights"), bias)
    var result = value
    if node.opType == "FusedConv" {
      let name = text("activation", default: "")
      guard name == "Relu" || name.isEmpty else {
        throw .unsupported("the fused activation '\(name)' is not supported")
      }
      if name == "Relu" { result = append(.unary(.relu), [value], importer.graph.values[value].shape) }
    }
    try definePicture(result, like: source)
  }

  /// [N, H, W, O] of a picture and weights [O, C / groups, KH, KW].
  func convolution(_ source: Computed, _ kernel: ONNXTensor, _ bias: ONNXTensor?) throws(ConversionError) -> Int {
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    let rank = source.layout.count
    guard kernel.shape.count == rank, kernel.count > 0 else {
      throw .badData("weights have the shape \(kernel.shape), expected \(rank) dimensions")
    }
    let k = rank == 3 ? [kernel.shape[0], kernel.shape[1], 1, kernel.shape[2]] : kernel.shape
    if let stated = integers("kernel_shape"), stated != Array(kernel.shape.dropFirst(2)) {
      throw .badData("kernel_shape \(stated) is not that of the weights, \(kernel.shape)")
    }
    let groups = integer("group", default: 1)
    guard groups >= 1, shape[3] == k[1] * groups, k[0] % groups == 0 else {
      throw .badData("weights \(kernel.shape) in \(groups) groups do not fit \(shape[3]) input channels")
    }
    let stride = try size(integers("strides"), rank: rank, "strides")
    let dilation = try size(integers("dilations"), rank: rank, "dilations")
    let (motion, output, _) = try window(
      input: Size(shape[1], shape[2]), kernel: Size(k[2], k[3]), stride: stride, dilation: dilation, rank: rank)
    let result = [shape[0], output.height, output.width, k[0]]
    let dense = StridedView.dense(k)
    let biasValue = try self.bias(bias, channels: k[0])
    if groups == shape[3], groups > 1 {
      let view = dense.permuted([1, 2, 3, 0])
      let weights = try weights(kernel, view, channelAxis: 3)
      return append(
        .depthwise(motion, multiplier: k[0] / shape[3], .none), [picture, weights, biasValue], result)
    }
    let weights = try weights(kernel, dense.permuted([0, 2, 3, 1]), channelAxis: 0)
    return append(.convolution(motion, groups: groups, .none), [picture, weights, biasValue], result)
  }

  func importTransposedConvolution() throws(ConversionError) {
    try expectInputs(2...3)
    let source = try computed(0)
    let rank = source.layout.count
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    let kernel = try requireConstant(1, "weights")
    guard kernel.shape.count == rank, kernel.count > 0 else {
      throw .badData("weights have the shape \(kernel.shape), expected \(rank) dimensions")
    }
    // [C, O / groups, KH, KW]
    let k = rank == 3 ? [kernel.shape[0], kernel.shape[1], 1, kernel.shape[2]] : kernel.shape
    if let stated = integers("kernel_shape"), stated != Array(kernel.shape.dropFirst(2)) {
      throw .badData("kernel_shape \(stated) is not that of the weights, \(kernel.shape)")
    }
    guard integer("group", default: 1) == 1 else { throw .unsupported("groups are not supported") }
    guard k[0] == shape[3] else { throw .badData("weights \(kernel.shape) do not fit \(shape[3]) input channels") }
    let stride = try size(integers("strides"), rank: rank, "strides", limit: 64)
    let dilation = try size(integers("dilations"), rank: rank, "dilations")
    guard dilation == Size(1, 1) else { throw .unsupported("dilations are not supported") }
    func pair(_ numbers: [Int]?, _ what: String) throws(ConversionError) -> Size {
      guard let numbers else { return Size(0, 0) }
      guard numbers.count == rank - 2, numbers.allSatisfy({ (0...4096).contains($0) }) else {
        throw .badData("\(what) \(numbers) is not valid")
      }
      return rank == 3 ? Size(0, numbers[0]) : Size(numbers[0], numbers[1])
    }
    let extra = try pair(integers("output_padding"), "output_padding")
    var (begin, end) = (Size(0, 0), Size(0, 0))
    func full(_ input: Int, _ stride: Int, _ kernel: Int, _ extra: Int) -> Int { (input - 1) * stride + kernel + extra }
    let whole = Size(
      full(shape[1], stride.height, k[2], extra.height), full(shape[2], stride.width, k[3], extra.width))
    let automatic = try word("auto_pad", of: "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
    var asked = integers("output_shape")
    if automatic.hasPrefix("SAME"), asked == nil {
      asked = rank == 3 ? [shape[2] * stride.width] : [shape[1] * stride.height, shape[2] * stride.width]
    }
    if let asked {
      let output = try size(
        asked.count == rank ? Array(asked.dropFirst(2)) : asked, rank: rank, "output_shape", limit: 1 << 16)
      func cut(_ whole: Int, _ output: Int) -> (Int, Int) {
        let total = max(0, whole - output)
        let small = total / 2
        return automatic == "SAME_UPPER" ? (small, total - small) : (total - small, small)
      }
      guard whole.height >= output.height, whole.width >= output.width else {
        throw .unsupported("output_shape \(asked) is larger than the full result")
      }
      (begin.height, end.height) = cut(whole.height, output.height)
      (begin.width, end.width) = cut(whole.width, output.width)
    } else if let pads = integers("pads"), automatic == "NOTSET" {
      guard pads.count == 2 * (rank - 2), pads.allSatisfy({ (0...4096).contains($0) }) else {
        throw .badData("pads \(pads) are not valid")
      }
      begin = rank == 3 ? Size(0, pads[0]) : Size(pads[0], pads[1])
      end = rank == 3 ? Size(0, pads[1]) : Size(pads[2], pads[3])
    }
    let output = Size(whole.height - begin.height - end.height, whole.width - begin.width - end.width)
    guard output.height > 0, output.width > 0 else { throw .badData("pads leave nothing of the result") }
    guard begin.height < k[2], begin.width < k[3] else { throw .unsupported("pads are larger than the kernel") }
    let weights = try weights(kernel, StridedView.dense(k).permuted([1, 2, 3, 0]), channelAxis: 0)
    let bias = hasInput(2) ? try requireConstant(2, "bias") : nil
    let value = append(
      .transposedConvolution(WindowMotion(stride: stride, padding: begin), .none),
      [picture, weights, try self.bias(bias, channels: k[1])], [shape[0], output.height, output.width, k[1]])
    try definePicture(value, like: source)
  }

  func importGemm() throws(ConversionError) {
    try expectInputs(2...3)
    let source = try computed(0)
    guard integer("transA") == 0 else { throw .unsupported("transA is not supported on a computed input") }
    let kernel = try requireConstant(1, "B")
    guard source.layout.count == 2, kernel.shape.count == 2 else {
      throw .badData("inputs have the shapes \(shape(source)) and \(kernel.shape), expected 2 dimensions")
    }
    var bias: ONNXTensor?
    if hasInput(2) {
      bias = try requireConstant(2, "C")
      let beta = real("beta", default: 1)
      if beta != 1, let tensor = bias { bias = ONNXTensor(reals: tensor.reals.map { $0 * beta }, shape: tensor.shape) }
    }
    let alpha = real("alpha", default: 1)
    var scaled = alpha == 1 ? kernel : ONNXTensor(reals: kernel.reals.map { $0 * alpha }, shape: kernel.shape)
    if var quantization = kernel.quantization, alpha > 0 {
      quantization.scales = quantization.scales.map { $0 * alpha }
      scaled.quantization = quantization
    }
    let value = try fullyConnected(source, scaled, isTransposed: integer("transB") != 0, bias)
    try define(value, layout: [0, 1])
  }

  func importMatMul() throws(ConversionError) {
    try expectInputs(2...2)
    if case .constant = try input(0) {
      throw .unsupported("the first operand is a constant, expected the second to be")
    }
    let source = try computed(0)
    guard let kernel = try constant(1) else {
      throw .unsupported("both operands are computed, expected constant weights")
    }
    guard kernel.shape.count == 2 else {
      throw .unsupported("the weights have \(kernel.shape.count) dimensions, expected 2")
    }
    let value = try fullyConnected(source, kernel, isTransposed: false, nil)
    try define(value, layout: Array(source.layout.indices))
  }

  /// [..., outputs] of rows [..., depth] and weights [depth, outputs], or the other way round if transposed.
  func fullyConnected(_ source: Computed, _ kernel: ONNXTensor, isTransposed: Bool, _ bias: ONNXTensor?)
    throws(ConversionError) -> Int
  {
    let rows = arranged(source, Array(source.layout.indices))
    let shape = importer.graph.values[rows].shape
    let dense = StridedView.dense(kernel.shape)
    let view = isTransposed ? dense : dense.permuted([1, 0])
    guard shape.last == view.shape[1], kernel.count > 0 else {
      throw .badData("weights \(kernel.shape) do not fit input \(shape)")
    }
    let outputs = view.shape[0]
    let weights = try weights(kernel, view, channelAxis: 0)
    let result = Array(shape.dropLast()) + [outputs]
    guard let bias else { return append(.fullyConnected(.none), [rows, weights, nil], result) }
    if bias.count == outputs || bias.count == 1 {
      let each = bias.count == outputs ? bias.reals : Array(repeating: bias.reals[0], count: outputs)
      let value = try importer.makeConstant(each, shape: [outputs], name: "bias")
      return append(.fullyConnected(.none), [rows, weights, value], result)
    }
    guard bias.shape == result || bias.count == result[0] && bias.shape.last == 1 else {
      throw .badData("C has the shape \(bias.shape) for a result of \(result)")
    }
    let product = append(.fullyConnected(.none), [rows, weights, nil], result)
    let added = try importer.makeConstant(bias.reals, shape: bias.shape, name: "C")
    return append(.add(.none), [product, added], result)
  }

  /// A factor and a summand for each channel; both go into the weights of the layer before where there is one.
  func importBatchNormalization() throws(ConversionError) {
    try expectInputs(5...5)
    guard integer("training_mode") == 0 else { throw .unsupported("training mode is not supported") }
    try expectOneOutput()
    let source = try computed(0)
    let rank = source.layout.count
    guard rank >= 2 else { throw .badData("input has \(rank) dimensions, expected 2 or more") }
    let channels = shape(source)[1]
    var parameters: [[Float]] = []
    for (index, what) in ["scale", "bias", "mean", "variance"].enumerated() {
      let tensor = try requireConstant(index + 1, what)
      guard tensor.count == channels else {
        throw .badData("\(what) has \(tensor.count) elements for \(channels) channels")
      }
      parameters.append(tensor.reals)
    }
    let epsilon = Double(real("epsilon", default: 1e-5))
    var (factors, summands): ([Float], [Float]) = ([], [])
    for channel in 0..<channels {
      let factor = Double(parameters[0][channel]) / (Double(parameters[3][channel]) + epsilon).squareRoot()
      factors.append(Float(factor))
      summands.append(Float(Double(parameters[1][channel]) - Double(parameters[2][channel]) * factor))
    }
    let layout = [0] + (2..<rank) + [1]
    let value = arranged(source, layout)
    let stored = importer.graph.values[value].shape
    let factor = try importer.makeConstant(factors, shape: [channels], name: "factor")
    let summand = try importer.makeConstant(summands, shape: [channels], name: "summand")
    let product = append(.multiply(.none), [value, factor], stored)
    try define(append(.add(.none), [product, summand], stored), layout: layout)
  }
}
