/// A tokenizer may know fewer tokens than the model has rows (some are padded), never more.
func checkVocabulary(
  _ configuration: LanguageConfiguration, _ tokenizer: TokenizerSource?
) throws(ConversionError) {
  guard let tokenizer, tokenizer.tokenCount > configuration.vocabularySize else { return }
  throw .badData(
    "the tokenizer has \(tokenizer.tokenCount) tokens, but the embedding has \(configuration.vocabularySize) rows")
}

func vocabularyNotes(_ configuration: LanguageConfiguration, _ tokenizer: TokenizerSource?) -> [String] {
  guard let tokenizer else { return ["no tokenizer: the model takes token ids only"] }
  let unused = configuration.vocabularySize - tokenizer.tokenCount
  return unused > 0 ? ["\(unused) of \(configuration.vocabularySize) embedding rows belong to no token"] : []
}
