import Martlet

/// A model as it came: what its importer made of it, and what the rest of the way needs to know.
struct SourceModel {
  enum Format: String {
    case tflite, onnx
  }

  var graph: Graph
  let format: Format
  let name: String
  let metadata: ModelMetadata
  let operatorCount: Int
  let byteCount: Int
  let sha256: String
  /// Whether the graph is in real numbers, to be quantized here.
  let isFloat: Bool
  var notes: [String] = []

  /// Reads bytes of either format; untrusted.
  init(_ source: [UInt8], name: String, directory: String?, options: ConversionOptions) throws(ConversionError) {
    let shown = printable(name)
    self.name = shown
    byteCount = source.count
    if ONNXModel.matches(source) {
      let model = try ONNXModel(source, name: shown, directory: directory)
      (graph, notes) = try ONNXImporter.graph(
        from: model, name: shown, layout: options.layout, shape: options.inputShape)
      format = .onnx
      metadata = ModelMetadata()
      operatorCount = model.message.graph.node.count
      isFloat = true
    } else {
      let model = try TFLiteModel(source, name: shown)
      graph = try Importer.graph(from: model, name: shown)
      format = .tflite
      metadata = try ModelMetadata(model, name: shown)
      operatorCount = model.operators.count
      isFloat = Self.isFloat(graph)
    }
    sha256 = SHA256.hexDigest(of: source)
  }

  /// Whether real numbers are computed with: not only brought to int8 and back at the edge.
  private static func isFloat(_ graph: Graph) -> Bool {
    graph.nodes.contains { node in
      if case .quantize = node.operation { return false }
      if case .dequantize = node.operation { return false }
      return node.outputs.contains { graph.values[$0].type == .float32 }
    }
  }

  /// Whether the model itself says how its values are quantized.
  var isQuantized: Bool {
    !isFloat || graph.values.contains { $0.type == .float32 && $0.quantization != nil && $0.constant == nil }
  }

  /// A model that is to be run in real numbers has to be in real numbers.
  func requireFloat() throws(ConversionError) {
    guard !isQuantized else {
      throw ConversionError(.badRequest, "is quantized; make it a .martlet file with martlet-tools convert first")
    }
  }

  /// How classifiers of the model's kind are measured: PyTorch's scale the shorter side to 8/7 of the input's.
  func shorterSide(_ options: ConversionOptions) -> Int {
    if let asked = options.shorterSide { return asked }
    guard isFloat, options.resize == nil || options.resize == .crop, let input = graph.inputs.first,
      case let shape = graph.values[input.value].shape, shape.count == 4
    else { return 0 }
    return (min(shape[1], shape[2]) * 8 + 3) / 7
  }

  /// Runs `body` so that every line of an error begins with the model's name.
  mutating func named<Result>(_ body: (inout SourceModel) throws(ConversionError) -> Result) throws(ConversionError)
    -> Result
  {
    do throws(ConversionError) {
      return try body(&self)
    } catch {
      throw ConversionError(error.kind, lines: error.lines.map { $0.hasPrefix("\(name): ") ? $0 : "\(name): \($0)" })
    }
  }
}
