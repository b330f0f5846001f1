import Martlet

/// A language model's tensors as they are laid down: the section `weights`, and the records that lead into it.
struct LanguageTensorTable {
  private(set) var weights: [UInt8] = []
  private(set) var records: [UInt8] = []

  mutating func append(_ tensor: PackedTensor) {
    SectionFile.pad(&weights)
    var place = tensor.record
    place.offset = UInt64(weights.count)
    weights += tensor.bytes
    SectionFile.append(place, to: &records)
  }
}

/// A tensor in the file's form.
struct PackedTensor {
  /// Without its offset.
  let record: LanguageTensorRecord
  let bytes: [UInt8]

  init(_ matrix: PackedMatrix) {
    record = matrix.record
    bytes = matrix.bytes
  }

  init(vector values: [Float]) {
    var place = LanguageTensorRecord()
    place.type = LanguageTensorType.vector.rawValue
    place.rows = 1
    place.columns = UInt32(values.count)
    place.byteCount = UInt64(values.count * 4)
    record = place
    bytes = values.withUnsafeBytes { [UInt8]($0) }
  }
}

extension LanguageSource {
  /// A tensor of the file as floats, with the rows and columns that `record` asks for.
  func values(
    _ kind: LanguageTensorKind, _ layer: Int, _ record: LanguageRecord
  ) throws(ConversionError) -> [Float] {
    var values: [Float] = []
    switch kind {
    case .frequencies: values = configuration.inverseFrequencies(isLocal: false)
    case .localFrequencies: values = configuration.inverseFrequencies(isLocal: true)
    default:
      for part in kind.sources(layer) {
        let more = try self.values(part)
        values = values.isEmpty ? more : values + more
      }
    }
    let shape = kind.shape(in: record)
    guard values.count == shape.rows * shape.columns else {
      throw .badData("\(kind): \(values.count) values for \(shape.rows) x \(shape.columns)")
    }
    return values
  }
}

extension LanguageTensorKind {
  /// The source's tensors that lie behind each other in this one.
  fileprivate func sources(_ layer: Int) -> [LanguageTensor] {
    func of(_ parts: LayerTensor...) -> [LanguageTensor] { parts.map { .layer(layer, $0) } }
    return switch self {
    case .embedding: [.embedding]
    case .head: [.head]
    case .outputNorm: [.outputNorm]
    case .frequencies, .localFrequencies: []
    case .attentionNorm: of(.attentionNorm)
    case .queryKeyValue: of(.query, .key, .value)
    case .queryKeyValueBias: of(.queryBias, .keyBias, .valueBias)
    case .queryNorm: of(.queryNorm)
    case .keyNorm: of(.keyNorm)
    case .attentionOutput: of(.attentionOutput)
    case .postAttentionNorm: of(.postAttentionNorm)
    case .feedForwardNorm: of(.feedForwardNorm)
    case .gateUp: of(.gate, .up)
    case .down: of(.down)
    case .postFeedForwardNorm: of(.postFeedForwardNorm)
    }
  }
}
