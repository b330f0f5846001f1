import ArgumentParser
import Foundation
import MartletConvert

struct ChatFormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat-format",
    abstract: "Shows the text, or the tokens, that a conversation becomes.",
    discussion: """
      Reads the chat format of a .martlet file, or compiles a Jinja template. The conversation is a JSON list of \
      {"role": "system" | "user" | "assistant", "content": "..."}. The text is that in front of which the \
      beginning-of-sequence token stands, if the format has one. Without a conversation: what is known of the format.

      Example:
        martlet-tools chat-format model.martlet --conversation talk.json
        martlet-tools chat-format model.martlet --conversation talk.json --tokens
        martlet-tools chat-format template.jinja --begin '<s>' --end '</s>'
      """)

  @Argument(help: "A model (.martlet) or a chat template (Jinja).")
  var file: String

  @Option(help: ArgumentHelp("The conversation, as JSON.", valueName: "json"))
  var conversation: [String] = []

  @Option(help: ArgumentHelp("Of a template: the text of the beginning-of-sequence token.", valueName: "text"))
  var begin: String = ""

  @Option(help: ArgumentHelp("Of a template: the text of the end-of-sequence token.", valueName: "text"))
  var end: String = ""

  @Flag(help: "Of a model: the token ids, the beginning of the sequence among them, in a line for each conversation.")
  var tokens = false

  func run() throws {
    let bytes = try FileAccess.read(file)
    var section = bytes
    if tokens && conversation.isEmpty { throw ConversionError(.badRequest, "--tokens: of which --conversation?") }
    if tokens && !ChatFormatFile.isModel(bytes) {
      throw ConversionError(.badRequest, "--tokens: \(file) is no model; the tokenizer is that of a .martlet file")
    }
    if ChatFormatFile.isModel(bytes) {
      section = try ChatFormatFile.section(of: bytes, name: file)
    } else {
      let source = try ChatFormatSource(template: String(decoding: bytes, as: UTF8.self), beginning: begin, end: end)
      if conversation.isEmpty { try StandardOutput.print(described(source)) }
      section = source.section()
    }
    for path in conversation {
      let conversation = try ChatConversation(json: try FileAccess.read(path), name: path)
      if tokens {
        let tokenizer = try ChatFormatFile.tokenizer(of: bytes, name: file)
        let ids = try conversation.tokens(by: section, tokenizer: tokenizer, name: file)
        try StandardOutput.print(ids.map(String.init).joined(separator: " "))
      } else {
        try StandardOutput.write(conversation.rendered(by: section, name: file))
      }
    }
    if conversation.isEmpty, ChatFormatFile.isModel(bytes) {
      try StandardOutput.print("\(section.count) bytes")
    }
  }

  private func described(_ source: ChatFormatSource) -> String {
    let lines = ["family  \(source.family.rawValue)", "ends    \(source.stops.joined(separator: " "))"]
    return (lines + source.notes.map { "note    \($0)" }).joined(separator: "\n")
  }
}
