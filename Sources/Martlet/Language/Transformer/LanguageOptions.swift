/// How many tokens are evaluated together while a prompt is read. Each weight is read once for all of them; fewer make
/// the arena smaller.
public enum LanguageBatch: Int, Sendable {
  case of16 = 16
  case of32 = 32
  case of64 = 64
}

/// What a language engine is made for.
public struct LanguageOptions: Sendable {
  /// Positions that the KV cache has room for; 0: as many as the model was made for, at most 2048.
  public var contextLength = 0
  public var threads = 1
  /// Keys and values in float32 in place of int8: four times the memory, for comparison.
  public var isCacheFloat = false
  public var batch = LanguageBatch.of64
  /// Layers with a window keep the whole context too, for comparison.
  var keepsAll = false

  public init(
    contextLength: Int = 0, threads: Int = 1, isCacheFloat: Bool = false, batch: LanguageBatch = .of64
  ) {
    self.contextLength = contextLength
    self.threads = threads
    self.isCacheFloat = isCacheFloat
    self.batch = batch
  }
}

/// What a language model needs before it runs: exact numbers. All in bytes.
public struct LanguageBudget: Equatable, BitwiseCopyable, Sendable {
  /// The whole region that `LanguageEngine.init` wants.
  public var arenaBytes = 0
  /// Keys and values of the layers that see the whole context.
  public var wholeCacheBytes = 0
  /// Keys and values of the layers with a window.
  public var windowedCacheBytes = 0
  /// Positions that a windowed layer has room for: its window and a batch, or the context; 0: no layer has a window.
  public var ringPositions = 0
  /// One score for each token.
  public var logitsBytes = 0
  public var scratchBytesPerThread = 0
  /// Multiply-adds of one token with nothing before it, and of the last one of the context.
  public var work: Int64 = 0
  public var workAtEnd: Int64 = 0
  public var contextLength = 0
  public var batch = 0
  public var threads = 0
  public var isCacheFloat = false
  public init() {}

  /// Keys and values of all layers.
  public var cacheBytes: Int { wholeCacheBytes + windowedCacheBytes }
}
