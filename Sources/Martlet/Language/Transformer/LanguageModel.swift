import CMartletKernels

/// Where the parts of one layer are. Pointers into the mapped weights; only values lie there, nothing that leads
/// anywhere.
struct LanguageLayer {
  var attentionNorm: UnsafePointer<Float>?
  var queryKeyValue = martlet_matrix()
  var queryKeyValueBias: UnsafePointer<Float>?
  var queryNorm: UnsafePointer<Float>?
  var keyNorm: UnsafePointer<Float>?
  var attentionOutput = martlet_matrix()
  var postAttentionNorm: UnsafePointer<Float>?
  var feedForwardNorm: UnsafePointer<Float>?
  var gateUp = martlet_matrix()
  var down = martlet_matrix()
  var postFeedForwardNorm: UnsafePointer<Float>?
}

/// A language model's tables, validated: the shape, and where each tensor lies.
struct LanguageModel {
  let record: LanguageRecord
  private(set) var embedding = martlet_matrix()
  private(set) var head = martlet_matrix()
  private(set) var outputNorm: UnsafePointer<Float>?
  private(set) var frequencies: UnsafePointer<Float>?
  private(set) var localFrequencies: UnsafePointer<Float>?
  /// [layerCount], in the arena; nil while measuring.
  private(set) var layers: UnsafeMutablePointer<LanguageLayer>?
  /// Multiply-adds of all matrices for one token.
  private(set) var matrixWork: Int64 = 0
  /// Whether any matrix is float32: then rows of activations need room for floats.
  private(set) var hasFloatMatrices = false
  let weightsBytes: Int
  /// Of the section table, and so of every section.
  let hash: UInt64

  /// Reads the records, checks each against what the model's shape asks for, and keeps in the arena what leads to
  /// memory.
  ///
  /// - Parameter readsWeights: also looks for a NaN or an infinity among scales, norms, biases and float weights. They
  ///   lie between the other weights, so that is to read all of them, which loading does not. Where nobody looked, such
  ///   a weight reaches the scores as a NaN, with the same bits on every processor.
  init(_ sections: Sections, arena: inout Arena, readsWeights: Bool = false) throws(ModelError) {
    let task = try sections.task()
    guard task == .language else {
      throw ModelError(
        .mismatch, .manifest, field: "task", found: Int64(task.rawValue), expected: Int64(ModelTask.language.rawValue))
    }
    let bytes = sections[.language]
    let headBytes = MemoryLayout<LanguageRecord>.size
    guard bytes.count >= headBytes else {
      throw ModelError(
        bytes.isEmpty ? .missing : .mismatch, .section, index: Int(SectionKind.language.rawValue),
        field: bytes.isEmpty ? "" : "length", found: Int64(bytes.count), expected: Int64(headBytes))
    }
    record = bytes.loadUnaligned(as: LanguageRecord.self)
    try LanguageModel.validate(record)
    let weights = sections[.weights]
    weightsBytes = weights.count
    hash = sections.hash
    let stride = MemoryLayout<LanguageTensorRecord>.size
    let count = (bytes.count - headBytes) / stride
    layers = try arena.carve(Int(record.layerCount) * MemoryLayout<LanguageLayer>.stride)?
      .bindMemory(to: LanguageLayer.self, capacity: Int(record.layerCount))
    if let layers { layers.initialize(repeating: LanguageLayer(), count: Int(record.layerCount)) }

    var order = LanguageTensorOrder(record)
    var index = 0
    while let (kind, layer) = order.next() {
      guard index < count else {
        throw ModelError(.missing, .language, index: index, field: "tensors", found: Int64(count))
      }
      let tensor = bytes.loadUnaligned(fromByteOffset: headBytes + index * stride, as: LanguageTensorRecord.self)
      try LanguageModel.validate(tensor, kind, index, record, weightsBytes: weights.count)
      let start = weights.baseAddress! + Int(tensor.offset)
      if readsWeights, let found = LanguageModel.firstNotFinite(start, tensor) {
        throw ModelError(.notFinite, .language, index: index, field: "weights", found: Int64(found))
      }
      try place(tensor, kind, layer, start, &arena, index)
      index += 1
    }
    guard bytes.count == headBytes + index * stride else {
      throw ModelError(
        .mismatch, .language, index: -1, field: "tensors", found: Int64(bytes.count),
        expected: Int64(headBytes + index * stride))
    }
    if !record.has(.separateHead) { head = embedding }
  }

  private mutating func place(
    _ tensor: LanguageTensorRecord, _ kind: LanguageTensorKind, _ layer: Int, _ start: UnsafeRawPointer,
    _ arena: inout Arena, _ index: Int
  ) throws(ModelError) {
    let vector = start.assumingMemoryBound(to: Float.self)
    let matrix = martlet_matrix(
      weights: start.assumingMemoryBound(to: UInt8.self), rows: Int32(tensor.rows), columns: Int32(tensor.columns),
      type: Int32(tensor.type))
    if kind.isMatrix {
      if matrix.type == Int32(MARTLET_MATRIX_F32.rawValue) { hasFloatMatrices = true }
      // 2^40 at most, in at most 2^13 matrices. The embedding multiplies where it is the head too.
      if kind != .embedding || !record.has(.separateHead) {
        matrixWork += Int64(tensor.rows) * Int64(tensor.columns)
      }
    }
    switch kind {
    case .embedding: embedding = matrix
    case .head: head = matrix
    case .outputNorm: outputNorm = vector
    case .frequencies: frequencies = try LanguageModel.angles(vector, Int(tensor.columns), &arena, index)
    case .localFrequencies: localFrequencies = try LanguageModel.angles(vector, Int(tensor.columns), &arena, index)
    default:
      guard let at = layers.map({ $0 + layer }) else { return }
      switch kind {
      case .attentionNorm: at.pointee.attentionNorm = vector
      case .queryKeyValue: at.pointee.queryKeyValue = matrix
      case .queryKeyValueBias: at.pointee.queryKeyValueBias = vector
      case .queryNorm: at.pointee.queryNorm = vector
      case .keyNorm: at.pointee.keyNorm = vector
      case .attentionOutput: at.pointee.attentionOutput = matrix
      case .postAttentionNorm: at.pointee.postAttentionNorm = vector
      case .feedForwardNorm: at.pointee.feedForwardNorm = vector
      case .gateUp: at.pointee.gateUp = matrix
      case .down: at.pointee.down = matrix
      default: at.pointee.postFeedForwardNorm = vector
      }
    }
  }

  /// Rotary frequencies become angles: they are copied, so that what was found finite stays so.
  private static func angles(
    _ values: UnsafePointer<Float>, _ count: Int, _ arena: inout Arena, _ index: Int
  ) throws(ModelError) -> UnsafePointer<Float>? {
    let copy = try arena.carve(count * 4)?.bindMemory(to: Float.self, capacity: count)
    for i in 0..<count {
      let value = values[i]
      guard value.isFinite, value >= 0, value <= 16 else {
        throw ModelError(.outOfRange, .language, index: index, field: "frequencies", found: Int64(i))
      }
      if let copy { copy[i] = value }
    }
    return UnsafePointer(copy)
  }
}
