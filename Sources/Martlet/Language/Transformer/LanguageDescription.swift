/// What a language model's file says about itself, without memory to run it in: all that opening it for use checks.
public struct LanguageDescription {
  public let record: LanguageRecord
  public let weightsBytes: Int
  /// Nil if the file has none.
  public let tokenizer: Tokenizer?
  public let chat: ChatFormat?
  /// UTF-8 lines `key: value`.
  public let provenance: UnsafeRawBufferPointer

  public init(file: UnsafeRawBufferPointer) throws(ModelError) {
    try self.init(Sections(file: file))
  }

  init(_ sections: Sections) throws(ModelError) {
    var arena = Arena(measuring: ())
    let model = try LanguageModel(sections, arena: &arena)
    record = model.record
    weightsBytes = model.weightsBytes
    // What the shortest context asks for, any other does too.
    _ = try LanguageLayout(model, options: LanguageOptions(contextLength: 1), from: &arena)
    (tokenizer, chat) = try LanguageDescription.texts(sections)
    if let tokenizer, tokenizer.count > Int(record.vocabularySize) {
      throw ModelError(
        .mismatch, .tokenizer, field: "tokenCount", found: Int64(tokenizer.count),
        expected: Int64(record.vocabularySize))
    }
    provenance = sections[.provenance]
  }

  /// What a file without a model has too.
  static func texts(_ sections: Sections) throws(ModelError) -> (tokenizer: Tokenizer?, chat: ChatFormat?) {
    let tokenizer = sections[.tokenizer].isEmpty ? nil : try Tokenizer(sections[.tokenizer])
    try tokenizer?.validate()
    let chat = sections[.chat].isEmpty ? nil : try ChatFormat(sections[.chat])
    return (tokenizer, chat)
  }
}

extension ChatFormat {
  /// The chat format of a whole `.martlet` file, with all that opening it checks; nil if it has none.
  public static func of(file: UnsafeRawBufferPointer) throws(ModelError) -> ChatFormat? {
    try LanguageDescription(file: file).chat
  }
}
