/// What a language model's file says about itself, without memory to run it in.
public struct LanguageDescription {
  public let record: LanguageRecord
  public let weightsBytes: Int
  /// Tokens of the file's tokenizer; nil if it has none.
  public let tokenCount: Int?
  public let hasChat: Bool
  /// UTF-8 lines `key: value`.
  public let provenance: UnsafeRawBufferPointer

  public init(file: UnsafeRawBufferPointer) throws(ModelError) {
    let sections = try Sections(file: file)
    var arena = Arena(measuring: ())
    let model = try LanguageModel(sections, arena: &arena)
    record = model.record
    weightsBytes = model.weightsBytes
    tokenCount = sections[.tokenizer].isEmpty ? nil : try Tokenizer(sections[.tokenizer]).count
    hasChat = !sections[.chat].isEmpty
    if hasChat { _ = try ChatFormat(sections[.chat]) }
    provenance = sections[.provenance]
  }
}

extension ChatFormat {
  /// The chat format of a whole `.martlet` file; nil if it has none.
  public static func of(file: UnsafeRawBufferPointer) throws(ModelError) -> ChatFormat? {
    let section = try Sections(file: file)[.chat]
    return section.isEmpty ? nil : try ChatFormat(section)
  }
}
