/// A weight of a decoder-only transformer, whatever its format calls it.
public enum LanguageTensor: Hashable, Sendable {
  /// [vocabulary, hidden]
  case embedding
  /// [hidden]
  case outputNorm
  /// [vocabulary, hidden]; absent where the head is tied to the embedding.
  case head
  case layer(Int, LayerTensor)
}

/// A weight of one layer. Matrices are [outputs, inputs].
public enum LayerTensor: Hashable, Sendable, CaseIterable {
  case attentionNorm, query, key, value, queryBias, keyBias, valueBias, queryNorm, keyNorm, attentionOutput
  case postAttentionNorm
  case feedForwardNorm, gate, up, down, postFeedForwardNorm
}

/// An opened model of any format.
///
/// Matrices are [rows = outputs, columns = inputs], row-major float32; norms already hold what multiplies (Gemma's
/// 1 + w).
public protocol LanguageSource {
  var configuration: LanguageConfiguration { get }
  /// The file's or the folder's name, for messages and provenance.
  var name: String { get }
  /// "GGUF v3", "safetensors", "llama2.c".
  var formatName: String { get }
  /// Of the file with the weights, in hexadecimal; of several, the digest of their digests in the order of their names.
  /// The first access reads the whole file.
  var sha256: String { get }
  /// Nil where the source has none.
  var tokenizer: TokenizerSource? { get }
  /// The Jinja text.
  var chatTemplate: String? { get }
  /// All values of one tensor, dequantized.
  ///
  /// Its shape has been checked against the configuration when the source was opened. Throws where the configuration
  /// has no such tensor, and where a value is not finite.
  func values(_ tensor: LanguageTensor) throws(ConversionError) -> [Float]
  /// What a person should know.
  var notes: [String] { get }
}
