import ArgumentParser
import Foundation
import MartletConvert

struct ChatFormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat-format",
    abstract: "Shows the text that a conversation becomes.",
    discussion: """
      Reads the chat format of a .martlet file, or compiles a Jinja template. The conversation is a JSON list of \
      {"role": "system" | "user" | "assistant", "content": "..."}. The text is that in front of which the \
      beginning-of-sequence token stands, if the format has one. Without a conversation: what is known of the format.

      Example:
        martlet-tools chat-format model.martlet --conversation talk.json
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

  func run() throws {
    let bytes = try FileAccess.read(file)
    var section = bytes
    if ChatFormatFile.isModel(bytes) {
      section = try ChatFormatFile.section(of: bytes, name: file)
    } else {
      let source = try ChatFormatSource(template: String(decoding: bytes, as: UTF8.self), beginning: begin, end: end)
      if conversation.isEmpty { print(described(source)) }
      section = source.section()
    }
    for path in conversation {
      let talk = try ChatConversation(json: try FileAccess.read(path), name: path)
      FileHandle.standardOutput.write(Data(try talk.rendered(by: section, name: file)))
    }
    if conversation.isEmpty, ChatFormatFile.isModel(bytes) { print("\(section.count) bytes") }
  }

  private func described(_ source: ChatFormatSource) -> String {
    let lines = ["family  \(source.family.rawValue)", "ends    \(source.stops.joined(separator: " "))"]
    return (lines + source.notes.map { "note    \($0)" }).joined(separator: "\n")
  }
}
