import CMartletPlatform
import Martlet
import MartletDevice

/// `martlet generate MODEL --prompt TEXT`: goes on with a text.
enum Generate {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let own: [Option] = [.prompt, .promptFile, .tokens, .special, .json]
    let arguments = try Arguments(argc, argv, options: own + TextOptions.all)
    if arguments.has(.help) { return try report(Help.generate) }
    let path = try model(arguments)
    let options = try TextOptions(arguments, maxTokens: 256, temperature: 0)
    let prompt = try Prompt(arguments, session: options.session)
    var run = try GenerateRun(path, options, verb: "generate", isJSON: arguments.has(.json))
    try run.begin(prompt)
    try run.go()
    try run.end(isVerbose: arguments.has(.verbose))
  }

  /// The model, behind which "-" may stand for a prompt from standard input.
  private static func model(_ arguments: Arguments) throws(CommandError) -> FilePath {
    guard let path = arguments.paths.first else { throw .usage("which model? give the path of a .martlet file") }
    if arguments.paths.count > 2 || (arguments.paths.count == 2 && !(Word(arguments.paths[1].cString) == "-")) {
      throw .usage("\(arguments.paths[1].text): one model at a time; a text goes behind --prompt")
    }
    return path
  }
}

/// What the text begins with.
struct Prompt {
  var text: [UInt8] = []
  /// In place of a text; nil: there is one.
  var tokens: [Int32]?
  /// Where neither is there: the saved text goes on.
  var isContinued = false
  var parsesSpecial: Bool

  init(_ arguments: Arguments, session: FilePath?) throws(CommandError) {
    parsesSpecial = arguments.has(.special)
    let isPiped = arguments.paths.count == 2
    let sources =
      (arguments.has(.prompt) ? 1 : 0) + (arguments.has(.promptFile) ? 1 : 0) + (arguments.has(.tokens) ? 1 : 0)
      + (isPiped ? 1 : 0)
    guard sources <= 1 else { throw .usage("one of --prompt, --prompt-file, --tokens and - at a time") }
    if let value = arguments.value(.prompt) {
      text = Array(String(cString: value).utf8)
    } else if let value = arguments.value(.promptFile) {
      text = try Input.bytes(FilePath(value))
    } else if isPiped {
      text = try Input.bytes(nil)
    } else if let value = arguments.value(.tokens) {
      tokens = try Prompt.ids(value)
    } else if session != nil {
      isContinued = true
    } else {
      throw .usage("what is the text to go on with? --prompt TEXT, --prompt-file FILE, or - for standard input")
    }
  }

  private static func ids(_ value: UnsafePointer<CChar>) throws(CommandError) -> [Int32] {
    let bytes = Array(String(cString: value).utf8)
    var ids: [Int32] = []
    for word in Input.words(bytes, 0..<bytes.count) {
      guard let id = TokenizeSession.number(bytes[word]) else {
        throw .usage("--tokens: \(bytes[word].withUnsafeBytes { String(utf8: $0) }) is not a token id")
      }
      ids.append(id)
    }
    return ids
  }
}
