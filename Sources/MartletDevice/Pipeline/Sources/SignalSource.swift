import CMartletLinux

/// SIGTERM and SIGINT: the end. SIGHUP: new models and rules; where a terminal is gone with it, the end too.
struct SignalSource: ~Copyable, EventSource {
  private let descriptor: Int32

  /// Somebody started it by hand.
  private let isOfTerminal: Bool

  init(_ signals: borrowing Signals) {
    descriptor = signals.descriptor
    isOfTerminal = martlet_is_terminal(0) || martlet_is_terminal(2)
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) { waits.add(descriptor) }

  mutating func service(_ core: inout PipelineCore) {
    let number = martlet_signals_take(descriptor)
    if number == SIGHUP, !isOfTerminal { _ = core.reload.ask() } else if number != 0 { core.isEnding = true }
  }
}

/// From `init` to the end of its owner, what has not ended within a second of a signal is ended: what may hang at the
/// end, a camera or a disk, must go before this does.
struct Signals: ~Copyable {
  fileprivate let descriptor: Int32

  /// Before any thread is started: threads inherit that these signals are read and not delivered.
  static func open() throws(PipelineError) -> Int32 {
    var descriptor: Int32 = -1
    guard martlet_signals_open(&descriptor) == 0 else {
      throw PipelineError("signals cannot be read", exitCode: ExitCode.system)
    }
    return descriptor
  }

  init(taking descriptor: Int32) { self.descriptor = descriptor }

  deinit { martlet_signals_close(descriptor) }
}
