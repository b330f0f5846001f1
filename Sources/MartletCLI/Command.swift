import CMartletLinux
import MartletDevice

/// What ends a command: one line for the person, and an exit code.
struct CommandError: Error {
  var sentence: String
  var exitCode: Int32
  /// The sentence has been printed where it happened.
  var isSaid = false

  @inline(never)
  init(_ sentence: String, exitCode: Int32) {
    self.sentence = sentence
    self.exitCode = exitCode
  }

  @inline(never)
  init(_ error: FileError) {
    self.init(error.sentence, exitCode: error.exitCode)
  }

  init(_ error: GPIOError) {
    self.init(error.sentence, exitCode: error.exitCode)
  }

  @inline(never)
  init(_ error: InstructionSet.Failure) {
    self.init(error.sentence, exitCode: error.exitCode)
  }

  @inline(never)
  static func usage(_ sentence: String) -> CommandError {
    CommandError(sentence, exitCode: ExitCode.usage)
  }
}

/// The device command: parses, calls, prints; decides nothing.
enum Command {
  static func main(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    martlet_streams_open()
    guard argc >= 2, let first = argv[1] else {
      Output.write(Help.overview, to: .error)
      return ExitCode.usage
    }
    let verb = Word(first)
    do throws(CommandError) {
      try run(verb, argc, argv)
      return ExitCode.success
    } catch {
      if !error.isSaid { Output.tell("\(verb.text): \(error.sentence)") }
      return error.exitCode
    }
  }

  private static func run(
    _ verb: Word, _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    if verb == "--help" || verb == "-h" || verb == "help" {
      try report(Help.overview)
    } else if verb == "--version" {
      try report("martlet " + MartletVersion.text + "\n")
    } else if verb == "classify" {
      try Classify.run(argc, argv)
    } else if verb == "infer" {
      try Infer.run(argc, argv)
    } else if verb == "inspect" {
      try Inspect.run(argc, argv)
    } else if verb == "verify" {
      try Verify.run(argc, argv)
    } else if verb == "generate" {
      try Generate.run(argc, argv)
    } else if verb == "chat" {
      try Chat.run(argc, argv)
    } else if verb == "tokenize" {
      try Tokenize.run(argc, argv)
    } else if verb == "gpio" {
      try Gpio.run(argc, argv)
    } else if verb == "check" {
      try Check.run(argc, argv)
    } else if verb == "bench" {
      try Bench.run(argc, argv)
    } else if verb == "run" {
      try Run.run(argc, argv)
    } else if verb == "reload" {
      try Reload.run(argc, argv)
    } else if verb == "status" {
      try Status.run(argc, argv)
    } else if verb == "devices" {
      try Devices.run(argc, argv)
    } else {
      throw .usage("there is no such verb; martlet --help lists them")
    }
  }
}

// MARK: - Results

/// Writes a result that is text for people.
@inline(never)
func report(_ text: String) throws(CommandError) {
  try checkOutput(Output.write(text))
}

/// Writes a result byte for byte.
@inline(never)
func report(json text: String) throws(CommandError) {
  try checkOutput(Output.write(exactly: text))
}

/// One of both.
@inline(never)
func report(_ arguments: Arguments, _ json: JSONWriter, _ text: String) throws(CommandError) {
  if arguments.has(.json) { return try report(json: json.text) }
  try report(text)
}

/// Writes bytes that a model or a tokenizer gives: to a terminal as text, to all others as they are.
@inline(never)
func report(_ bytes: UnsafeRawBufferPointer) throws(CommandError) {
  if martlet_is_terminal(1) { return try report(String(visible: bytes, keepsLines: true)) }
  try checkOutput(martlet_file_write_all(1, bytes.baseAddress, bytes.count))
}

/// - Parameter code: a `martlet_error`, or 0.
func checkOutput(_ code: Int32) throws(CommandError) {
  guard code != 0 else { return }
  var error = CommandError(
    "standard output cannot be written: " + String(cString: martlet_error_text(code)), exitCode: ExitCode.io)
  // Who reads no more knows why.
  error.isSaid = code == Int32(MARTLET_BROKEN_PIPE)
  throw error
}
