import Martlet
import MartletDevice

public struct ConversionOptions: Sendable {
  /// One per output of a classifier; nil takes those that the model carries.
  public var labels: [String]?
  /// What to call the labels in messages, if not "labels".
  public var labelsName: String?
  /// A pixel becomes (pixel - mean) / standardDeviation, per channel or one for all; nil takes the model's own choice.
  public var mean: [Float]?
  public var standardDeviation: [Float]?
  public var resize: ResizePolicy?
  /// See `ManifestRecord.shorterSide`; nil takes the choice of the model's kind.
  public var shorterSide: Int?
  /// Whether mean and deviation are a default, so that a model which takes no pictures is none the worse for them.
  var isNormalizationImplied = false
  public var plan = PlanOptions()
  /// Of an ONNX model's input.
  public var layout = InputLayout.auto
  /// Of an ONNX model's input, where the model leaves it open.
  public var inputShape: [Int]?

  public init(
    labels: [String]? = nil, labelsName: String? = nil, mean: [Float]? = nil, standardDeviation: [Float]? = nil,
    resize: ResizePolicy? = nil, shorterSide: Int? = nil
  ) {
    self.labels = labels
    self.labelsName = labelsName
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.resize = resize
    self.shorterSide = shorterSide
  }
}

/// A finished `.martlet` file, and what a person wants to know of it.
public struct Conversion: Sendable {
  public var bytes: [UInt8]
  public var summary: ConversionSummary
}

public struct ConversionSummary: Sendable {
  public struct Edge: Sendable {
    public var name: String
    public var shape: [Int]
    public var type: String
  }

  public var task: String
  public var inputs: [Edge]
  public var outputs: [Edge]
  public var labelCount: Int
  public var sourceOperators: Int
  public var operators: Int
  public var sourceBytes: Int
  public var fileBytes: Int
  public var weightsBytes: Int
  /// Of an engine with one thread.
  public var arenaBytes: Int
  public var plannedPeakBytes: Int
  public var lowerBoundBytes: Int
  /// If the operators ran one after the other.
  public var wholeLowerBoundBytes: Int
  public var cascadeCount: Int
  public var sourceSHA256: String
  /// How pixels become input values; nil where the model takes no pictures.
  public var normalization: Normalization?
  /// What a person should know.
  public var notes: [String]
}

/// From a source model's bytes to a `.martlet` file's: import, passes, lowering, plan, write, check.
public enum Converter {
  public static let version = MartletVersion.text

  /// - Parameters:
  ///   - source: the bytes of a TensorFlow Lite or ONNX model; untrusted.
  ///   - name: what to call it in messages and in the provenance.
  ///   - directory: the model's folder, where an ONNX model may keep tensors in files of their own.
  public static func convert(
    _ source: [UInt8], name: String, directory: String? = nil, options: ConversionOptions = ConversionOptions()
  ) throws(ConversionError) -> Conversion {
    var model = try SourceModel(source, name: name, directory: directory, options: options)
    return try model.named { (model) throws(ConversionError) in
      if model.isFloat {
        guard model.isQuantized else {
          throw .unsupported("the model is float; quantize it with pictures: martlet-tools quantize")
        }
        FloatPasses.run(&model.graph)
        let plan = try QuantizationPlan(&model.graph)
        model.graph = try QuantizedGraph.make(model.graph, quantizations: plan.quantizations)
      }
      return try finish(model, options: options)
    }
  }

  /// From a quantized graph to a file.
  ///
  /// - Parameter provenance: more `key: value` lines.
  static func finish(_ model: SourceModel, options: ConversionOptions, provenance: [String] = [])
    throws(ConversionError) -> Conversion
  {
    var graph = model.graph
    try Passes.run(&graph)
    var program = try Lowering.program(for: graph)
    ProgramPasses.run(&program)
    let picture = try PictureInput(program, metadata: model.metadata, options: options)
    let labels = try Self.labels(program, picture: picture, metadata: model.metadata, options: options)

    var manifest = ManifestRecord()
    manifest.task = (picture == nil ? ModelTask.tensors : .classification).rawValue
    manifest.labelCount = UInt32(labels.count)
    // Training crops; a picture squeezed out of its proportions costs accuracy, and here it is never better.
    manifest.resizePolicy = (options.resize ?? .crop).rawValue
    if picture != nil { manifest.shorterSide = UInt32(model.shorterSide(options)) }
    try fill(&manifest, program)
    let writer = ModelWriter(
      program: program, manifest: manifest, labels: labels, pixels: picture?.table,
      provenance: [
        "source: \(model.name)", "source-sha256: \(model.sha256)", "source-format: \(model.format.rawValue)",
        "converter: martlet-tools \(version)",
      ] + (picture?.provenance ?? []) + provenance)
    let made = try PlanChoice(writer, options.plan).made()

    func edge(_ boundary: DeviceBoundary) -> ConversionSummary.Edge {
      let tensor = program.tensors[boundary.tensor]
      return ConversionSummary.Edge(name: tensor.name, shape: tensor.shape, type: "\(boundary.type)")
    }
    let summary = ConversionSummary(
      task: picture == nil ? "tensors" : "classification", inputs: program.inputs.map(edge),
      outputs: program.outputs.map(edge), labelCount: labels.count, sourceOperators: model.operatorCount,
      operators: program.operators.count, sourceBytes: model.byteCount, fileBytes: made.bytes.count,
      weightsBytes: program.tensors.reduce(0) { $0 + ($1.constant?.count ?? 0) }, arenaBytes: made.budget.arenaBytes,
      plannedPeakBytes: made.plan.plannedPeakBytes, lowerBoundBytes: made.plan.lowerBoundBytes,
      wholeLowerBoundBytes: made.plan.wholeLowerBoundBytes, cascadeCount: made.plan.cascades.count,
      sourceSHA256: model.sha256, normalization: picture?.normalization, notes: model.notes)
    return Conversion(bytes: made.bytes, summary: summary)
  }

  private static func fill(_ manifest: inout ManifestRecord, _ program: Program) throws(ConversionError) {
    let limit = ModelFormat.maxBoundaries
    guard program.inputs.count <= limit, program.outputs.count <= limit else {
      throw .unsupported(
        "\(program.inputs.count) inputs and \(program.outputs.count) outputs, at most \(limit) of each are supported")
    }
    manifest.inputCount = UInt32(program.inputs.count)
    manifest.outputCount = UInt32(program.outputs.count)
    for (index, boundary) in program.inputs.enumerated() { manifest.inputs[index] = record(boundary) }
    for (index, boundary) in program.outputs.enumerated() { manifest.outputs[index] = record(boundary) }
  }

  private static func record(_ boundary: DeviceBoundary) -> BoundaryRecord {
    var record = BoundaryRecord()
    record.tensor = UInt32(boundary.tensor)
    record.type = UInt32(boundary.type.rawValue)
    record.scale = boundary.scale
    record.zeroPoint = boundary.zeroPoint
    return record
  }

  private static func labels(
    _ program: Program, picture: PictureInput?, metadata: ModelMetadata, options: ConversionOptions
  ) throws(ConversionError) -> [String] {
    let outputs = program.outputs.first.map { program.tensors[$0.tensor].count } ?? 0
    if let labels = options.labels {
      guard picture != nil else {
        throw ConversionError(.badRequest, "labels are given, but the model is no classifier")
      }
      guard labels.count == outputs else {
        let name = options.labelsName.map(printable) ?? "labels"
        throw .badData("\(name): \(labels.count) labels for \(outputs) outputs")
      }
      return labels
    }
    // What the model carries is a convenience: where it does not fit, the model is still good without.
    return picture != nil && metadata.labels.count == outputs ? metadata.labels : []
  }
}
