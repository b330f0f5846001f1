/// A decoder-only transformer in numbers.
///
/// Rotary embedding is always in the "half" layout: the first half of a head turns with the second half. Importers of
/// interleaved sources (GGUF's architecture "llama", llama2.c) reorder the rows of query and key weights to it.
public struct LanguageConfiguration: Sendable, Equatable {
  /// Of the gate, before it multiplies `up`.
  public enum Activation: Sendable { case silu, geluTanh }

  /// What is done to the rotary frequencies theta^(-2i/headSize).
  public enum RopeScaling: Sendable, Equatable {
    case none
    /// All divided by `factor`.
    case linear(factor: Float)
    /// Llama 3.1's: long waves are divided by `factor`, short ones are kept, those between are blended.
    case llama3(factor: Float, lowFrequencyFactor: Float, highFrequencyFactor: Float, originalContext: Int)
    /// Each divided by its own: headSize / 2 divisors, as GGUF's tensor `rope_freqs.weight` holds them.
    case factors([Float])
  }

  public var family: LanguageFamily
  public var vocabularySize: Int
  public var hiddenSize: Int
  public var layerCount: Int
  public var headCount: Int
  public var keyValueHeadCount: Int
  public var headSize: Int
  public var feedForwardSize: Int
  /// Positions that the model was trained for.
  public var contextLength: Int
  public var normEpsilon: Float
  public var activation: Activation
  public var ropeTheta: Float
  public var ropeScaling: RopeScaling
  /// Gemma 3: layers with a window use this theta, without scaling.
  public var localRopeTheta: Float?
  /// Positions that a windowed layer sees, its own included; nil: all.
  public var window: Int?
  /// One per layer: whether the window applies there.
  public var isWindowed: [Bool]
  /// Multiplies q.k: 1/sqrt(headSize), or 1/sqrt(query_pre_attn_scalar) in Gemma 2 and 3.
  public var attentionScale: Float
  /// Gemma 2, and Gemma 3 where it states one: attention scores become cap * tanh(score / cap).
  public var attentionSoftCap: Float?
  /// The same of the logits.
  public var outputSoftCap: Float?
  /// Multiplies an embedding row: 1, or sqrt(hiddenSize) in Gemma 1, 2 and 3.
  public var embeddingScale: Float
  /// Qwen3, Gemma 3: each head of queries and keys is RMS-normalized before it is turned.
  public var hasQueryKeyNorm: Bool
  /// Qwen2.
  public var hasQueryKeyValueBias: Bool
  /// Gemma 2 and 3, not Gemma 1: norms after attention and after feed-forward too, before the residual addition.
  public var hasPostNorms: Bool
  /// Whether the embedding is the head too.
  public var isHeadTied: Bool
}
