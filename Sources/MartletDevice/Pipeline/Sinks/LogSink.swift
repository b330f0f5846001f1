import CMartletLinux

/// Writes decisions into the log: all of them, or those in which a rule with the action `log` fires.
struct LogSink: ~Copyable, DecisionSink {
  private let configuration: LogConfiguration
  private var log: DecisionLog

  /// The log of a configuration, if it has one.
  static func all(_ configuration: Configuration) throws(PipelineError) -> FixedArray<LogSink> {
    var sinks = FixedArray<LogSink>(capacity: 1)
    if let log = configuration.log, let sink = try LogSink(log) { sinks.append(sink) }
    return sinks
  }

  /// Opens the log; nil: there is no memory.
  private init?(_ configuration: LogConfiguration) throws(PipelineError) {
    guard let log = DecisionLog(configuration) else { return nil }
    // Who starts it is there now to mend that; a disk that is full or away later may come back.
    if log.openError != 0 {
      // Two that write would mix their numbers.
      let isBusy = log.openError == Int32(MARTLET_BUSY)
      let error = FileError(.write, configuration.file.permanentPath(), code: log.openError)
      let sentence = isBusy ? configuration.file + ": another martlet run writes it" : error.sentence
      throw PipelineError("log: " + sentence, exitCode: error.exitCode)
    }
    if log.cutBytes > 0 {
      Output.tell("run: \(configuration.file): a torn end of \(Int(log.cutBytes)) bytes was cut off")
    }
    self.configuration = configuration
    self.log = log
  }

  var lastDecision: UInt64 { log.lastDecision }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    guard configuration.every == .decision || camera.fires(.log) else { return }
    if case .lost(let code, let isNew) = log.append(decision.record), isNew {
      Output.tell("run: \(configuration.file): \(String(cString: martlet_error_text(code)))")
    }
  }

  func report(_ json: inout JSONWriter) { json.field("log_lost", Int(log.lostCount)) }

  func report(_ text: inout String) {
    if log.lostCount > 0 { text.add("log: \(Int(log.lostCount)) records lost\n") }
  }
}
