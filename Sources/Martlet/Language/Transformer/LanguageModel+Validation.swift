import CMartletKernels

extension LanguageModel {
  /// Everything that sizes and addresses are computed from.
  static func validate(_ record: LanguageRecord) throws(ModelError) {
    func check(_ value: UInt32, _ range: ClosedRange<Int>, _ field: StaticString) throws(ModelError) {
      guard range.contains(Int(value)) else {
        throw ModelError(
          .outOfRange, .language, index: -1, field: field, found: Int64(value), expected: Int64(range.upperBound))
      }
    }
    try check(record.vocabularySize, 1...LanguageFormat.maxVocabulary, "vocabularySize")
    try check(record.hiddenSize, 1...LanguageFormat.maxHidden, "hiddenSize")
    try check(record.layerCount, 1...LanguageFormat.maxLayers, "layerCount")
    try check(record.headCount, 1...LanguageFormat.maxHeads, "headCount")
    try check(record.keyValueHeadCount, 1...Int(record.headCount), "keyValueHeadCount")
    try check(record.headSize, 2...LanguageFormat.maxHeadSize, "headSize")
    try check(record.feedForwardSize, 1...LanguageFormat.maxFeedForward, "feedForwardSize")
    try check(record.contextLength, 1...LanguageFormat.maxContext, "contextLength")
    try check(record.window, 0...LanguageFormat.maxContext, "window")
    try check(record.gate, 0...1, "gate")
    try check(record.flags, 0...Int(LanguageFlags.all), "flags")
    guard record.headCount % record.keyValueHeadCount == 0, record.headSize % 2 == 0 else {
      throw ModelError(
        .mismatch, .language, index: -1, field: "headCount", found: Int64(record.headCount),
        expected: Int64(record.keyValueHeadCount))
    }
    func check(_ value: Float, _ range: ClosedRange<Float>, _ field: StaticString) throws(ModelError) {
      guard value.isFinite, range.contains(value) else {
        throw ModelError(.outOfRange, .language, index: -1, field: field, found: Int64(value.bitPattern))
      }
    }
    try check(record.normEpsilon, 0...1, "normEpsilon")
    try check(record.attentionScale, 0...1024, "attentionScale")
    try check(record.attentionCap, 0...1e6, "attentionCap")
    try check(record.outputCap, 0...1e6, "outputCap")
    try check(record.embeddingScale, 0...1e6, "embeddingScale")
  }

  static func validate(
    _ tensor: LanguageTensorRecord, _ kind: LanguageTensorKind, _ index: Int, _ record: LanguageRecord,
    weightsBytes: Int
  ) throws(ModelError) {
    func fail(
      _ error: ModelError.Kind, _ field: StaticString, _ found: Int, _ expected: Int
    ) -> ModelError {
      ModelError(error, .language, index: index, field: field, found: Int64(found), expected: Int64(expected))
    }
    guard let type = LanguageTensorType(rawValue: tensor.type), (type == .vector) != kind.isMatrix else {
      throw fail(.unknownValue, "type", Int(tensor.type), 0)
    }
    let shape = kind.shape(in: record)
    guard Int(tensor.rows) == shape.rows else { throw fail(.mismatch, "rows", Int(tensor.rows), shape.rows) }
    guard Int(tensor.columns) == shape.columns else {
      throw fail(.mismatch, "columns", Int(tensor.columns), shape.columns)
    }
    guard tensor.reserved == 0 else { throw fail(.unknownValue, "reserved", Int(tensor.reserved), 0) }
    var matrix = martlet_matrix()
    matrix.rows = Int32(shape.rows)
    matrix.columns = Int32(shape.columns)
    matrix.type = Int32(tensor.type)
    // At most 2^21 rows (queries, keys and values) of 2^19 columns (attention's output) of 4 bytes.
    let bytes = type == .vector ? shape.columns * 4 : Int(martlet_matrix_bytes(&matrix))
    guard tensor.byteCount == UInt64(bytes) else {
      throw fail(.mismatch, "byteCount", Int(truncatingIfNeeded: tensor.byteCount), bytes)
    }
    guard tensor.offset % UInt64(ModelFormat.alignment) == 0 else {
      throw fail(.misaligned, "offset", Int(truncatingIfNeeded: tensor.offset), ModelFormat.alignment)
    }
    let (end, overflow) = tensor.offset.addingReportingOverflow(tensor.byteCount)
    guard !overflow, end <= UInt64(weightsBytes) else {
      throw fail(.outOfBounds, "offset", Int(truncatingIfNeeded: end), weightsBytes)
    }
  }
}
