import Martlet
import MartletDevice

public struct LanguageConversionOptions: Sendable {
  public var weights = LanguageWeights.int8
  /// Of int4: what embedding and head are held as, int8 or int4; nil: int8.
  public var head: LanguageWeights?
  /// Of int4: a text whose tokens show which errors matter; nil: each weight is rounded for itself.
  public var calibration: CalibrationText?
  /// A chat format by name; nil: the one that the model's template is recognised as.
  public var chatFormat: String?
  /// Positions that the device may be asked for at most; nil: the model's own.
  public var contextLength: Int?

  public init() {}

  func held(as kind: LanguageTensorKind) -> LanguageWeights { weights.held(as: kind, head: head) }

  func check() throws(ConversionError) {
    if weights != .int4, calibration != nil || head != nil {
      throw ConversionError(
        .badRequest, "--\(calibration != nil ? "calibration" : "head") is for --weights int4 only")
    }
    if head == .f32 { throw ConversionError(.badRequest, "--head f32: must be int8 or int4") }
  }

  var notes: [String] {
    guard weights == .int4, calibration == nil else { return [] }
    return ["int4 rounded without a text: --calibration TEXT comes closer to the source"]
  }
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
  /// All tensors of the file, scales included, for each parameter.
  public var bitsPerWeight: Double
  /// Nil: none were used.
  public var calibrationTokens: Int?
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
    try options.check()
    var rounding: CalibratedRounding?
    if let text = options.calibration {
      rounding = try CalibratedRounding(source, record, text)
      try rounding?.run(head: options.held(as: .head)) { progress($0 * 0.9) }
    }
    let begun = rounding == nil ? 0 : 0.9
    var table = LanguageTensorTable()
    var parameters = 0
    var order = LanguageTensorOrder(record)
    while let (kind, layer) = order.next() {
      if let done = rounding?.results[.init(kind: kind, layer: layer)] {
        table.append(done)
      } else {
        table.append(try tensor(kind, layer, source, record, options))
      }
      let shape = kind.shape(in: record)
      if kind != .frequencies && kind != .localFrequencies { parameters += shape.rows * shape.columns }
      progress(begun + (1 - begun) * Double(max(layer, 0)) / Double(configuration.layerCount))
    }
    let bitsPerWeight = Double(table.weights.count) * 8 / Double(parameters)
    var manifest = ManifestRecord()
    manifest.task = ModelTask.language.rawValue
    var sections: [(SectionKind, [UInt8])] = [
      (.manifest, SectionFile.bytes(of: manifest)), (.language, SectionFile.bytes(of: record) + table.records),
    ]
    if let tokenizer = chat.tokenizer { sections.append((.tokenizer, try tokenizer.section())) }
    if let section = chat.section { sections.append((.chat, section)) }
    var provenance = [
      "source: \(source.name)", "source-sha256: \(source.sha256)", "source-format: \(source.formatName)",
      "family: \(configuration.family.rawValue)", "weights: \(options.weights.rawValue)",
      "embedding: \(options.held(as: .embedding).rawValue)",
      "bits-per-weight: \((bitsPerWeight * 1000).rounded() / 1000)",
    ]
    if options.weights == .int4 { provenance += CalibrationText.provenance(options.calibration, rounding?.tokens) }
    provenance.append("converter: martlet-tools \(Converter.version)")
    sections.append((.provenance, SectionFile.lines(provenance)))
    sections.append((.weights, table.weights))
    let bytes = SectionFile.bytes(sections)
    let summary = LanguageSummary(
      family: configuration.family.rawValue, parameters: parameters, layers: configuration.layerCount,
      vocabulary: configuration.vocabularySize, contextLength: Int(record.contextLength),
      weights: options.weights.rawValue, fileBytes: bytes.count, weightsBytes: table.weights.count,
      bitsPerWeight: bitsPerWeight, calibrationTokens: rounding?.tokens,
      budget: try check(bytes), chatFormat: chat.name, tokenizer: chat.tokenizer?.summary ?? "none",
      sourceSHA256: source.sha256,
      notes: source.notes + (chat.tokenizer?.notes ?? []) + chat.notes + options.notes)
    return (bytes, summary)
  }

  private static func tensor(
    _ kind: LanguageTensorKind, _ layer: Int, _ source: any LanguageSource, _ record: LanguageRecord,
    _ options: LanguageConversionOptions
  ) throws(ConversionError) -> PackedTensor {
    let values = try source.values(kind, layer, record)
    guard kind.isMatrix else { return PackedTensor(vector: values) }
    let shape = kind.shape(in: record)
    return PackedTensor(
      PackedMatrix(values, rows: shape.rows, columns: shape.columns, weights: options.held(as: kind)))
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
