/// What a model says about itself in TensorFlow Lite's metadata: labels, and how pixels are normalized.
/// Field numbers are those of metadata_schema.fbs, identifier M001.
struct ModelMetadata {
  var labels: [String] = []
  /// One value, or one per channel; nil if the model does not say.
  var mean: [Float]?
  var standardDeviation: [Float]?

  init() {}

  init(_ model: TFLiteModel, name: String) throws(ConversionError) {
    guard let entry = model.metadata.first(where: { $0.name == "TFLITE_METADATA" }) else { return }
    let buffer = FlatBuffer(Array(model.bytes[entry.data]), name: "\(name): metadata")
    let root = try buffer.root(identifier: "M001", "")
    guard let subgraph = try root.tables(3, "subgraph", limit: 64).first else { return }
    if let input = try subgraph.tables(2, "input tensor", limit: 256).first {
      try readNormalization(input)
    }
    var files =
      try subgraph.tables(3, "output tensor", limit: 256).first.map { (table) throws(ConversionError) in
        try Self.files(of: table, field: 6)
      } ?? []
    if files.isEmpty { files = try Self.files(of: root, field: 6) }
    guard let file = files.first else { return }
    let archive = try ZipArchive(model.bytes, name: name)
    guard let found = archive.entries.first(where: { $0.name == file }) else { return }
    labels = try LabelFile.labels(
      in: archive.contents(of: found, limit: ConversionLimits.labelBytes), name: "\(name): \(printable(file))")
  }

  private mutating func readNormalization(_ tensor: FlatTable) throws(ConversionError) {
    for unit in try tensor.tables(4, "process unit", limit: 64) {
      // ProcessUnitOptions: 1 is NormalizationOptions.
      guard try unit.integer(0, default: UInt8(0)) == 1, let options = try unit.table(1, "normalization") else {
        continue
      }
      let mean = try options.floats(0, "mean", limit: 16)
      let deviation = try options.floats(1, "std", limit: 16)
      guard mean.count == deviation.count, mean.count == 1 || mean.count == 3 else { continue }
      self.mean = mean
      standardDeviation = deviation
    }
  }

  /// Names of label files: axis labels (type 2) first, then value labels (type 3).
  private static func files(of table: FlatTable, field: Int) throws(ConversionError) -> [String] {
    var axis: [String] = []
    var values: [String] = []
    for file in try table.tables(field, "associated file", limit: 256) {
      let name = try file.string(0, "name")
      switch try file.integer(2, default: Int8(0)) {
      case 2: axis.append(name)
      case 3: values.append(name)
      default: break
      }
    }
    return axis + values
  }
}
