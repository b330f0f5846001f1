import CMartletLinux

/// SIGTERM, SIGINT and SIGHUP: the end.
struct SignalSource: ~Copyable, EventSource {
  private let descriptor: Int32

  /// Before any thread is started: threads inherit that these signals are read and not delivered.
  init() throws(PipelineError) {
    var descriptor: Int32 = -1
    guard martlet_signals_open(&descriptor) == 0 else {
      throw PipelineError("signals cannot be read", exitCode: ExitCode.system)
    }
    self.descriptor = descriptor
  }

  deinit { martlet_signals_close(descriptor) }

  func addDescriptors(to waits: inout WaitSet, _ core: borrowing PipelineCore) { waits.add(descriptor) }

  mutating func service(_ core: inout PipelineCore) {
    if martlet_signals_take(descriptor) != 0 { core.isEnding = true }
  }
}
