/// Why a text cannot be continued: plain values, whose sentence is written where text may be built.
public enum LanguageError: Error, Equatable {
  /// The model file has no tokenizer.
  case noTokenizer
  /// The text is longer than the work space is for. Bytes, limit.
  case textTooLong(Int, limit: Int)
  /// More tokens than the context has room for. Tokens (a lower bound), room.
  case contextTooShort(Int, room: Int)
  /// The tokenizer's section contradicts itself.
  case damagedTokenizer
  /// Not a token of the vocabulary. Id, tokens in the vocabulary.
  case unknownToken(Int32, vocabulary: Int)
  /// No token of the vocabulary fits what the output must look like.
  case stuck
  /// Whoever was asked whether to go on said no.
  case interrupted
}
