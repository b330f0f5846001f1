import CMartletKernels
import Martlet

/// Turns a quantized `Graph` into a device `Program`, every parameter computed as TensorFlow Lite's Prepare does.
struct Lowering {
  var graph: Graph
  var program = Program()
  /// Device tensor of each graph value that has one.
  var tensorOfValue: [Int?]
  private(set) var weightsBytes = 0
  /// Constants that were quantized anew; see `requantized`.
  var quantizedConstants: [QuantizedConstant: Int] = [:]
  /// What a temporary's name ends with, and that of no value: `Comparison` takes tensors of one name for one value.
  private lazy var temporaryMark: String = {
    let marks = graph.values.map { $0.name.reversed().prefix { $0 == "'" }.count }
    return String(repeating: "'", count: (marks.max() ?? 0) + 1)
  }()
  var foldingBudget = FoldingBudget(nodes: ConversionLimits.operators)

  static func program(for graph: Graph) throws(ConversionError) -> Program {
    var lowering = Lowering(graph)
    try lowering.lower()
    return lowering.program
  }

  init(_ graph: Graph) {
    self.graph = graph
    tensorOfValue = Array(repeating: nil, count: graph.values.count)
  }

  private mutating func lower() throws(ConversionError) {
    for boundary in graph.inputs {
      let tensor = try makeTensor(for: boundary.value, "input")
      program.inputs.append(try deviceBoundary(boundary, tensor: tensor, "input"))
    }
    var refused: [String] = []
    for node in graph.nodes {
      do throws(ConversionError) {
        let first = program.operators.count
        try lower(node)
        foldConstants(from: first, node)
      } catch {
        guard error.kind == .unsupported else {
          throw ConversionError(error.kind, lines: error.lines.map { "\(node.origin.description): \($0)" })
        }
        refused += error.lines.map { "\(node.origin.description): \($0)" }
        // So that later operators are looked at too.
        for output in node.outputs where tensorOfValue[output] == nil { _ = try makeTensor(for: output, "output") }
      }
    }
    guard refused.isEmpty else { throw ConversionError(.unsupported, lines: refused) }
    for boundary in graph.outputs {
      let tensor = try arenaTensor(for: boundary.value)
      program.outputs.append(try deviceBoundary(boundary, tensor: tensor, "output"))
    }
  }

  private func deviceBoundary(_ boundary: Boundary, tensor: Int, _ what: String)
    throws(ConversionError) -> DeviceBoundary
  {
    let name = "\(what) '\(printable(graph.values[boundary.value].name))'"
    guard let type = ElementType(boundary.type) else { throw .unsupported("\(name) has a type that is not supported") }
    if program.tensors[tensor].type == .int8 {
      let range: ClosedRange<Int32> = type == .uint8 ? 0...255 : -128...127
      guard boundary.scale.isFinite, boundary.scale > 0, range.contains(boundary.zeroPoint) else {
        throw .unsupported("\(name) has no usable scale and zero point")
      }
    }
    return DeviceBoundary(tensor: tensor, type: type, scale: boundary.scale, zeroPoint: boundary.zeroPoint)
  }

  // MARK: - Tensors

  func value(_ index: Int) -> Value { graph.values[index] }

  /// A device tensor for a value, in the buffer `buffer` or one of its own.
  @discardableResult
  mutating func makeTensor(for index: Int, _ what: String, buffer: Int? = nil) throws(ConversionError) -> Int {
    let value = graph.values[index]
    guard let type = ElementType(value.type), type != .uint8 else {
      throw .unsupported("\(what) '\(printable(value.name))' has a type that is not supported")
    }
    guard value.shape.count <= ModelFormat.maxRank else {
      throw .unsupported("\(what) has \(value.shape.count) dimensions, at most \(ModelFormat.maxRank)")
    }
    let quantization = value.quantization
    let single = quantization?.scales.count == 1
    let zeroPoint = single ? quantization?.zeroPoints[0] ?? 0 : 0
    let scale = single ? quantization?.scales[0] ?? 0 : 0
    let isArena = value.constant == nil || buffer != nil
    let storage: DeviceTensor.Storage
    if isArena {
      storage = .buffer(buffer ?? program.makeBuffer(bytes: value.count * type.byteCount))
    } else {
      let bytes = Array(value.constant ?? [])
      guard bytes.count == value.count * type.byteCount else {
        throw .badData("\(what) '\(printable(value.name))' has \(bytes.count) bytes for shape \(value.shape)")
      }
      storage = .constant(bytes)
    }
    let tensor = program.append(
      DeviceTensor(
        name: value.name, type: type, shape: value.shape, scale: scale,
        zeroPoint: (-128...127).contains(zeroPoint) ? zeroPoint : 0, storage: storage))
    tensorOfValue[index] = tensor
    return tensor
  }

  /// The device tensor that holds a value; a constant becomes one on first use.
  mutating func operand(_ index: Int?) throws(ConversionError) -> Int {
    guard let index else { throw .badData("an operand is missing") }
    if let tensor = tensorOfValue[index] { return tensor }
    return try makeTensor(for: index, "operand")
  }

  /// As `operand`, but in the arena: constants are copied there.
  private mutating func arenaTensor(for index: Int) throws(ConversionError) -> Int {
    let tensor = try operand(index)
    guard program.tensors[tensor].constant != nil else { return tensor }
    var copy = program.tensors[tensor]
    guard copy.type == .int8 || copy.type == .int32 || copy.type == .int64 else {
      throw .unsupported("output '\(printable(copy.name))' is a constant of a type that is not supported")
    }
    copy.storage = .buffer(program.makeBuffer(bytes: copy.byteCount))
    let result = program.append(copy)
    let origin = Origin(index: 0, code: 0, name: "constant output", version: 1)
    emitCopy(origin, from: tensor, to: result, .dense(copy.shape), .dense(copy.shape))
    return result
  }

  /// The output of a node that computes one, in a buffer of its own.
  mutating func result(_ node: Node) throws(ConversionError) -> Int {
    try makeTensor(for: node.outputs[0], "output")
  }

  mutating func append(_ operation: DeviceOperator) { program.operators.append(operation) }

  /// A tensor that is not in the source; quantized as the other one if nothing else is said.
  mutating func makeTemporary(
    like tensor: Int, shape: [Int], quantization: (scale: Float, zeroPoint: Int32)? = nil
  ) -> Int {
    var temporary = program.tensors[tensor]
    temporary.name += temporaryMark
    temporary.shape = shape
    if let quantization { (temporary.scale, temporary.zeroPoint) = quantization }
    temporary.storage = .buffer(program.makeBuffer(bytes: temporary.byteCount))
    return program.append(temporary)
  }

  /// A second view of the same bytes.
  mutating func alias(_ node: Node) throws(ConversionError) {
    let source = try operand(node.inputs[0])
    if let constant = program.tensors[source].constant {
      let tensor = try makeTensor(for: node.outputs[0], "output")
      program.tensors[tensor].storage = .constant(constant)
    } else {
      try makeTensor(for: node.outputs[0], "output", buffer: program.tensors[source].buffer)
    }
  }

  /// A packed constant: rank 1, int8.
  mutating func makeConstant(_ bytes: [UInt8], name: String) throws(ConversionError) -> Int {
    try appendConstant(
      DeviceTensor(
        name: name, type: .int8, shape: [bytes.count], scale: 0, zeroPoint: 0, storage: .constant(bytes)))
  }

  /// A constant of the source with other bytes, which are int8.
  mutating func makeConstant(_ bytes: [UInt8], like index: Int, _ quantization: (scale: Float, zeroPoint: Int32))
    throws(ConversionError) -> Int
  {
    let value = graph.values[index]
    guard bytes.count == value.count else {
      throw .badData("constant '\(printable(value.name))' has \(bytes.count) elements for shape \(value.shape)")
    }
    return try appendConstant(
      DeviceTensor(
        name: value.name + temporaryMark, type: .int8, shape: value.shape, scale: quantization.scale,
        zeroPoint: quantization.zeroPoint, storage: .constant(bytes)))
  }

  private mutating func appendConstant(_ tensor: DeviceTensor) throws(ConversionError) -> Int {
    weightsBytes += tensor.byteCount
    guard weightsBytes <= ConversionLimits.weightsBytes else {
      throw .badData("weights take more than \(ConversionLimits.weightsBytes) bytes when packed")
    }
    return program.append(tensor)
  }

  // MARK: - Quantization

  func scale(_ index: Int?) throws(ConversionError) -> (scale: Float, zeroPoint: Int32) {
    guard let index, let quantization = graph.values[index].quantization, let scale = quantization.scales.first,
      let zeroPoint = quantization.zeroPoints.first
    else { throw .unsupported("an operand has no quantization parameters") }
    return (scale, zeroPoint)
  }

  /// A factor that kernels can apply: its shift fits.
  func multiplier(_ real: Double) throws(ConversionError) -> QuantizedMultiplier {
    let result = QuantizedMultiplier(real)
    guard result.multiplier >= 0, result.shift <= 30 else {
      throw .unsupported("scales give the factor \(real), which is too large")
    }
    return result
  }

  /// Bounds on the output: those of the activation, in output units, and those fused into the node.
  func clamp(_ activation: Activation, _ node: Node) throws(ConversionError) -> ClosedRange<Int32> {
    let (scale, zeroPoint) = try scale(node.outputs[0])
    func quantized(_ real: Float) throws(ConversionError) -> Int32 {
      let steps = (real / scale).rounded(.toNearestOrAwayFromZero)
      guard abs(steps) <= 2e9 else { throw .badData("output scale \(scale) is too small") }
      return Int32(clamping: Int64(zeroPoint) + Int64(steps))
    }
    var low: Int32 = -128
    var high: Int32 = 127
    switch activation {
    case .none: break
    case .relu: low = max(low, try quantized(0))
    case .relu6:
      low = max(low, try quantized(0))
      high = min(high, try quantized(6))
    case .reluN1To1:
      low = max(low, try quantized(-1))
      high = min(high, try quantized(1))
    }
    low = max(low, node.clamp.lowerBound)
    high = min(high, node.clamp.upperBound)
    guard low <= high else { throw .unsupported("the activation leaves no value (\(low) > \(high))") }
    return low...high
  }
}

extension ElementType {
  init?(_ type: ValueType) {
    switch type {
    case .int8: self = .int8
    case .uint8: self = .uint8
    case .int32: self = .int32
    case .int64: self = .int64
    case .float32: self = .float32
    case .other: return nil
    }
  }
}
