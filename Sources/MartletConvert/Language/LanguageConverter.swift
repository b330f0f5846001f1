import CMartletKernels
import Martlet
import MartletDevice

public struct LanguageConversionOptions: Sendable {
  public var weights = LanguageWeights.int8
  /// A chat format by name; nil: the one that the model's template is recognised as.
  public var chatFormat: String?
  /// Positions that the device may be asked for at most; nil: the model's own.
  public var contextLength: Int?

  public init() {}
}

public struct LanguageSummary: Sendable {
  public var family: String
  public var parameters: Int
  public var layers: Int
  public var vocabulary: Int
  public var contextLength: Int
  public var weights: String
  public var fileBytes: Int
  public var weightsBytes: Int
  /// With a context of 2048 positions, or the model's own if that is less, and one thread.
  public var budget: LanguageBudget
  public var chatFormat: String?
  public var tokenizer: String
  public var sourceSHA256: String
  public var notes: [String]
}

/// From an opened language model to a `.martlet` file's bytes.
public enum LanguageConverter {
  /// - Parameter progress: called with the share of tensors that are done, 0...1.
  public static func convert(
    _ source: any LanguageSource, options: LanguageConversionOptions = LanguageConversionOptions(),
    progress: (Double) -> Void = { _ in }
  ) throws(ConversionError) -> (bytes: [UInt8], summary: LanguageSummary) {
    let configuration = source.configuration
    var record = LanguageRecord(configuration)
    if let limit = options.contextLength {
      guard limit >= 1, limit <= configuration.contextLength else {
        throw ConversionError(
          .badRequest, "--context \(limit): the model was made for \(configuration.contextLength) positions")
      }
      record.contextLength = UInt32(limit)
    }
    // Before the work on the weights: it may be refused.
    let chat = try LanguageChat(
      source.tokenizer, template: source.chatTemplate, named: options.chatFormat, rows: configuration.vocabularySize)
    var weights: [UInt8] = []
    var records: [UInt8] = []
    var parameters = 0
    var order = LanguageTensorOrder(record)
    while let (kind, layer) = order.next() {
      let tensor = try tensor(kind, layer, source, record, options)
      SectionFile.pad(&weights)
      var place = tensor.record
      place.offset = UInt64(weights.count)
      weights += tensor.bytes
      SectionFile.append(place, to: &records)
      if kind != .frequencies && kind != .localFrequencies { parameters += Int(place.rows) * Int(place.columns) }
      progress(Double(max(layer, 0)) / Double(configuration.layerCount))
    }
    var manifest = ManifestRecord()
    manifest.task = ModelTask.language.rawValue
    var sections: [(SectionKind, [UInt8])] = [
      (.manifest, SectionFile.bytes(of: manifest)), (.language, SectionFile.bytes(of: record) + records),
    ]
    if let tokenizer = chat.tokenizer { sections.append((.tokenizer, try tokenizer.section())) }
    if let section = chat.section { sections.append((.chat, section)) }
    sections.append(
      (
        .provenance,
        SectionFile.lines([
          "source: \(source.name)", "source-sha256: \(source.sha256)", "source-format: \(source.formatName)",
          "family: \(configuration.family.rawValue)", "weights: \(options.weights.rawValue)",
          "embedding: \(options.weights.held(as: .embedding).rawValue)",
          "converter: martlet-tools \(Converter.version)",
        ])
      ))
    sections.append((.weights, weights))
    let bytes = SectionFile.bytes(sections)
    let summary = LanguageSummary(
      family: configuration.family.rawValue, parameters: parameters, layers: configuration.layerCount,
      vocabulary: configuration.vocabularySize, contextLength: Int(record.contextLength),
      weights: options.weights.rawValue, fileBytes: bytes.count, weightsBytes: weights.count,
      budget: try check(bytes), chatFormat: chat.name, tokenizer: chat.tokenizer?.summary ?? "none",
      sourceSHA256: source.sha256, notes: source.notes + (chat.tokenizer?.notes ?? []) + chat.notes)
    return (bytes, summary)
  }

  /// The finished file, opened by the very code that will run it.
  private static func check(_ bytes: [UInt8]) throws(ConversionError) -> LanguageBudget {
    do throws(ModelError) {
      return try bytes.withUnsafeBufferPointer { (file) throws(ModelError) in
        try Engine.verify(file: UnsafeRawBufferPointer(file))
        return try TextGenerator.budget(of: UnsafeRawBufferPointer(file), options: GeneratorOptions())
      }
    } catch {
      throw .unsupported("the device would refuse the model: \(error.sentence(look: .unknown))")
    }
  }

  private static func tensor(
    _ kind: LanguageTensorKind, _ layer: Int, _ source: any LanguageSource, _ record: LanguageRecord,
    _ options: LanguageConversionOptions
  ) throws(ConversionError) -> (record: LanguageTensorRecord, bytes: [UInt8]) {
    let configuration = source.configuration
    var values: [Float] = []
    switch kind {
    case .frequencies: values = configuration.inverseFrequencies(isLocal: false)
    case .localFrequencies: values = configuration.inverseFrequencies(isLocal: true)
    default: for part in kind.sources(layer) { values += try source.values(part) }
    }
    let shape = kind.shape(in: record)
    guard values.count == shape.rows * shape.columns else {
      throw .badData("\(kind): \(values.count) values for \(shape.rows) x \(shape.columns)")
    }
    if kind.isMatrix {
      let weights = options.weights.held(as: kind)
      let packed = PackedMatrix(values, rows: shape.rows, columns: shape.columns, weights: weights)
      return (packed.record, packed.bytes)
    }
    var place = LanguageTensorRecord()
    place.type = LanguageTensorType.vector.rawValue
    place.rows = 1
    place.columns = UInt32(shape.columns)
    place.byteCount = UInt64(values.count * 4)
    return (place, values.withUnsafeBytes { [UInt8]($0) })
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

extension LanguageRecord {
  init(_ c: LanguageConfiguration) {
    self.init()
    vocabularySize = UInt32(c.vocabularySize)
    hiddenSize = UInt32(c.hiddenSize)
    layerCount = UInt32(c.layerCount)
    headCount = UInt32(c.headCount)
    keyValueHeadCount = UInt32(c.keyValueHeadCount)
    headSize = UInt32(c.headSize)
    feedForwardSize = UInt32(c.feedForwardSize)
    contextLength = UInt32(c.contextLength)
    normEpsilon = c.normEpsilon
    attentionScale = c.attentionScale
    attentionCap = c.attentionSoftCap ?? 0
    outputCap = c.outputSoftCap ?? 0
    embeddingScale = c.embeddingScale
    gate = c.activation == .silu ? 0 : 1
    if let size = c.window {
      window = UInt32(min(size, LanguageFormat.maxContext))
      for (layer, isWindowed) in c.isWindowed.enumerated() where isWindowed {
        windowed[layer / 32] |= 1 << UInt32(layer % 32)
      }
    }
    if !c.isHeadTied { flags |= LanguageFlags.separateHead.rawValue }
    if c.hasQueryKeyNorm { flags |= LanguageFlags.queryKeyNorm.rawValue }
    if c.hasQueryKeyValueBias { flags |= LanguageFlags.queryKeyValueBias.rawValue }
    if c.hasPostNorms { flags |= LanguageFlags.postNorms.rawValue }
    if c.localRopeTheta != nil { flags |= LanguageFlags.localFrequencies.rawValue }
  }
}
