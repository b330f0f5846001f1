import Foundation

/// Quantized models. Between a QuantizeLinear and its DequantizeLinear the graph has one float value that knows its
/// scale and zero point; the QLinear operators become the operator in real numbers with such values around it.
extension ONNXOperands {
  /// Scale and zero point from inputs `index` and `index + 1`, for int8: those of uint8 are 128 lower.
  private func parameters(_ index: Int, type: ONNXType? = nil, dimension: Int = 0)
    throws(ConversionError) -> (quantization: Quantization, type: ONNXType)
  {
    var scales = try requireConstant(index, "the scale").reals
    let zeroPoint = hasInput(index + 1) ? try requireConstant(index + 1, "the zero point") : nil
    let kind = zeroPoint?.type ?? type ?? .uint8
    guard kind == .int8 || kind == .uint8 || kind == .int32 else {
      throw .unsupported("quantized to \(kind), only int8 and uint8 are supported")
    }
    let offset: Int64 = kind == .uint8 ? 128 : 0
    var zeros = zeroPoint?.integers ?? [0]
    // One of the two may be one number for all channels.
    if zeros.count == 1 { zeros = Array(repeating: zeros[0], count: scales.count) }
    if scales.count == 1 { scales = Array(repeating: scales[0], count: zeros.count) }
    guard zeros.count == scales.count, !scales.isEmpty else {
      throw .badData("\(zeros.count) zero points for \(scales.count) scales")
    }
    guard scales.allSatisfy({ $0.isFinite && $0 > 0 }) else { throw .badData("a scale is not a positive number") }
    guard kind == .int32 || zeros.allSatisfy({ (-128...127).contains($0 - offset) }) else {
      throw .badData("a zero point is out of range")
    }
    return (
      Quantization(scales: scales, zeroPoints: zeros.map { Int32(clamping: $0 - offset) }, dimension: dimension), kind
    )
  }

  private func single(_ index: Int, type: ONNXType? = nil) throws(ConversionError)
    -> (quantization: Quantization, type: ONNXType)
  {
    let found = try parameters(index, type: type)
    guard found.quantization.scales.count == 1, found.type != .int32 else {
      throw .unsupported("activations with a scale for each channel are not supported")
    }
    return found
  }

  /// A constant of integers in real numbers.
  private func dequantized(_ tensor: ONNXTensor, scale index: Int, dimension: Int? = nil) throws(ConversionError)
    -> ONNXTensor
  {
    let axis = dimension ?? 0
    let (quantization, kind) = try parameters(index, type: tensor.type, dimension: axis)
    guard tensor.type == kind || !hasInput(index + 1) else {
      throw .badData("values are \(tensor.type), their zero point \(kind)")
    }
    let count = quantization.scales.count
    guard count == 1 || axis < tensor.shape.count && tensor.shape[axis] == count else {
      throw .badData("\(count) scales for the shape \(tensor.shape)")
    }
    let inner = count == 1 ? 1 : tensor.shape[(axis + 1)...].reduce(1, *)
    let offset: Int64 = kind == .uint8 ? 128 : 0
    let reals = tensor.integers.enumerated().map { index, q in
      let channel = count == 1 ? 0 : index / inner % count
      return Float(q - offset - Int64(quantization.zeroPoints[channel])) * quantization.scales[channel]
    }
    var result = ONNXTensor(reals: reals, shape: tensor.shape)
    if kind != .int32 { result.quantization = quantization }
    return result
  }

  /// Real numbers as integers, as QuantizeLinear has it.
  private func quantized(_ tensor: ONNXTensor, type: ONNXType?, dimension: Int) throws(ConversionError) -> ONNXTensor {
    let (quantization, kind) = try parameters(1, type: type, dimension: dimension)
    let count = quantization.scales.count
    guard kind != .int32 else { throw .badData("quantizes to int32") }
    guard count == 1 || dimension < tensor.shape.count && tensor.shape[dimension] == count else {
      throw .badData("\(count) scales for the shape \(tensor.shape)")
    }
    let inner = count == 1 ? 1 : tensor.shape[(dimension + 1)...].reduce(1, *)
    let offset: Float = kind == .uint8 ? 128 : 0
    let integers = tensor.reals.enumerated().map { index, real in
      let channel = count == 1 ? 0 : index / inner % count
      let rounded = (real / quantization.scales[channel]).rounded(.toNearestOrEven)
      let steps = rounded + Float(quantization.zeroPoints[channel])
      return steps.isNaN ? 0 : Int64(max(-128, min(127, steps)) + offset)
    }
    return ONNXTensor(integers: integers, shape: tensor.shape, type: kind)
  }

  /// Quantized values in real numbers, by the scale and zero point that they have: by others the same integers would
  /// mean other numbers.
  private func dequantized(_ source: Computed, scale index: Int) throws(ConversionError) -> Computed {
    guard source.type == .int8 || source.type == .uint8 else {
      throw .badData("the values are \(source.type), expected integers")
    }
    let found = try single(index, type: source.type)
    guard found.type == source.type else {
      throw .badData("values are \(source.type), their zero point \(found.type)")
    }
    if let known = importer.graph.values[source.value].quantization, known != found.quantization {
      throw .unsupported("reads quantized values with another scale or zero point than they were written with")
    }
    var result = try quantized(source, found)
    result.type = .float32
    return result
  }

  /// Marks a value as quantized so. One that is so already, otherwise, is quantized once more.
  private func quantized(_ source: Computed, _ parameters: (quantization: Quantization, type: ONNXType))
    throws(ConversionError) -> Computed
  {
    var result = source
    result.type = parameters.type
    let known = importer.graph.values[source.value].quantization
    if known == nil {
      importer.graph.values[source.value].quantization = parameters.quantization
      for index in importer.graph.inputs.indices where importer.graph.inputs[index].value == source.value {
        note(index, parameters)
      }
    } else if known != parameters.quantization {
      result.value = append(
        .unary(.scalar(.identity)), [source.value], importer.graph.values[source.value].shape)
      importer.graph.values[result.value].quantization = parameters.quantization
    }
    return result
  }

  private func note(_ input: Int, _ parameters: (quantization: Quantization, type: ONNXType)) {
    importer.graph.inputs[input].scale = parameters.quantization.scales[0]
    importer.graph.inputs[input].zeroPoint =
      parameters.quantization.zeroPoints[0] + (parameters.type == .uint8 ? 128 : 0)
  }

  func importQuantize() throws(ConversionError) {
    try expectInputs(2...3)
    guard integer("block_size") == 0 else { throw .unsupported("blockwise quantization is not supported") }
    var asked: ONNXType?
    if case let number = integer("output_dtype"), number != 0 {
      asked = ONNXType(rawValue: Int32(truncatingIfNeeded: number))
      guard asked == .int8 || asked == .uint8 else { throw .unsupported("output_dtype \(number) is not supported") }
    }
    if let tensor = try constant(0) {
      guard tensor.isReal else { throw .badData("the values are \(tensor.type), expected real numbers") }
      return try define(0, .constant(quantized(tensor, type: asked, dimension: channelAxis(tensor))))
    }
    let found = try single(1, type: asked)
    guard asked == nil || asked == found.type else { throw .badData("output_dtype is not the zero point's type") }
    try define(0, .computed(quantized(computed(0), found)))
  }

  func importDequantize() throws(ConversionError) {
    try expectInputs(2...3)
    guard integer("block_size") == 0 else { throw .unsupported("blockwise quantization is not supported") }
    if let tensor = try constant(0) {
      guard !tensor.isReal else { throw .badData("the values are \(tensor.type), expected integers") }
      return try define(0, .constant(dequantized(tensor, scale: 1, dimension: channelAxis(tensor))))
    }
    try define(0, .computed(dequantized(computed(0), scale: 1)))
  }

  /// Along which a constant has its scales, if it has more than one.
  private func channelAxis(_ tensor: ONNXTensor) throws(ConversionError) -> Int {
    let number = integer("axis", default: 1)
    guard try requireConstant(1, "the scale").count > 1 else { return 0 }
    return try axis(number, rank: tensor.shape.count)
  }

  /// Input `index` in real numbers, with its scale and zero point after it.
  private func real(_ index: Int, dimension: Int? = nil) throws(ConversionError) -> ONNXImporter.Named {
    if let tensor = try constant(index) {
      return .constant(try dequantized(tensor, scale: index + 1, dimension: dimension))
    }
    return .computed(try dequantized(computed(index), scale: index + 1))
  }

  private func realComputed(_ index: Int) throws(ConversionError) -> Computed {
    guard case .computed(let computed) = try real(index) else { throw .unsupported("input \(index) is a constant") }
    return computed
  }

  private func realConstant(_ index: Int, dimension: Int, _ what: String) throws(ConversionError) -> ONNXTensor {
    guard case .constant(let tensor) = try real(index, dimension: dimension) else {
      throw .unsupported("\(what) are computed, expected constants")
    }
    return tensor
  }

  /// The node's result, quantized as inputs `scale` and `scale + 1` say.
  private func finish(_ value: Int, layout: [Int], scale: Int) throws(ConversionError) {
    let result = Computed(value: value, layout: layout, type: .float32)
    try define(0, .computed(quantized(result, single(scale))))
  }

  /// An integer bias in real numbers.
  private func bias(_ index: Int, input: Quantization?, weights: Quantization?) throws(ConversionError) -> ONNXTensor? {
    guard hasInput(index) else { return nil }
    let tensor = try requireConstant(index, "bias")
    guard let input, let weights, weights.scales.count == 1 || weights.scales.count == tensor.count else {
      throw .badData("bias has \(tensor.count) elements for the weights' scales")
    }
    let reals = tensor.integers.enumerated().map { channel, q in
      Float(Double(q) * Double(input.scales[0]) * Double(weights.scales[weights.scales.count == 1 ? 0 : channel]))
    }
    return ONNXTensor(reals: reals, shape: [tensor.count])
  }

  func importQLinearConv() throws(ConversionError) {
    try expectInputs(8...9)
    let source = try realComputed(0)
    let kernel = try realConstant(3, dimension: 0, "weights")
    let bias = try bias(8, input: importer.graph.values[source.value].quantization, weights: kernel.quantization)
    let value = try convolution(source, kernel, bias)
    guard source.layout.count == 4 else {
      throw .unsupported("input has \(source.layout.count) dimensions, expected 4")
    }
    try finish(value, layout: [0, 2, 3, 1], scale: 6)
  }

  func importQLinearMatMul() throws(ConversionError) {
    try expectInputs(8...8)
    let source = try realComputed(0)
    let kernel = try realConstant(3, dimension: 1, "weights")
    guard kernel.shape.count == 2 else {
      throw .unsupported("the weights have \(kernel.shape.count) dimensions, expected 2")
    }
    let value = try fullyConnected(source, kernel, isTransposed: false, nil)
    try finish(value, layout: Array(source.layout.indices), scale: 6)
  }

  func importQGemm() throws(ConversionError) {
    try expectInputs(6...9)
    guard integer("transA") == 0, real("alpha", default: 1) == 1 else {
      throw .unsupported("transA and alpha are not supported")
    }
    let source = try realComputed(0)
    let isTransposed = integer("transB") != 0
    let kernel = try realConstant(3, dimension: isTransposed ? 0 : 1, "weights")
    guard source.layout.count == 2, kernel.shape.count == 2 else { throw .badData("expected inputs of 2 dimensions") }
    let bias = try bias(6, input: importer.graph.values[source.value].quantization, weights: kernel.quantization)
    let value = try fullyConnected(source, kernel, isTransposed: isTransposed, bias)
    if hasInput(7) { return try finish(value, layout: [0, 1], scale: 7) }
    try define(value, layout: [0, 1])
  }

  func importQLinearBinary(_ operation: ScalarFunction.Binary) throws(ConversionError) {
    try expectInputs(7...8)
    try replay(operation == .add ? "Add" : "Mul", [real(0), real(3)], scale: 6)
  }

  func importQLinearPool() throws(ConversionError) {
    try expectInputs(4...5)
    let source = try realComputed(0)
    guard integer("channels_last") == 0 else { throw .unsupported("channels_last is not supported") }
    try replay(String(node.opType.dropFirst("QLinear".count)), [.computed(source)], scale: 3)
  }

  func importQLinearUnary() throws(ConversionError) {
    try expectInputs(4...5)
    try replay(String(node.opType.dropFirst("QLinear".count)), [real(0)], scale: 3)
  }

  /// Since operator set 13 over one axis; which one is meant, the node says itself.
  func importQLinearSoftmax() throws(ConversionError) {
    try expectInputs(4...5)
    let source = try real(0)
    guard case .computed(let computed) = source else { throw .unsupported("input 0 is a constant") }
    if integer("opset", default: 13) < 13, case let rank = computed.layout.count,
      case let first = try axis(integer("axis", default: -1), rank: rank),
      shape(computed)[first...].dropFirst().contains(where: { $0 != 1 })
    {
      throw .unsupported("a softmax over several axes is not supported")
    }
    var attribute = ONNXProtoAttribute()
    (attribute.name, attribute.i) = ("axis", Int64(integer("axis", default: -1)))
    try replay("Softmax", [source], scale: 3, attributes: [attribute])
  }

  func importQLinearConcat() throws(ConversionError) {
    guard inputCount >= 5, inputCount % 3 == 2 else { throw .badData("has \(inputCount) inputs") }
    var sources: [ONNXImporter.Named] = []
    for index in stride(from: 2, to: inputCount, by: 3) { sources.append(try real(index)) }
    try replay("Concat", sources, scale: 0)
  }

  /// Imports the operator in real numbers on these inputs, and marks its result.
  ///
  /// - Parameter attributes: of the operator; nil for those of this node that nobody has read.
  private func replay(
    _ name: String, _ inputs: [ONNXImporter.Named], scale: Int, attributes: [ONNXProtoAttribute]? = nil
  ) throws(ConversionError) {
    var inner = ONNXProtoNode()
    inner.opType = name
    inner.attribute = attributes ?? node.attribute.filter { read[$0.name] == nil }
    for attribute in inner.attribute { _ = has(attribute.name) }
    // Names that no model can hold: they end in a null byte.
    let names = inputs.indices.map { "\(origin.index).\($0)\0" }
    inner.input = names
    inner.output = ["\(origin.index)\0"]
    for (name, named) in zip(names, inputs) { importer.named[name] = named }
    let operands = ONNXOperands(inner, origin, importer)
    operands.isReplayed = true
    try operands.importNode()
    guard case .computed(var result) = importer.named[inner.output[0]] else {
      throw .unsupported("the result is a constant")
    }
    importer.graph.values[result.value].name = node.output.first ?? ""
    result = try quantized(result, single(scale))
    try define(0, .computed(result))
  }
}
