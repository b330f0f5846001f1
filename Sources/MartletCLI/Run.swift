import CMartletLinux
import CMartletPlatform
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
    let check = try Check.open(path)
    if check.messages.errorCount > 0 {
      Output.write(check.messages.text(path: path.shown), to: .error)
      var ending = Check.refusal(check.messages)
      holdBack(&ending)
      throw ending
    }
    do throws(PipelineError) {
      var pipeline = try Pipeline(check.configuration)
      if let text = RunOutset.text(check.configuration) { Output.write(text, to: .error) }
      pipeline.run()
    } catch {
      var ending = CommandError(error.sentence, exitCode: error.exitCode)
      holdBack(&ending)
      throw ending
    }
  }

  /// A service manager starts the service again at once, which is right after a crash. What failed for a reason that
  /// may go away, a line in use, a chip or a disk that is not there yet, is told now and tried again at an easier pace.
  private static func holdBack(_ error: inout CommandError) {
    guard error.exitCode != ExitCode.configuration else { return }
    var notifier = martlet_notifier()
    martlet_notifier_open(&notifier)
    guard notifier.descriptor >= 0 else { return }
    if !error.isSaid { Output.tell("run: \(error.sentence)") }
    error.isSaid = true
    var entry = pollfd(fd: -1, events: 0, revents: 0)
    _ = martlet_wait(&entry, 1, martlet_now_ns() + 2_000_000_000)
  }
}
