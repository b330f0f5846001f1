import CMartletKernels

/// What a language engine is made for.
public struct LanguageOptions: Sendable {
  /// Positions that the KV cache has room for; 0: as many as the model was made for, at most 2048.
  public var contextLength = 0
  public var threads = 1
  /// Keys and values in float32 in place of int8: four times the memory, for comparison.
  public var isCacheFloat = false

  public init(contextLength: Int = 0, threads: Int = 1, isCacheFloat: Bool = false) {
    self.contextLength = contextLength
    self.threads = threads
    self.isCacheFloat = isCacheFloat
  }
}

/// What a language model needs before it runs: exact numbers. All in bytes.
public struct LanguageBudget: Equatable, BitwiseCopyable, Sendable {
  /// The whole region that `LanguageEngine.init` wants.
  public var arenaBytes = 0
  /// Keys and values of `contextLength` positions.
  public var cacheBytes = 0
  /// One score for each token.
  public var logitsBytes = 0
  public var scratchBytesPerThread = 0
  /// Multiply-adds of one token with nothing before it, and of the last one of the context.
  public var work: Int64 = 0
  public var workAtEnd: Int64 = 0
  public var contextLength = 0
  public var threads = 0
  public var isCacheFloat = false
  public init() {}
}

/// Where the parts of a language engine lie in its region. While measuring, every pointer is nil.
///
/// All sizes are computed here, in 64 bits, from a record that was validated: with the limits of `LanguageFormat` no
/// product reaches 2^53 (keys and values: 2^10 layers, 2^10 heads, 2^20 positions, 2^9 elements of 4 bytes, twice).
struct LanguageLayout {
  let capacity: Int
  let cacheType: Int32
  /// Token ids of every position in the cache.
  let tokens: UnsafeMutablePointer<Int32>?
  /// Each layer's keys, values and scales, `layerCacheBytes` apart.
  let cache: UnsafeMutableRawPointer?
  let layerCacheBytes: Int
  /// [batch, hidden]: the residual stream, and what is to join it.
  let x: UnsafeMutablePointer<Float>?
  let update: UnsafeMutablePointer<Float>?
  /// [batch, queries + keys + values].
  let queries: UnsafeMutablePointer<Float>?
  /// Parts of the softmax of `attentionRoom` tokens and chunks, for each head.
  let partials: UnsafeMutablePointer<Float>?
  let attentionRoom: Int32
  /// [batch, 2 * feedForward].
  let gates: UnsafeMutablePointer<Float>?
  /// [batch, headSize / 2] each: cosines, sines; of all layers, then of windowed ones.
  let angles: UnsafeMutablePointer<Float>?
  /// Activations: quants or floats; scales, and two sums for each.
  let quants: UnsafeMutableRawPointer?
  let scales: UnsafeMutablePointer<Float>?
  let sums: UnsafeMutablePointer<Int32>?
  /// [vocabulary].
  let logits: UnsafeMutablePointer<Float>?
  let scratch: UnsafeMutableRawPointer?
  let scratchStride: Int
  let budget: LanguageBudget

  init(_ model: LanguageModel, options: LanguageOptions, from arena: inout Arena) throws(ModelError) {
    let record = model.record
    let wanted = options.contextLength > 0 ? options.contextLength : min(Int(record.contextLength), 2048)
    guard wanted <= Int(record.contextLength) else {
      throw ModelError(
        .overLimit, .language, index: -1, field: "context", found: Int64(wanted), expected: Int64(record.contextLength))
    }
    let team = min(max(options.threads, 1), 64)
    let batch = LanguageFormat.batch
    let hidden = Int(record.hiddenSize)
    let feedForward = Int(record.feedForwardSize)
    let headSize = Int(record.headSize)
    let attentionSize = Int(record.headCount) * headSize
    let heads = Int(record.keyValueHeadCount)
    capacity = Int(martlet_cache_capacity(Int32(wanted), Int32(wanted), Int32(batch)))
    cacheType = Int32((options.isCacheFloat ? MARTLET_CACHE_F32 : MARTLET_CACHE_INT8).rawValue)

    layerCacheBytes = martlet_cache_bytes(Int32(heads), Int32(headSize), Int32(capacity), cacheType)
    var budget = LanguageBudget()
    budget.cacheBytes = layerCacheBytes * Int(record.layerCount)
    budget.logitsBytes = Int(record.vocabularySize) * 4

    let stride = LanguageLayout.stride(max(hidden, max(feedForward, attentionSize)))
    tokens = try arena.carve(capacity * 4)?.bindMemory(to: Int32.self, capacity: capacity)
    cache = try arena.carve(budget.cacheBytes)
    x = try arena.floats(batch * hidden)
    update = try arena.floats(batch * hidden)
    queries = try arena.floats(batch * (attentionSize + 2 * heads * headSize))
    attentionRoom = martlet_attention_room(Int32(wanted))
    let partialBytes = martlet_attention_partial_bytes(Int32(record.headCount), Int32(headSize), attentionRoom)
    partials = try arena.floats(partialBytes / 4)
    gates = try arena.floats(batch * 2 * feedForward)
    angles = try arena.floats(batch * headSize * 2)
    quants = try arena.carve(batch * stride * (model.hasFloatMatrices ? 4 : 1))
    let groups = batch * Int(martlet_group_count(Int32(max(hidden, max(feedForward, attentionSize)))))
    scales = try arena.floats(groups)
    sums = try arena.carve(2 * groups * 4)?.bindMemory(to: Int32.self, capacity: 2 * groups)
    logits = try arena.floats(Int(record.vocabularySize))
    let scratchBytes = max(
      Int(MARTLET_ATTENTION_SCRATCH), martlet_token_scratch_bytes(Int32(max(hidden, feedForward, attentionSize))))
    guard let scratchStride = Arena.roundedUp(Int(scratchBytes)) else {
      throw ModelError(.overLimit, .arena, field: "scratch", found: Int64(scratchBytes))
    }
    self.scratchStride = scratchStride
    budget.work = LanguageLayout.work(model, position: 1)
    budget.workAtEnd = LanguageLayout.work(model, position: wanted)
    scratch = try arena.carve(scratchStride * team)
    try LanguageLayout.check(Int64(arena.used), Int64(ModelLimits.arenaBytes), "arena for this context")
    try LanguageLayout.check(Int64(scratchStride), Int64(ModelLimits.scratchBytes), "scratch for this context")
    try LanguageLayout.check(budget.workAtEnd, ModelLimits.work, "work for this context")
    budget.scratchBytesPerThread = scratchStride
    budget.contextLength = wanted
    budget.threads = team
    budget.isCacheFloat = options.isCacheFloat
    budget.arenaBytes = arena.used
    self.budget = budget
  }

  private static func check(_ value: Int64, _ limit: Int64, _ field: StaticString) throws(ModelError) {
    guard value <= limit else {
      throw ModelError(.overLimit, .language, index: -1, field: field, found: value, expected: limit)
    }
  }

  /// Multiply-adds of the token at `position`, counted from 1: its matrices, and scores and values of the positions
  /// that each layer sees. At most 2^53 and 2^50.
  private static func work(_ model: LanguageModel, position: Int) -> Int64 {
    let record = model.record
    var seen: Int64 = 0
    for layer in 0..<Int(record.layerCount) {
      seen += Int64(record.isWindowed(layer) ? min(position, Int(record.window)) : position)
    }
    return model.matrixWork + 2 * seen * Int64(record.headCount) * Int64(record.headSize)
  }

  /// Elements between two rows of activations.
  static func stride(_ depth: Int) -> Int { (depth + 63) / 64 * 64 + 64 }

  /// One layer's part of the KV cache.
  func cache(layer: Int, _ record: LanguageRecord) -> martlet_cache {
    martlet_cache_at(
      cache! + layer * layerCacheBytes, Int32(record.keyValueHeadCount), Int32(record.headSize), Int32(capacity),
      cacheType)
  }

  /// Room for activations of `depth` columns for a matrix.
  func activations(for matrix: martlet_matrix) -> martlet_activations {
    let depth = Int(matrix.columns)
    let isFloat = matrix.type == Int32(MARTLET_MATRIX_F32.rawValue)
    return martlet_activations(
      values: isFloat ? quants!.assumingMemoryBound(to: Float.self) : nil,
      quants: quants!.assumingMemoryBound(to: Int8.self), scales: scales, sums: sums,
      stride: Int32(LanguageLayout.stride(depth)), groups: martlet_group_count(matrix.columns))
  }
}

extension Arena {
  mutating func floats(_ count: Int) throws(ModelError) -> UnsafeMutablePointer<Float>? {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow else { throw ModelError(.overLimit, .arena, found: Int64(count)) }
    return try carve(bytes)?.bindMemory(to: Float.self, capacity: count)
  }
}
