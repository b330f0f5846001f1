import Martlet

extension TokenizerSource {
  /// The tokenizer in Hugging Face's `tokenizer.json`.
  ///
  /// - Parameter settings: of the files beside it: names BOS and EOS, says whether a text begins with BOS, and may have
  ///   further tokens.
  /// - Throws: one line that names what is not supported: each part must be one that is known exactly.
  public init(huggingFace tokenizerJSON: [UInt8], settings: TokenizerSettings) throws(ConversionError) {
    let root = try JSONValue(parsing: tokenizerJSON)
    guard let model = root["model"] else { throw .badData("tokenizer.json has no model") }
    let normalizer = try HuggingFaceNormalizer(root["normalizer"])
    let splitting = try HuggingFaceSplitting(root["pre_tokenizer"], hasSpaceMark: normalizer.marksSpaces)
    let type = model["type"]?.text ?? (model["merges"] == nil ? "none" : "BPE")
    switch type {
    case "BPE": self.init(model: splitting.isByteLevel ? .byteLevel : .ranked)
    case "Unigram": self.init(model: .unigram)
    default: throw .unsupported("tokenizer.json: the model \(printable(type)) is not supported; BPE and Unigram are")
    }
    try apply(normalizer, splitting)
    var vocabulary = try HuggingFaceVocabulary(model, isUnigram: type == "Unigram")
    try vocabulary.add(root["added_tokens"])
    try vocabulary.add(settings)
    notes += settings.notes(isToken: vocabulary.isToken)
    tokens = vocabulary.tokens(
      isByteLevel: splitting.isByteLevel, normalizes: normalizer.changesText && !normalizer.prepends)
    unknown = vocabulary.unknown
    if type == "BPE" { try readPairs(model, vocabulary) } else { try readPieces(model) }
    if normalizer.prepends, vocabulary.hasNormalizedTokens {
      notes.append("added tokens that Hugging Face looks for in normalized text are looked for in the text as it is")
    }
    try readEnds(HuggingFaceTemplate(root["post_processor"]), settings)
  }

  private mutating func apply(
    _ normalizer: HuggingFaceNormalizer, _ splitting: HuggingFaceSplitting
  ) throws(ConversionError) {
    words = splitting.words
    if normalizer.composes { self.normalizer = .nfc }
    if splitting.isByteLevel {
      guard !normalizer.marksSpaces, !normalizer.prepends, model == .byteLevel else {
        throw .unsupported("tokenizer.json: ByteLevel with this model or normalizer is not supported")
      }
    } else {
      guard normalizer.marksSpaces || splitting.marksSpaces else {
        throw .unsupported("tokenizer.json: a model of characters without U+2581 for spaces is not supported")
      }
      flags.insert(.readsSpaceMark)
    }
    if normalizer.prepends {
      flags.insert(.prefixesStart | .prefixesAfterControl | .prefixesAfterUserDefined)
    }
    switch splitting.prefix {
    case .never: break
    case .first: flags.insert(.prefixesStart | .prefixesUnlessPresent)
    case .always:
      flags.insert(
        .prefixesStart | .prefixesAfterControl | .prefixesAfterUserDefined | .prefixesUnlessPresent)
    }
    guard !normalizer.prepends || splitting.prefix == .never else {
      throw .unsupported("tokenizer.json: Prepend and Metaspace both put a space before the text")
    }
  }

  private mutating func readPairs(
    _ model: JSONValue, _ vocabulary: HuggingFaceVocabulary
  ) throws(ConversionError) {
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] where model[name]?.text?.isEmpty == false {
      throw .unsupported("tokenizer.json: \(name) is not supported")
    }
    if let dropout = model["dropout"]?.number, dropout != 0 {
      throw .unsupported("tokenizer.json: dropout is not supported")
    }
    if model["fuse_unk"]?.boolean == true { flags.insert(.fusesUnknown) }
    if model["byte_fallback"]?.boolean == true { flags.insert(.fallsBackToBytes) }
    if model["ignore_merges"]?.boolean == true { flags.insert(.ignoresMerges) }
    guard let list = model["merges"]?.array else { throw .badData("tokenizer.json: the model has no merges") }
    guard list.count <= TokenizerFormat.maxMerges else {
      throw .unsupported("tokenizer.json: \(list.count) merges are more than \(TokenizerFormat.maxMerges)")
    }
    var pairs: [(left: Int, right: Int, merged: Int)] = []
    pairs.reserveCapacity(list.count)
    for (rank, value) in list.enumerated() {
      guard let (left, right) = HuggingFaceVocabulary.pair(value) else {
        throw .badData("tokenizer.json: merge \(rank) is no pair of tokens")
      }
      pairs.append(
        (
          try vocabulary.id(left, merge: rank), try vocabulary.id(right, merge: rank),
          try vocabulary.id(left + right, merge: rank)
        ))
    }
    // What would let a text spell out a control token is left out.
    let safe = pairs.filter { tokens[$0.merged].type != .control }
    if safe.count < pairs.count { notes.append("\(pairs.count - safe.count) merges to control tokens are left out") }
    try setMerges(ids: safe)
  }

  private mutating func readPieces(_ model: JSONValue) throws(ConversionError) {
    flags.insert(.fusesUnknown | .sumsDoubles)
    if model["byte_fallback"]?.boolean == true { flags.insert(.fallsBackToBytes) }
    setUnknownScore()
  }

  private mutating func readEnds(
    _ template: HuggingFaceTemplate, _ settings: TokenizerSettings
  ) throws(ConversionError) {
    beginning = try template.beginning.map { text throws(ConversionError) in
      guard let id = token(text) else {
        throw .badData("tokenizer.json: the post-processor's \"\(printable(text))\" is no token")
      }
      return id
    }
    var adds = beginning != nil
    if let id = try id(of: "bos_token", settings) { beginning = beginning ?? id }
    if let wanted = settings.flag("add_bos_token") { adds = wanted && beginning != nil }
    if adds { flags.insert(.addsBeginning) }
    if template.hasEnd { notes.append("texts do not end with EOS, though the post-processor wants it") }
    if let id = try id(of: "eos_token", settings) { addEnd(id) }
    addKnownEnds()
    if ends.isEmpty {
      for text in ["</s>", "<eos>", "<|end_of_text|>"] { if let id = token(text) { addEnd(id) } }
    }
  }

  /// The token that a file names so; nil if none does.
  func id(of name: String, _ settings: TokenizerSettings) throws(ConversionError) -> Int? {
    guard let (text, place) = settings.token(named: name) else { return nil }
    if let id = token(text) { return id }
    throw .badData(
      "\(place): \(name) \"\(printable(text))\" is no token: neither the vocabulary has it, nor "
        + "\(TokenizerSettings.addedName) or \(TokenizerSettings.configurationName)'s added_tokens_decoder")
  }
}
