import Martlet

/// A chat template in Jinja that can be asked for its rendering of a conversation, as `transformers` gives it.
struct ChatTemplate {
  static let maxBytes = 1 << 16
  /// Stands for the beginning-of-sequence token while a template runs. That token's own text would not do: SmolLM2's is
  /// `<|im_start|>`, which begins every turn.
  private static let mark = "\u{1}bos\u{1}"
  private let statements: [JinjaStatement]
  private let beginning: String
  private let end: String

  /// - Parameters:
  ///   - beginning: text of the beginning-of-sequence token, `bos_token`; empty if the model has none.
  ///   - end: text of the end-of-sequence token, `eos_token`.
  init(_ text: String, beginning: String, end: String) throws(JinjaError) {
    guard text.utf8.count <= ChatTemplate.maxBytes else { throw .tooLong }
    statements = try JinjaParser.statements(of: text)
    self.beginning = beginning
    self.end = end
  }

  /// The prompt without a beginning-of-sequence token at its start.
  ///
  /// `tools` is none, as `transformers` passes it. `strftime_now` and `date_string` are not defined: a device has no
  /// clock that it was not handed, and Llama 3 then writes its own constant, 26 Jul 2024.
  func render(_ messages: [ChatMessage], prompt: Bool) throws(JinjaError) -> (text: [UInt8], hasBeginning: Bool) {
    let list = messages.map {
      JinjaValue.mapping(["role": .string($0.role.rawValue), "content": .string($0.content)])
    }
    let text = Array(
      try JinjaEvaluator.render(
        statements,
        variables: [
          "messages": .list(list), "add_generation_prompt": .boolean(prompt), "tools": .none, "documents": .none,
          "bos_token": .string(ChatTemplate.mark), "eos_token": .string(end),
        ]
      ).utf8)
    let mark = Array(ChatTemplate.mark.utf8)
    let hasBeginning = text.starts(with: mark)
    let rest = String(decoding: hasBeginning ? text.dropFirst(mark.count) : text[...], as: UTF8.self)
    let clean = JinjaText.split(rest, at: ChatTemplate.mark, limit: .max).joined(separator: beginning)
    return (Array(clean.utf8), hasBeginning && !beginning.isEmpty)
  }
}
