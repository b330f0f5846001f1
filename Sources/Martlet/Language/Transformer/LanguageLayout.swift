import CMartletKernels

/// Where the parts of a language engine lie in its region. While measuring, every pointer is nil.
///
/// All sizes are computed here, in 64 bits, from a record that was validated: with the limits of `LanguageFormat` no
/// product reaches 2^53 (keys and values: 2^10 layers, 2^10 heads, 2^20 positions, 2^9 elements of 4 bytes, twice).
struct LanguageLayout {
  /// Tokens that are evaluated together.
  let batch: Int
  /// Token ids of every position.
  let tokens: UnsafeMutablePointer<Int32>?
  /// Keys, values and scales, layer behind layer.
  let cache: UnsafeMutableRawPointer?
  private let cacheType: Int32
  /// Slots of a layer without a window, and of one with a window; and the bytes of either.
  private let wholeCapacity: Int
  private let ringCapacity: Int
  private let wholeLayerBytes: Int
  private let ringLayerBytes: Int
  /// [batch, hidden]: the residual stream, and what is to join it.
  let x: UnsafeMutablePointer<Float>?
  let update: UnsafeMutablePointer<Float>?
  /// [batch, queries + keys + values].
  let queries: UnsafeMutablePointer<Float>?
  /// What attention leaves of some tokens for each chunk of positions, and for how many chunks of tokens there is room.
  let partials: UnsafeMutablePointer<Float>?
  let partialRoom: Int32
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
    batch = options.batch.rawValue
    let hidden = Int(record.hiddenSize)
    let feedForward = Int(record.feedForwardSize)
    let headSize = Int(record.headSize)
    let attentionSize = Int(record.headCount) * headSize
    let heads = Int(record.keyValueHeadCount)
    let type = (options.isCacheFloat ? MARTLET_CACHE_F32 : MARTLET_CACHE_INT8).rawValue
    cacheType = Int32(type)
    // A batch is stored before its first token looks back over the window; and one position more, so that a text's last
    // token can be evaluated again.
    let remembered = options.keepsAll ? wanted : min(wanted, Int(record.window) + batch)
    wholeCapacity = LanguageLayout.capacity(wanted)
    ringCapacity = LanguageLayout.capacity(remembered)
    wholeLayerBytes = LanguageLayout.layerBytes(wholeCapacity, record, cacheType)
    ringLayerBytes = LanguageLayout.layerBytes(ringCapacity, record, cacheType)
    let windowed = record.windowedLayers(before: Int(record.layerCount))
    var budget = LanguageBudget()
    budget.wholeCacheBytes = wholeLayerBytes * (Int(record.layerCount) - windowed)
    budget.windowedCacheBytes = ringLayerBytes * windowed
    budget.ringPositions = windowed > 0 ? ringCapacity : 0
    budget.batch = batch
    budget.logitsBytes = Int(record.vocabularySize) * 4

    let stride = LanguageLayout.stride(max(hidden, max(feedForward, attentionSize)))
    tokens = try arena.carve(wanted * 4)?.bindMemory(to: Int32.self, capacity: wanted)
    cache = try arena.carve(budget.cacheBytes)
    x = try arena.floats(batch * hidden)
    update = try arena.floats(batch * hidden)
    queries = try arena.floats(batch * (attentionSize + 2 * heads * headSize))
    partialRoom = martlet_attention_room(Int32(wanted))
    partials = try arena.carve(
      Int(martlet_attention_partial_bytes(Int32(record.headCount), Int32(headSize), partialRoom)))?
      .assumingMemoryBound(to: Float.self)
    gates = try arena.floats(batch * 2 * feedForward)
    angles = try arena.floats(batch * headSize * 2)
    quants = try arena.carve(batch * stride * (model.hasFloatMatrices ? 4 : 1))
    let groups = batch * Int(martlet_group_count(Int32(max(hidden, max(feedForward, attentionSize)))))
    scales = try arena.floats(groups)
    sums = try arena.carve(2 * groups * 4)?.bindMemory(to: Int32.self, capacity: 2 * groups)
    logits = try arena.floats(Int(record.vocabularySize))
    let longest = max(attentionSize, max(hidden, feedForward))
    let scratchBytes = max(Int(MARTLET_ATTENTION_SCRATCH), Int(martlet_token_scratch_bytes(Int32(longest))))
    guard let scratchStride = Arena.roundedUp(scratchBytes) else {
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

  /// Slots for `positions`, in whole tiles.
  private static func capacity(_ positions: Int) -> Int {
    let tile = Int(MARTLET_CACHE_TILE)
    return (positions + tile - 1) / tile * tile
  }

  private static func layerBytes(_ capacity: Int, _ record: LanguageRecord, _ type: Int32) -> Int {
    Int(martlet_cache_bytes(Int32(record.keyValueHeadCount), Int32(record.headSize), Int32(capacity), type))
  }

  /// One layer's part of the KV cache.
  func cache(layer: Int, _ record: LanguageRecord) -> martlet_cache {
    let windowed = record.windowedLayers(before: layer)
    let offset = windowed * ringLayerBytes + (layer - windowed) * wholeLayerBytes
    return martlet_cache_at(
      cache! + offset, Int32(record.keyValueHeadCount), Int32(record.headSize),
      Int32(record.isWindowed(layer) ? ringCapacity : wholeCapacity), cacheType)
  }

  /// What an empty cache remembers.
  func emptyContent(_ record: LanguageRecord) -> CacheContent {
    let hasWindow = record.windowedLayers(before: Int(record.layerCount)) > 0
    return CacheContent(window: hasWindow ? Int(record.window) : .max, ring: hasWindow ? ringCapacity : .max)
  }

  /// Room for activations of a matrix's columns, from a token of the batch on.
  func activations(for matrix: martlet_matrix, from token: Int = 0) -> martlet_activations {
    let isFloat = matrix.type == Int32(MARTLET_MATRIX_F32.rawValue)
    let stride = LanguageLayout.stride(Int(matrix.columns))
    let groups = Int(martlet_group_count(matrix.columns))
    return martlet_activations(
      values: isFloat ? quants!.assumingMemoryBound(to: Float.self) + token * stride : nil,
      quants: quants!.assumingMemoryBound(to: Int8.self) + token * stride, scales: scales! + token * groups,
      sums: sums! + token * 2 * groups, stride: Int32(stride), groups: Int32(groups))
  }
}

extension Arena {
  mutating func floats(_ count: Int) throws(ModelError) -> UnsafeMutablePointer<Float>? {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    guard !overflow else { throw ModelError(.overLimit, .arena, found: Int64(count)) }
    return try carve(bytes)?.bindMemory(to: Float.self, capacity: count)
  }
}
