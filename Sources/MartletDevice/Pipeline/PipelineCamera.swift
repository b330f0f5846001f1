import CMartletLinux
import Martlet

/// One camera of a pipeline as the decisions see it: when a frame of it is wanted, its rules, and what it did. Where
/// its frames come from is a source's.
struct PipelineCamera: ~Copyable {
  enum State: Equatable { case opening, waiting, streaming, lost, silent, damaged, hung, finished }

  private(set) var configuration: CameraConfiguration
  /// UTF-8 of its name, for records.
  let name: UnsafeRawBufferPointer
  var trigger: TriggerState
  var rules: FixedArray<CameraRule>

  /// A device, not pictures in its place.
  let isDevice: Bool

  // As its source has it.
  /// Of pictures: more of them will come.
  var isOpen: Bool
  /// Where the camera is, or was; empty before it was there.
  private(set) var path = ""
  /// Of the last time that it was open.
  private(set) var format = martlet_camera_format()
  var counts = CameraCounts()

  /// The last error was told, and is not told again until the camera was there.
  private(set) var isErrorTold = false
  /// Why the camera was lost the last time, for the status; empty if it never was.
  private(set) var lastError = ""
  private var lastState = State.lost
  /// It delivered nothing: to be open is not enough to be back.
  private var needsFrame: Bool { lastState != .lost }

  private(set) var decided = 0
  /// Frames dropped up to the last decision.
  private var droppedBefore = 0
  private(set) var toDecision: LatencyHistogram
  private(set) var toAction: LatencyHistogram
  private(set) var inference: LatencyHistogram
  /// From taking the frame to the decision, without the model's own time.
  private(set) var overhead: LatencyHistogram

  /// - Parameter firstRule: how many rules the cameras before have.
  init(_ camera: CameraConfiguration, firstRule: Int, nowNs: UInt64) throws(PipelineError) {
    guard let toDecision = LatencyHistogram(), let toAction = LatencyHistogram(), let inference = LatencyHistogram(),
      let overhead = LatencyHistogram()
    else { throw PipelineError("there is no memory", exitCode: ExitCode.system) }
    self.toDecision = toDecision
    self.toAction = toAction
    self.inference = inference
    self.overhead = overhead
    configuration = camera
    name = camera.name.permanentBytes()
    trigger = TriggerState(camera.trigger, patienceNs: camera.timeoutNs, nowNs: nowNs)
    rules = FixedArray(capacity: camera.rules.count)
    for index in camera.rules.indices { rules.append(CameraRule(camera.rules[index], number: firstRule + index)) }
    let settings = camera.settings
    isDevice = settings != nil
    isOpen = settings == nil
    if let settings { path = settings.address.text }
  }

  var state: State {
    if !isDevice { return isOpen ? .streaming : .finished }
    if isErrorTold { return lastState }
    if !isOpen { return .opening }
    return trigger.isContinuous ? .streaming : .waiting
  }

  // MARK: What its source tells

  mutating func expireTriggers(nowNs: UInt64) {
    let missed = trigger.expire(nowNs: nowNs)
    if missed > 0 { tell("\(missed) triggers got no frame in time") }
  }

  mutating func opened(path: String, _ format: martlet_camera_format) {
    self.path = path
    self.format = format
    isOpen = true
    if !needsFrame { welcome() }
  }

  /// It is there again, if it was not.
  mutating func welcome() {
    guard isErrorTold else { return }
    isErrorTold = false
    lastState = .lost
    tell("is back as " + path)
  }

  /// It is gone: its rules forget.
  mutating func lose(_ error: CameraError) {
    lastError = error.sentence
    if !isErrorTold { tell(lastError) }
    isErrorTold = true
    lastState = State(error.kind)
    forget()
  }

  /// What its rules have seen means nothing any more.
  mutating func forget() { for index in rules.indices { rules[index].forget() } }

  /// Other rules; those with the name of an old one go on from its state.
  ///
  /// - Parameter origins: gets for each of its rules the number of the old one, or -1.
  mutating func adopt(_ camera: CameraConfiguration, firstRule: Int, _ origins: inout [Int]) {
    var adopted = FixedArray<CameraRule>(capacity: camera.rules.count)
    for index in camera.rules.indices {
      var rule = CameraRule(camera.rules[index], number: firstRule + index)
      var origin = -1
      for old in rules.indices where rules[old].configuration.name.isSame(as: camera.rules[index].name) {
        origin = rules[old].number
        rule.goOn(from: rules[old])
      }
      origins.append(origin)
      adopted.append(rule)
    }
    configuration = camera
    rules = adopted
  }

  // MARK: Decisions

  /// What the rules say of a model's scores.
  mutating func updateRules(_ scores: RuleScores, at moment: RuleMoment) {
    for index in rules.indices { rules[index].update(scores, at: moment) }
  }

  /// Rules whose hours are over let go, without a decision; whether there are any.
  mutating func leaveHours(minuteOfWeek: Int) -> Bool {
    var isChanged = false
    for index in rules.indices where rules[index].leave(at: minuteOfWeek) { isChanged = true }
    return isChanged
  }

  /// Notes the times of a decision: nanoseconds of CLOCK_MONOTONIC.
  mutating func note(_ decision: Decision) {
    decided += 1
    inference.record(decision.inferenceNs)
    let done = decision.actedNs > 0 ? decision.actedNs : decision.decidedNs
    overhead.record(done - decision.takenNs - decision.inferenceNs)
    toDecision.record(decision.decidedNs - min(decision.capturedNs, decision.decidedNs))
    if decision.actedNs > 0 { toAction.record(decision.actedNs - min(decision.capturedNs, decision.actedNs)) }
  }

  /// Frames dropped since this was asked last.
  mutating func takeDropped() -> UInt64 {
    defer { droppedBefore = counts.dropped }
    return UInt64(counts.dropped - droppedBefore)
  }

  @inline(never)
  func tell(_ sentence: String) {
    Output.tell("run: camera \(configuration.name): \(sentence)")
  }
}

extension PipelineCamera.State {
  /// That of a camera after an error.
  init(_ kind: CameraError.Kind) {
    switch kind {
    case .silent: self = .silent
    case .damaged: self = .damaged
    case .hung: self = .hung
    case .noCamera, .missing, .notCamera, .busy, .denied, .gone, .refused, .control, .noConverter, .unreadable,
      .pipeline, .ambiguous, .modelTakesNoPicture, .system:
      self = .lost
    }
  }
}

/// A rule with its state from decision to decision.
struct CameraRule: ~Copyable {
  let configuration: RuleConfiguration
  let name: UnsafeRawBufferPointer
  private let classes: [Int32]
  /// Among the rules of all cameras.
  let number: Int
  private(set) var state: RuleState
  private(set) var outcome = RuleState.Outcome.unknown
  private(set) var fired = 0

  init(_ rule: RuleConfiguration, number: Int) {
    configuration = rule
    name = rule.name.permanentBytes()
    classes = rule.classes.map { Int32($0.index) }
    self.number = number
    state = RuleState(rule)
  }

  fileprivate mutating func goOn(from old: borrowing CameraRule) {
    state.goOn(from: old.state)
    outcome = old.outcome
    fired = old.fired
  }

  fileprivate mutating func update(_ scores: RuleScores, at moment: RuleMoment) {
    outcome = state.update(
      score: scores.score(of: classes, includesUnknown: configuration.includesUnknown), margin: scores.margin,
      at: moment)
    if outcome.isFired { fired += 1 }
  }

  var hasHours: Bool { configuration.hours != nil }

  fileprivate mutating func leave(at minuteOfWeek: Int) -> Bool {
    guard let left = state.leave(at: minuteOfWeek, outcome) else { return false }
    outcome = left
    return true
  }

  fileprivate mutating func forget() {
    state.reset()
    outcome = .unknown
  }
}
