import Foundation

/// How the tensors of a model's edge are laid out.
public enum InputLayout: String, Sendable, CaseIterable {
  /// Channels first where the shape looks like a picture's, [N, 1 or 3, H, W].
  case auto
  case nchw, nhwc
}

/// Builds a float `Graph` from an ONNX model. Pictures are made channels-last where they come in, and stay so: a value
/// remembers in which order its axes are stored, and elements move only where an operator needs another order.
///
/// Quantized models (Q/DQ and QOperator) become float graphs too, whose values carry the scale and zero point that the
/// model gives them: `Value.quantization` of a float value is where it is to be quantized.
final class ONNXImporter {
  /// What a name of the model stands for.
  enum Named {
    case constant(ONNXTensor)
    case computed(Computed)
    /// The result of a node that was refused: whoever reads it is passed over.
    case refused
  }

  /// A value of the graph: stored axis `i` holds the model's axis `layout[i]`.
  struct Computed {
    var value: Int
    var layout: [Int]
    var type: ONNXType
  }

  let name: String
  let external: ONNXExternalData
  let opset: Int
  var graph = Graph()
  var named: [String: Named] = [:]
  /// What a person should know.
  var notes: [String] = []
  private var constantBytes = 0
  /// Values of the graph that stand for constants: one for each, however many nodes read it.
  var constants: [String: Int] = [:]
  var budget = FoldingBudget(nodes: ConversionLimits.operators)

  /// - Parameter bindings: inputs of the model to take as constants.
  static func graph(
    from model: ONNXModel, name: String, layout: InputLayout = .auto, shape: [Int]? = nil,
    bindings: [String: ONNXTensor] = [:]
  ) throws(ConversionError) -> (graph: Graph, notes: [String]) {
    let importer = ONNXImporter(model, name: name)
    let source = model.message.graph
    importer.named = bindings.mapValues { .constant($0) }
    try importer.importInitializers(source)
    try importer.importInputs(source, layout: layout, shape: shape)
    try importer.importNodes(source)
    try importer.importOutputs(source)
    return (importer.graph, importer.notes)
  }

  /// The outputs of a model that computes with constants only; nil for one that is not folded.
  static func constants(
    of model: ONNXModel, name: String, bindings: [String: ONNXTensor]
  ) throws(ConversionError) -> [ONNXTensor?] {
    let importer = ONNXImporter(model, name: name)
    importer.named = bindings.mapValues { .constant($0) }
    try importer.importInitializers(model.message.graph)
    try importer.importNodes(model.message.graph)
    return model.message.graph.output.map { output in
      guard case .constant(let tensor) = importer.named[output.name] else { return nil }
      return tensor
    }
  }

  private init(_ model: ONNXModel, name: String) {
    self.name = name
    external = model.external
    opset = model.opset
  }

  // MARK: - Edges

  private func importInitializers(_ source: ONNXProtoGraph) throws(ConversionError) {
    for tensor in source.initializer {
      let shown = "\(name): initializer '\(printable(tensor.name))'"
      guard named[tensor.name] == nil else { throw .badData("\(shown) is there twice") }
      if tensor.dataType == 8 { continue }
      named[tensor.name] = .constant(try ONNXTensor(tensor, name: shown, external: external))
    }
  }

  private func importInputs(_ source: ONNXProtoGraph, layout: InputLayout, shape given: [Int]?) throws(ConversionError)
  {
    for input in source.input where named[input.name] == nil {
      let shown = "\(name): input '\(printable(input.name))'"
      guard input.hasType, input.type.hasTensorType, let type = ONNXType(rawValue: input.type.tensorType.elemType)
      else {
        throw .unsupported("\(shown) is no tensor of a type that is supported")
      }
      guard type.isReal || type == .int8 || type == .uint8 else {
        throw .unsupported("\(shown) is \(type), expected float32, int8 or uint8")
      }
      let shape = try Self.shape(of: input, shown, given: given, notes: &notes)
      try checkShape(shape, shown)
      let isFirst = graph.inputs.isEmpty
      let looksChannelsFirst = shape.count == 4 && (shape[1] == 1 || shape[1] == 3) && shape[3] != 1 && shape[3] != 3
      let isChannelsFirst = shape.count == 4 && isFirst && (layout == .nchw || layout == .auto && looksChannelsFirst)
      let axes = isChannelsFirst ? [0, 2, 3, 1] : Array(shape.indices)
      let value = makeValue(input.name, axes.map { shape[$0] })
      named[input.name] = .computed(Computed(value: value, layout: axes, type: type))
      let edge: ValueType = type == .int8 ? .int8 : type == .uint8 ? .uint8 : .float32
      graph.inputs.append(Boundary(value: value, type: edge, scale: 0, zeroPoint: 0))
    }
    guard !graph.inputs.isEmpty else { throw .badData("\(name): the model has no input") }
  }

  private static func shape(of input: ONNXProtoValueInfo, _ shown: String, given: [Int]?, notes: inout [String])
    throws(ConversionError) -> [Int]
  {
    guard input.type.tensorType.hasShape else {
      guard let given else { throw .unsupported("\(shown) has no shape; give it one with --shape") }
      return given
    }
    let dimensions = input.type.tensorType.shape.dim
    if let given {
      guard given.count == dimensions.count,
        zip(given, dimensions).allSatisfy({ $1.dimValue <= 0 || Int($1.dimValue) == $0 })
      else { throw ConversionError(.badRequest, "\(shown) does not have the shape \(given)") }
      return given
    }
    let words = dimensions.map {
      $0.dimValue > 0 ? "\($0.dimValue)" : printable($0.dimParam.isEmpty ? "?" : $0.dimParam)
    }
    var shape: [Int] = []
    for (axis, dimension) in dimensions.enumerated() {
      if case .dimValue(let size)? = dimension.value {
        guard size >= 0 else { throw .badData("\(shown) has a negative dimension, \(size)") }
        shape.append(Int(size))
      } else if axis == 0 {
        shape.append(1)
        notes.append("\(shown): its batch '\(words[0])' is not fixed and becomes 1")
      } else {
        throw .unsupported("\(shown) has the shape [\(words.joined(separator: ", "))]; fix it with --shape")
      }
    }
    return shape
  }

  private func importOutputs(_ source: ONNXProtoGraph) throws(ConversionError) {
    for output in source.output {
      let shown = "\(name): output '\(printable(output.name))'"
      guard let found = named[output.name] else { throw .badData("\(shown) is never computed") }
      guard case .computed(let computed) = found else { throw .unsupported("\(shown) is a constant") }
      let value = arranged(computed, Array(computed.layout.indices))
      let type: ValueType = computed.type == .int8 ? .int8 : computed.type == .uint8 ? .uint8 : graph.values[value].type
      graph.outputs.append(Boundary(value: value, type: type, scale: 0, zeroPoint: 0))
    }
    guard !graph.outputs.isEmpty else { throw .badData("\(name): the model has no output") }
  }

  func checkShape(_ shape: [Int], _ what: String) throws(ConversionError) {
    var count = 1
    for size in shape {
      guard size > 0 else { throw .unsupported("\(what): shape \(shape) is empty") }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= 1 << 28 else {
        throw .unsupported("\(what): shape \(shape) has more than 2^28 elements")
      }
      count = product
    }
    guard shape.count <= 6 else { throw .unsupported("\(what) has \(shape.count) dimensions, at most 6") }
  }

  // MARK: - Nodes

  private func importNodes(_ source: ONNXProtoGraph) throws(ConversionError) {
    var refused: [String] = []
    for (index, node) in source.node.enumerated() {
      let label = node.name.isEmpty ? node.output.first ?? "" : node.name
      let origin = Origin(
        index: index, code: 0, name: printable(node.opType), version: opset, label: printable(label))
      let operands = ONNXOperands(node, origin, self)
      do throws(ConversionError) {
        try operands.importNode()
      } catch {
        guard error.kind == .unsupported else {
          throw ConversionError(error.kind, lines: error.lines.map { "\(name): \(origin.description): \($0)" })
        }
        refused += error.lines.map { "\(name): \(origin.description): \($0)" }
        for output in node.output where named[output] == nil { named[output] = .refused }
        if refused.count >= 1000 { break }
      }
    }
    guard refused.isEmpty else { throw ConversionError(.unsupported, lines: refused) }
  }

  // MARK: - Values

  func makeValue(_ name: String, _ shape: [Int], type: ValueType = .float32) -> Int {
    graph.values.append(Value(name: name, type: type, shape: shape))
    return graph.values.count - 1
  }

  /// A constant of the graph: real numbers, with the quantization that they come from.
  func makeConstant(
    _ reals: [Float], shape: [Int], name: String, quantization: Quantization? = nil
  ) throws(ConversionError) -> Int {
    constantBytes += reals.count * 4
    guard constantBytes <= ConversionLimits.weightsBytes else {
      throw .badData("constants take more than \(ConversionLimits.weightsBytes) bytes")
    }
    let value = graph.makeReals(reals, shape: shape, name: name)
    graph.values[value].quantization = quantization
    return value
  }

  /// What folding takes: bytes that it makes, elements that it reads and writes.
  func spend(bytes: Int = 0, work: Int = 0) throws(ConversionError) {
    guard budget.take(bytes: bytes, work: work) else {
      throw .badData(
        "what the model computes from constants takes more than \(ConversionLimits.foldedBytes) bytes or "
          + "\(ConversionLimits.foldedWork) steps")
    }
  }

  func shape(_ computed: Computed) -> [Int] {
    let stored = graph.values[computed.value].shape
    var result = stored
    for (place, axis) in computed.layout.enumerated() { result[axis] = stored[place] }
    return result
  }

  /// The value with its axes stored in another order. Elements move only if more than axes of size 1 change places.
  func arranged(_ computed: Computed, _ layout: [Int], origin: Origin? = nil) -> Int {
    guard computed.layout != layout else { return computed.value }
    let stored = graph.values[computed.value].shape
    let permutation = layout.map { axis in computed.layout.firstIndex(of: axis)! }
    let moving = permutation.filter { stored[$0] != 1 }
    let isStill = moving == moving.sorted()
    let source = graph.values[computed.value]
    let value = makeValue(source.name, permutation.map { stored[$0] }, type: source.type)
    graph.values[value].quantization = source.quantization
    let origin = origin ?? Origin(index: 0, code: 0, name: "Transpose", version: 1, label: printable(source.name))
    graph.nodes.append(
      Node(
        operation: isStill ? .reshape : .transpose(permutation: permutation), inputs: [computed.value],
        outputs: [value], origin: origin))
    return value
  }
}
