/// Builds a `Graph` from a TensorFlow Lite model. Value indices are tensor indices; what the importer adds follows.
///
/// Shapes are computed here, operator by operator, as the interpreter does when it prepares a model; what the file
/// declares for computed tensors is not relied upon.
final class Importer {
  let model: TFLiteModel
  var graph = Graph()
  /// Whether a value exists at this point of the execution order.
  private var isDefined: [Bool] = []
  /// Whether nothing in the model is quantized: then real numbers are taken where int8 is expected otherwise.
  let isFloat: Bool
  private let name: String
  private var budget = FoldingBudget(nodes: ConversionLimits.foldings)

  static func graph(from model: TFLiteModel, name: String) throws(ConversionError) -> Graph {
    let importer = Importer(model, name: name)
    try importer.importTensors()
    try importer.importInputs()
    try importer.importOperators()
    try importer.importOutputs()
    return importer.graph
  }

  private init(_ model: TFLiteModel, name: String) {
    self.model = model
    self.name = name
    isFloat = !model.tensors.contains { $0.type == 9 || $0.type == 3 || !$0.scales.isEmpty && $0.type != 0 }
  }

  // MARK: - Tensors

  private func importTensors() throws(ConversionError) {
    var decoded = 0
    for (index, tensor) in model.tensors.enumerated() {
      var value = Value(
        name: tensor.name, type: Self.type(tensor.type), shape: tensor.shape.map { Int($0) },
        isUnsigned: tensor.type == 3)
      if !tensor.scales.isEmpty {
        value.quantization = try quantization(of: tensor, index: index)
      }
      if let data = tensor.data, !tensor.isVariable {
        value.constant = model.bytes[data]
        // Weights of half precision, which the model itself makes float before it uses them.
        if tensor.type == 1 {
          decoded += data.count
          guard decoded <= 4 * model.bytes.count else {
            throw .badData("\(name): tensor \(index): tensors describe more data than the file holds")
          }
          let reals = model.bytes[data].integers(of: UInt16.self).map { ONNXTensor.real(half: $0) }
          value.type = .float32
          value.constant = ArraySlice(reals.withUnsafeBytes { Array($0) })
        }
      }
      if value.type == .uint8, value.quantization != nil {
        decoded += value.constant?.count ?? 0
        guard decoded <= 4 * model.bytes.count else {
          throw .badData("\(name): tensor \(index): tensors describe more data than the file holds")
        }
        Self.makeSigned(&value)
      }
      graph.values.append(value)
      isDefined.append(value.constant != nil)
    }
  }

  private static func type(_ code: Int8) -> ValueType {
    switch code {
    case 0: .float32
    case 2: .int32
    case 3: .uint8
    case 4: .int64
    case 9: .int8
    default: .other
    }
  }

  /// uint8 q means what int8 q - 128 means with its zero point 128 lower: an exact change of representation.
  private static func makeSigned(_ value: inout Value) {
    value.type = .int8
    if let zeroPoints = value.quantization?.zeroPoints {
      value.quantization?.zeroPoints = zeroPoints.map { $0 - 128 }
    }
    if let constant = value.constant {
      value.constant = ArraySlice(constant.map { $0 ^ 0x80 })
    }
  }

  private func quantization(of tensor: TFLiteModel.Tensor, index: Int) throws(ConversionError) -> Quantization {
    for scale in tensor.scales where !(scale.isFinite && scale >= 0) {
      throw .badData("\(name): tensor \(index): scale \(scale) is not a finite number")
    }
    var zeroPoints: [Int32] = []
    for zeroPoint in tensor.zeroPoints {
      guard let small = Int32(exactly: zeroPoint), small >= -65536, small <= 65535 else {
        throw .badData("\(name): tensor \(index): zero point \(zeroPoint) is out of range")
      }
      zeroPoints.append(small)
    }
    if zeroPoints.count != tensor.scales.count {
      guard zeroPoints.count <= 1 else {
        throw .badData(
          "\(name): tensor \(index): \(zeroPoints.count) zero points for \(tensor.scales.count) scales")
      }
      zeroPoints = Array(repeating: zeroPoints.first ?? 0, count: tensor.scales.count)
    }
    return Quantization(scales: tensor.scales, zeroPoints: zeroPoints, dimension: tensor.quantizedDimension)
  }

  // MARK: - Edges

  private func importInputs() throws(ConversionError) {
    for index in model.inputs {
      let value = try edge(index, "input")
      guard graph.values[value].constant == nil, !isDefined[value] else {
        throw .badData("\(name): input tensor \(value) is a constant or appears twice")
      }
      isDefined[value] = true
      graph.inputs.append(boundary(value))
    }
    guard !graph.inputs.isEmpty else { throw .badData("\(name): the model has no input") }
  }

  private func importOutputs() throws(ConversionError) {
    for index in model.outputs {
      let value = try edge(index, "output")
      guard isDefined[value] else { throw .badData("\(name): output tensor \(value) is never computed") }
      graph.outputs.append(boundary(value))
    }
    guard !graph.outputs.isEmpty else { throw .badData("\(name): the model has no output") }
  }

  private func edge(_ index: Int32, _ what: String) throws(ConversionError) -> Int {
    guard index >= 0, Int(index) < model.tensors.count else {
      throw .badData("\(name): \(what) tensor \(index) of \(model.tensors.count)")
    }
    let value = Int(index)
    try checkShape(graph.values[value].shape, "\(what) tensor \(value)")
    return value
  }

  private func boundary(_ value: Int) -> Boundary {
    let tensor = graph.values[value]
    let zeroPoint = tensor.quantization?.zeroPoints.first ?? 0
    let isUnsigned = tensor.isUnsigned && tensor.type == .int8
    return Boundary(
      value: value, type: isUnsigned ? .uint8 : tensor.type, scale: tensor.quantization?.scales.first ?? 0,
      zeroPoint: isUnsigned ? zeroPoint + 128 : zeroPoint)
  }

  /// Checks that every dimension is positive and that the element count stays within the limits.
  func checkShape(_ shape: [Int], _ what: String) throws(ConversionError) {
    var count = 1
    for size in shape {
      guard size > 0 else { throw .unsupported("\(name): \(what): shape \(shape) is empty or not fixed") }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= 1 << 30 else {
        throw .unsupported("\(name): \(what): shape \(shape) has more than 2^30 elements")
      }
      count = product
    }
  }

  // MARK: - Operators

  /// Imports all operators; one error carries a line for each that cannot be.
  private func importOperators() throws(ConversionError) {
    var refused: [String] = []
    for (index, source) in model.operators.enumerated() {
      let isCustom = source.code == 32
      let operatorName = isCustom ? "CUSTOM '\(printable(source.customName))'" : OperatorNames.name(source.code)
      let origin = Origin(index: index, code: source.code, name: operatorName, version: source.version)
      do throws(ConversionError) {
        try importOperator(source, origin)
      } catch {
        guard error.kind == .unsupported else {
          throw ConversionError(error.kind, lines: error.lines.map { "\(name): \(origin.description): \($0)" })
        }
        refused += error.lines.map { "\(name): \(origin.description): \($0)" }
        for output in source.outputs where output >= 0 && Int(output) < isDefined.count {
          isDefined[Int(output)] = true
        }
        if refused.count >= 1000 { break }
      }
    }
    guard refused.isEmpty else { throw ConversionError(.unsupported, lines: refused) }
  }

  private func importOperator(_ source: TFLiteModel.Operator, _ origin: Origin) throws(ConversionError) {
    guard let code = OperatorCode(rawValue: source.code) else {
      throw .unsupported(Self.reason(for: source.code))
    }
    guard source.version >= 1, source.version <= code.row.newestVersion else {
      throw .unsupported("version \(source.version) is newer than \(code.row.newestVersion), the newest supported")
    }
    let first = graph.nodes.count
    let operands = try Operands(source, code, origin, self)
    try operands.importOperation()
    try operands.refuseUnreadOptions()
    try foldConstants(from: first)
  }

  /// Computes at once what the new nodes make of constants only, so that weights and shapes may come out of them.
  private func foldConstants(from first: Int) throws(ConversionError) {
    for node in graph.nodes[first...] {
      guard node.outputs.count == 1,
        node.inputs.allSatisfy({ $0.map { graph.values[$0].constant != nil } ?? true }), budget.take(node, in: graph),
        let bytes = try constant(of: node)
      else { return }
      graph.values[node.outputs[0]].constant = ArraySlice(bytes)
      graph.nodes.remove(at: first)
    }
  }

  private func constant(of node: Node) throws(ConversionError) -> [UInt8]? {
    guard graph.values[node.outputs[0]].type == .float32 else { return try Lowering.constant(of: node, in: graph) }
    guard graph.values[node.outputs[0]].count <= ConversionLimits.foldedElements else { return nil }
    return try FloatNode(node, in: graph)([]).withUnsafeBytes { Array($0) }
  }

  private static func reason(for code: Int) -> String {
    switch code {
    case 118, 119, 129: "control flow is not supported"
    case 32: "custom operators are not supported"
    default: "this operator is not supported"
    }
  }

  /// Checks that tensor `index` exists at this point and gives its value index.
  func use(_ index: Int32) throws(ConversionError) -> Int {
    guard index >= 0, Int(index) < model.tensors.count else {
      throw .badData("input tensor \(index) of \(model.tensors.count)")
    }
    let value = Int(index)
    guard isDefined[value] else { throw .badData("reads tensor \(value), which nothing has computed yet") }
    return value
  }

  /// Marks tensor `index` as computed by this operator and gives its value index.
  func define(_ index: Int32) throws(ConversionError) -> Int {
    guard index >= 0, Int(index) < model.tensors.count else {
      throw .badData("output tensor \(index) of \(model.tensors.count)")
    }
    let value = Int(index)
    guard !isDefined[value] else { throw .badData("writes tensor \(value), which is already there") }
    isDefined[value] = true
    return value
  }

  func tensor(_ value: Int) -> TFLiteModel.Tensor { model.tensors[value] }
}
