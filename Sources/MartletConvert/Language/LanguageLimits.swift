import Martlet

/// Largest sizes that the language importers take, so that a small hostile file cannot ask for a large machine. Of a
/// model's shape they are the device's.
enum LanguageLimits {
  static let layers = LanguageFormat.maxLayers
  static let vocabulary = LanguageFormat.maxVocabulary
  static let hidden = LanguageFormat.maxHidden
  static let feedForward = LanguageFormat.maxFeedForward
  static let context = LanguageFormat.maxContext
  static let heads = LanguageFormat.maxHeads
  static let headSize = LanguageFormat.maxHeadSize

  static let metadataKeys = 1 << 16
  /// Of a GGUF file's metadata, which is copied; the largest vocabularies take about 10 MB.
  static let metadataBytes = 1 << 26
  static let keyBytes = 1 << 16
  static let stringBytes = 1 << 24
  static let arrayElements = 1 << 22
  static let tensors = 1 << 16
  static let tensorNameBytes = 1 << 8
  static let rank = 4
  static let alignment = 1 << 20

  /// Of a safetensors header, config.json and their kind.
  static let jsonBytes = 1 << 24
  /// Of tokenizer.json and tokenizer.model.
  static let tokenizerBytes = 1 << 27
  static let shards = 1 << 10
}
