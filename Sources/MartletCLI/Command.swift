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
    guard argc >= 2, let first = argv[1] else {
      Output.write(Help.overview, to: .error)
      return ExitCode.usage
    }
    let verb = Word(first)
    if verb == "--help" || verb == "-h" || verb == "help" {
      Output.write(Help.overview)
      return ExitCode.success
    }
    if verb == "--version" {
      Output.write("martlet " + MartletVersion.text + "\n")
      return ExitCode.success
    }
    return run(verb, argc, argv)
  }

  private static func run(
    _ verb: Word, _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) -> Int32 {
    do throws(CommandError) {
      if verb == "classify" {
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
      } else if verb == "status" {
        try Status.run(argc, argv)
      } else if verb == "devices" {
        try Devices.run(argc, argv)
      } else {
        throw .usage("there is no such verb; martlet --help lists them")
      }
      return ExitCode.success
    } catch {
      if !error.isSaid { Output.write("\(verb.text): \(error.sentence)\n", to: .error) }
      return error.exitCode
    }
  }
}

/// Writes the result of a command.
@inline(never)
func report(_ text: String) throws(CommandError) {
  let code = Output.write(text)
  if code != 0 { throw CommandError("standard output cannot be written", exitCode: ExitCode.io) }
}
