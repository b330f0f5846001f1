import CMartletPlatform
import Martlet
import MartletDevice

/// `martlet chat MODEL`: a talk in the terminal.
enum Chat {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.system] + TextOptions.all)
    if arguments.has(.help) { return try report(Help.chat) }
    let path = try arguments.onlyModel()
    let options = try TextOptions(arguments, maxTokens: 1024, temperature: 0.7)
    let system = arguments.value(.system).map { Array(String(cString: $0).utf8) }
    let file = try ModelOpener.file(path, verb: "chat")
    try ModelOpener.require(language: true, file)
    let format = try format(file)
    let model = try ModelOpener.generator(file, options, isa: ModelOpener.isa())
    var conversation = try Conversation(model, format, system: system, options)
    var reader = LineReader(capacity: 1 << 16)
    if reader.isInteractive {
      try report("Ctrl-C stops an answer, Ctrl-D on an empty line ends the talk, /reset begins anew.\n")
    }
    while true {
      switch try reader.read(prompt: "> ") {
      case .end: return
      case .tooLong: Output.tell("chat: a line of more than 65536 bytes was left out")
      case .text(let text):
        if text.isEmpty { continue }
        if isReset(text) {
          conversation.reset()
          continue
        }
        try conversation.answer(to: text, isVerbose: arguments.has(.verbose))
      }
    }
  }

  private static func format(_ file: borrowing ModelFile) throws(CommandError) -> ChatFormat {
    do throws(ModelError) {
      if let format = try ChatFormat.of(file: file.bytes) { return format }
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
    throw CommandError(
      "\(file.path.text): has no chat format; martlet-tools convert --chat-format NAME gives it one, martlet generate "
        + "goes without", exitCode: ExitCode.data)
  }

  private static func isReset(_ text: UnsafeRawBufferPointer) -> Bool {
    let word: StaticString = "/reset"
    return word.withUTF8Buffer { word in
      text.count == word.count && text.indices.allSatisfy { text[$0] == word[$0] }
    }
  }
}
