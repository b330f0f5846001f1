import CMartletLinux
import CMartletPlatform
import Martlet

/// What the sources of a pipeline work on: models, each camera's trigger and rules, and the sinks.
struct PipelineCore: ~Copyable {
  /// What follows from a decision, in this order. Lines come first: a part is on its way.
  typealias Sinks = Both<LineSink, RecordSink>

  private(set) var configuration: Configuration
  var models: FixedArray<PipelineModel>
  var cameras: FixedArray<PipelineCamera>
  var sinks: Sinks
  /// The number of the last decision.
  private(set) var decision: UInt64
  /// When it was; 0: there was none since the start.
  private(set) var lastDecisionNs: UInt64 = 0
  let startedNs: UInt64
  private var clock = LocalClock()
  /// It is time to end.
  var isEnding = false
  var reload = ReloadState()
  /// Of the models and rules: one more with each that is taken.
  private(set) var generation = 0
  /// A bit for each model whose file was written over, and for whose cameras that was said.
  private var overwritten: UInt64 = 0

  init(
    _ configuration: Configuration, models: consuming FixedArray<PipelineModel>, lines: consuming LineSink,
    records: consuming RecordSink, nowNs now: UInt64
  ) throws(PipelineError) {
    var cameras = FixedArray<PipelineCamera>(capacity: configuration.cameras.count)
    var rule = 0
    for camera in configuration.cameras {
      cameras.append(try PipelineCamera(camera, firstRule: rule, nowNs: now))
      rule += camera.rules.count
    }
    let sinks = Both(lines, records)
    // Behind the models, whose file guard handles SIGBUS too and must come second then.
    sinks.guardAgainstFaults()
    decision = sinks.lastDecision
    startedNs = now
    // The zone is read, which takes memory, before the first decision.
    _ = clock.minuteOfWeek(wallUs: martlet_wall_time_us())
    self.configuration = configuration
    self.models = models
    self.cameras = cameras
    self.sinks = sinks
  }

  // MARK: Models

  var hasOverwrittenModel: Bool { overwritten != 0 }
  /// Whether a camera's model computes with the file that it was loaded from.
  func canDecide(_ camera: Int) -> Bool { !models[cameras[camera].configuration.model].isOverwritten }

  /// Where a camera's frames go.
  func place(ofCamera index: Int) throws(PictureError) -> FrameInput.Place {
    let camera = cameras[index].configuration
    return try models[camera.model].place(camera.resize)
  }

  /// If its file was written over: its cameras decide nothing until it is whole again.
  mutating func lookAtModel(_ model: Int) {
    models[model].lookAtFile()
    guard models[model].isOverwritten, overwritten >> UInt64(model) & 1 == 0 else { return }
    overwritten |= 1 << UInt64(model)
    let told = models[model].configuration
    var sentence = "model "
    sentence.add(told.name)
    sentence.add(": ")
    sentence.add(told.file)
    sentence.add(": was written over while it was in use: nothing is decided by it until it is whole again")
    sentence.add(" (put a new file beside it and rename it)")
    Output.tell("run: " + sentence)
    for index in cameras.indices where cameras[index].configuration.model == model {
      cameras[index].forget()
      Self.release(cameras, index, in: &sinks)
    }
    record(.modelLost, reason: sentence)
  }

  /// Other models and rules from the next frame on. Rules that have the name and camera of an old one go on from its
  /// state, and lines keep their levels.
  mutating func adopt(_ generation: inout Generation) {
    // By the classes of the models so far.
    summarize()
    for model in models.indices where models[model].isOverwritten {
      var sentence = "run: model "
      sentence.add(models[model].configuration.name)
      sentence.add(": is whole again")
      Output.tell(sentence)
      record(.modelBack)
    }
    overwritten = 0
    var origins: [Int] = []
    for index in cameras.indices {
      let camera = generation.configuration.cameras[index]
      cameras[index].adopt(camera, firstRule: origins.count, &origins)
    }
    configuration = generation.configuration
    models = generation.takeModels()
    sinks.adopt(configuration, origins)
    self.generation += 1
  }

  // MARK: What sources bring

  /// A camera's frame, which is in the model's input already: from there to what is done about it.
  ///
  /// - Parameters:
  ///   - sequence: as the driver counts.
  ///   - takenNs: when the frame was taken from its source (CLOCK_MONOTONIC).
  mutating func decide(
    camera index: Int, _ frame: DecisionFrame, sequence: UInt64, capturedNs: UInt64, takenNs: UInt64
  ) {
    let model = cameras[index].configuration.model
    let began = martlet_now_ns()
    guard models[model].run() else { return lookAtModel(model) }
    let ended = martlet_now_ns()
    models[model].scores.update(unknownBelow: cameras[index].configuration.unknownBelow)
    let wallUs = martlet_wall_time_us()
    let moment = RuleMoment(capturedNs: capturedNs, minuteOfWeek: clock.minuteOfWeek(wallUs: wallUs))
    cameras[index].updateRules(models[model].scores, at: moment)
    decision += 1
    let decided = martlet_now_ns()
    lastDecisionNs = decided
    var taken = Decision(
      number: decision, frame: frame, sequence: sequence, dropped: cameras[index].takeDropped(),
      capturedNs: capturedNs, takenNs: takenNs, inferenceNs: ended - began, decidedNs: decided,
      wallUs: wallUs)
    Self.deliver(&taken, to: &sinks, of: cameras, index, by: models, model)
    cameras[index].trigger.satisfied(nowNs: decided)
    cameras[index].note(taken)
  }

  // An element and another part of `self` at the same time: the compiler tells them apart as parameters only.

  private static func deliver(
    _ decision: inout Decision, to sinks: inout Sinks, of cameras: borrowing FixedArray<PipelineCamera>, _ camera: Int,
    by models: borrowing FixedArray<PipelineModel>, _ model: Int
  ) {
    sinks.take(&decision, of: cameras[camera], by: models[model])
  }

  @inline(never)
  private static func forget(
    _ cameras: borrowing FixedArray<PipelineCamera>, _ camera: Int, in sinks: inout Sinks
  ) {
    sinks.lose(cameras[camera])
  }

  /// What its rules hold is not known; the camera itself is well.
  private static func release(
    _ cameras: borrowing FixedArray<PipelineCamera>, _ camera: Int, in sinks: inout Sinks
  ) {
    sinks.first.lose(cameras[camera])
  }

  private static func refresh(
    _ cameras: borrowing FixedArray<PipelineCamera>, _ camera: Int, in sinks: inout Sinks
  ) {
    sinks.refresh(cameras[camera])
  }

  /// The camera is gone: its rules forget, and so do the sinks.
  @inline(never)
  mutating func lose(camera index: Int, _ error: CameraError) {
    cameras[index].lose(error)
    Self.forget(cameras, index, in: &sinks)
  }

  /// Whether a rule has hours.
  var hasHours: Bool {
    for index in cameras.indices {
      for rule in cameras[index].rules.indices where cameras[index].rules[rule].hasHours { return true }
    }
    return false
  }

  /// Time has passed: lines of rules whose hours are over are safe.
  mutating func endHours() {
    let minute = clock.minuteOfWeek(wallUs: martlet_wall_time_us())
    for index in cameras.indices {
      if cameras[index].leaveHours(minuteOfWeek: minute) { Self.refresh(cameras, index, in: &sinks) }
    }
  }

  /// An edge of one of the configuration's lines.
  mutating func edge(ofLine line: Int, at ns: UInt64) {
    sinks.first.countEdge(ofLine: line)
    for index in cameras.indices { cameras[index].trigger.edge(ofLine: line, at: ns) }
  }

  /// A chip that is gone.
  mutating func stop(_ error: GPIOError) {
    sinks.first.close()
    record(.stop, reason: error.sentence)
    sinks.second.waitForDisk(ns: 500_000_000)
    error.endProcess()
  }

  /// The end: every output has its safe level.
  mutating func close() {
    sinks.first.close()
    summarize()
    record(.stop)
    sinks.second.close()
  }
}
