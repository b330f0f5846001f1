import MartletDevice

/// `martlet run CONFIG`: the service.
enum Run {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [])
    if arguments.has(.help) { return try report(Help.run) }
    guard arguments.paths.count == 1 else { throw .usage("which configuration? martlet run martlet.yaml") }
    let path = arguments.paths[0]
    let isa = try Opening.isa()
    let check: ConfigurationCheck
    do throws(FileError) {
      check = try ConfigurationCheck(file: path, isa: isa)
    } catch {
      throw CommandError(error)
    }
    if check.messages.errorCount > 0 {
      Output.write(check.messages.text(path: path.text), to: .error)
      var error = CommandError("", exitCode: ExitCode.configuration)
      error.isSaid = true
      throw error
    }
    do throws(PipelineError) {
      var pipeline = try Pipeline(check.configuration)
      pipeline.run()
    } catch {
      throw CommandError(error.sentence, exitCode: error.exitCode)
    }
  }
}
