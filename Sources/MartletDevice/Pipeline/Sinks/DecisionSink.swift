/// What follows from a decision: lines that act, frames that are kept, records that are written, whoever listens.
///
/// Sinks take a decision one after another, in the order of `PipelineCore.Sinks`. None of them allocates or throws:
/// what goes wrong it tells once, counts, and goes on with what it still can.
protocol DecisionSink: ~Copyable {
  /// The highest decision number that it holds of earlier runs; 0: none.
  var lastDecision: UInt64 { get }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel)

  /// Nobody knows whether the camera's rules hold: it is away.
  mutating func lose(_ camera: borrowing PipelineCamera)

  /// Its rules changed without a decision.
  mutating func refresh(_ camera: borrowing PipelineCamera)

  /// Other rules, numbered through all cameras; the lines are the same.
  ///
  /// - Parameter origins: for each of them the number of the rule that it goes on from, or -1.
  mutating func adopt(_ configuration: Configuration, _ origins: [Int])

  /// The end: what it holds goes into its safe state.
  mutating func close()

  /// If the process ends by a fault, a signal handler does what `close` would.
  func guardAgainstFaults()

  /// Its part of the status.
  func report(_ json: inout JSONWriter)
  func report(_ text: inout String)
}

extension DecisionSink where Self: ~Copyable {
  var lastDecision: UInt64 { 0 }
  mutating func lose(_ camera: borrowing PipelineCamera) {}
  mutating func refresh(_ camera: borrowing PipelineCamera) {}
  mutating func adopt(_ configuration: Configuration, _ origins: [Int]) {}
  mutating func close() {}
  func guardAgainstFaults() {}
}

/// A decision on a frame, on its way through the sinks. Times are nanoseconds of CLOCK_MONOTONIC.
struct Decision {
  /// From 1, one more each time, across restarts too.
  let number: UInt64
  let frame: DecisionFrame
  /// The frame's, as the driver counts.
  let sequence: UInt64
  /// Frames that came since the last decision and were not decided on.
  let dropped: UInt64
  let capturedNs: UInt64
  /// When the frame was taken from its source.
  let takenNs: UInt64
  /// What the model took.
  let inferenceNs: UInt64
  let decidedNs: UInt64
  /// Microseconds since 1970 UTC.
  let wallUs: UInt64

  /// When the last line was changed, 0 while none was: of the sink of lines.
  var actedNs: UInt64 = 0
  /// The decision as a line of JSON with its newline, empty before: of the sink that writes it, for those behind it.
  /// Valid until the next decision.
  var record = UnsafeRawBufferPointer(start: nil, count: 0)
}

/// The frame of a decision, as it came.
enum DecisionFrame {
  /// In the driver's buffer, or where it was converted to, until the decision is over; nil: it is there no more.
  case camera(FrameContent?)
  /// A file.
  case picture(FilePath)
}

extension PipelineCamera {
  /// Whether a rule that fired in this decision asks for it.
  func fires(_ verb: ActionConfiguration.Verb) -> Bool {
    for index in rules.indices where rules[index].outcome.isFired {
      for action in rules[index].configuration.actions where action.kind.verb == verb { return true }
    }
    return false
  }
}

extension Both: DecisionSink where First: DecisionSink & ~Copyable, Second: DecisionSink & ~Copyable {
  var lastDecision: UInt64 { max(first.lastDecision, second.lastDecision) }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    first.take(&decision, of: camera, by: model)
    second.take(&decision, of: camera, by: model)
  }

  mutating func lose(_ camera: borrowing PipelineCamera) {
    first.lose(camera)
    second.lose(camera)
  }

  mutating func refresh(_ camera: borrowing PipelineCamera) {
    first.refresh(camera)
    second.refresh(camera)
  }

  mutating func adopt(_ configuration: Configuration, _ origins: [Int]) {
    first.adopt(configuration, origins)
    second.adopt(configuration, origins)
  }

  mutating func close() {
    first.close()
    second.close()
  }

  func guardAgainstFaults() {
    first.guardAgainstFaults()
    second.guardAgainstFaults()
  }

  func report(_ json: inout JSONWriter) {
    first.report(&json)
    second.report(&json)
  }

  func report(_ text: inout String) {
    first.report(&text)
    second.report(&text)
  }
}

/// A sink that the configuration does not ask for is an array of none.
extension FixedArray: DecisionSink where Element: DecisionSink & ~Copyable {
  var lastDecision: UInt64 {
    var last: UInt64 = 0
    for index in indices { last = max(last, self[index].lastDecision) }
    return last
  }

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    for index in indices { self[index].take(&decision, of: camera, by: model) }
  }

  mutating func lose(_ camera: borrowing PipelineCamera) { for index in indices { self[index].lose(camera) } }
  mutating func refresh(_ camera: borrowing PipelineCamera) { for index in indices { self[index].refresh(camera) } }

  mutating func adopt(_ configuration: Configuration, _ origins: [Int]) {
    for index in indices { self[index].adopt(configuration, origins) }
  }
  mutating func close() { for index in indices { self[index].close() } }
  func guardAgainstFaults() { for index in indices { self[index].guardAgainstFaults() } }
  func report(_ json: inout JSONWriter) { for index in indices { self[index].report(&json) } }
  func report(_ text: inout String) { for index in indices { self[index].report(&text) } }
}
