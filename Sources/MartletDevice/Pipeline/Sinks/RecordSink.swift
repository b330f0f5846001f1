import CMartletLinux
import CMartletPlatform
import Martlet

/// Writes decisions as lines of JSON, and hands those that the configuration asks for, with the frames that rules save,
/// to the recorder. What is no decision, it records too: see `PipelineEvent`.
struct RecordSink: ~Copyable, DecisionSink {
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: DecisionLine.recommendedBytes, alignment: 8)
  /// Of the configuration's lines.
  private let lineNames: [UnsafeRawBufferPointer]
  private let log: LogConfiguration?
  private let hasFrames: Bool
  private var cameras: FixedArray<CameraRecords>
  private var recent = RecentDecisions()
  /// None: there is neither log nor store, or it is over.
  private var recorders: FixedArray<Recorder>
  private var disk: DiskState
  /// Those of earlier runs go up to it.
  private(set) var lastDecision: UInt64 = 0
  /// The number of the last decision.
  private var decision: UInt64 = 0

  /// Opens log and store: both may be none.
  init(_ configuration: Configuration) throws(PipelineError) {
    var cameras = FixedArray<CameraRecords>(capacity: configuration.cameras.count)
    for camera in configuration.cameras {
      guard let records = CameraRecords(camera.name) else { throw .noMemory }
      cameras.append(records)
    }
    self.init(configuration, cameras, try Self.open(configuration))
  }

  private init(
    _ configuration: Configuration, _ cameras: consuming FixedArray<CameraRecords>,
    _ recorders: consuming FixedArray<Recorder>
  ) {
    lineNames = configuration.lines.map { $0.name.permanentBytes() }
    log = configuration.log
    hasFrames = configuration.frames != nil
    disk = DiskState(configuration)
    self.cameras = cameras
    self.recorders = recorders
    guard self.recorders.count > 0 else { return }
    lastDecision = self.recorders[0].lastDecision
    decision = lastDecision
    disk.noteOpened(self.recorders[0].state)
  }

  deinit { buffer.deallocate() }

  private static func open(_ configuration: Configuration) throws(PipelineError) -> FixedArray<Recorder> {
    var recorders = FixedArray<Recorder>(capacity: 1)
    var logs = FixedArray<DecisionLog>(capacity: 1)
    var stores = FixedArray<FrameStore>(capacity: 1)
    if let told = configuration.log { logs.append(try open(told, in: configuration)) }
    if let told = configuration.frames {
      // A folder that cannot be used is tried again with each frame.
      guard let store = FrameStore(told) else { throw .noMemory }
      stores.append(store)
    }
    guard logs.count + stores.count > 0 else { return recorders }
    let frameBytes = configuration.frames?.queueBytes ?? 0
    guard let recorder = Recorder(logs: logs, stores: stores, frameBytes: frameBytes) else { throw .noMemory }
    recorders.append(recorder)
    return recorders
  }

  /// Who starts it is there now to mend what is wrong; a disk that is full or away later may come back.
  private static func open(
    _ told: LogConfiguration, in configuration: Configuration
  ) throws(PipelineError) -> DecisionLog {
    guard let log = DecisionLog(told) else { throw .noMemory }
    if log.openError == Int32(MARTLET_LOG_FOREIGN) {
      throw PipelineError(
        configuration, line: told.line, "log: \(told.file): \(String(cString: martlet_error_text(log.openError)))",
        exitCode: ExitCode.configuration)
    }
    if log.openError != 0 {
      // Two that write would mix their numbers.
      let isBusy = log.openError == Int32(MARTLET_BUSY)
      let error = FileError(.write, told.file.permanentPath(), code: log.openError)
      let sentence = isBusy ? told.file + ": another martlet run writes it" : error.sentence
      throw PipelineError("log: " + sentence, exitCode: error.exitCode)
    }
    if log.cutBytes > 0 {
      Output.tell("run: \(told.file): a torn end of \(Int(log.cutBytes)) bytes was cut off")
    }
    return log
  }

  // MARK: Decisions

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    self.decision = decision.number
    var isWanted = false
    if let place = place(of: camera) {
      if cameras[place].isLost { write(.cameraBack, camera: place, wallUs: decision.wallUs) }
      let isChange = cameras[place].note(decision, of: camera, model.scores)
      switch log?.every {
      case .decision: isWanted = true
      case .change: isWanted = isChange
      case .rule: isWanted = camera.fires(.log)
      case nil: break
      }
    }
    var line = DecisionLine(into: buffer)
    let savePlace = compose(&line, decision, camera, model)
    decision.record = line.end()
    recent.keep(decision.record, of: decision.number, savePlace: savePlace)
    if hasFrames, camera.fires(.save) {
      if let savePlace, isWanted { return put(decision.record, place: savePlace, frame: decision) }
      put(UnsafeRawBufferPointer(start: nil, count: 0), frame: decision)
    }
    if isWanted { put(decision.record) }
  }

  @inline(never)
  private func put(_ record: UnsafeRawBufferPointer, place: Int = 0, frame decision: Decision? = nil) {
    guard recorders.count > 0 else { return }
    recorders[0].put(
      record, place: place, frame: decision?.frame.stored, decision: decision?.number ?? 0,
      wallUs: decision?.wallUs ?? 0)
  }

  /// Returns where what becomes of the frame is to be inserted, if it is saved.
  private func compose(
    _ line: inout DecisionLine, _ decision: Decision, _ camera: borrowing PipelineCamera,
    _ model: borrowing PipelineModel
  ) -> Int? {
    line.begin(
      decision: decision.number, camera: camera.name, sequence: decision.sequence, dropped: decision.dropped)
    line.times(
      capturedNs: decision.capturedNs, decidedNs: decision.decidedNs, actedNs: decision.actedNs, wallUs: decision.wallUs
    )
    line.model(model.name, hash: model.hash)
    writeScores(&line, model)
    line.beginRules()
    for number in camera.rules.indices { line.rule(camera.rules[number].name, camera.rules[number].outcome) }
    line.endList()
    line.beginActions()
    var savePlace: Int?
    for number in camera.rules.indices {
      writeActions(&line, camera.rules[number], number, decision, savePlace: &savePlace)
    }
    line.endList()
    return savePlace
  }

  private func writeScores(_ line: inout DecisionLine, _ model: borrowing PipelineModel) {
    line.beginScores(isUnknown: model.scores.isUnknown)
    var top = InlineArray<5, Score>(repeating: Score(index: 0, real: 0))
    var span = top.mutableSpan
    let count = span.withUnsafeMutableBufferPointer { model.loaded.engine.topScores(into: $0) }
    for place in 0..<count {
      let score = top[place]
      line.score(
        label: model.loaded.engine.labelOrEmpty(score.index), index: score.index, score: score.real,
        raw: model.scores.raw(score.index))
    }
    line.endList()
  }

  private func writeActions(
    _ line: inout DecisionLine, _ rule: borrowing CameraRule, _ number: Int, _ decision: Decision,
    savePlace: inout Int?
  ) {
    let actions = rule.configuration.actions
    for index in actions.indices {
      let error = decision.lineErrors[number, index]
      switch actions[index].kind {
      case .pulse(let line_, _, let delayNs):
        guard rule.outcome.isFired else { continue }
        line.action(
          "pulse", line: lineNames[line_], atNs: delayNs.map { decision.capturedNs + $0 } ?? 0, error: error)
      case .set(let line_):
        if rule.outcome.isFired { line.action("set", line: lineNames[line_], error: error) }
        if rule.outcome.isReleased { line.action("release", line: lineNames[line_], error: error) }
      case .save:
        // One frame, however many rules ask for it.
        if rule.outcome.isFired, savePlace == nil { savePlace = line.saveAction() }
      case .log: continue
      }
    }
  }

  // MARK: Events

  /// Where the camera is among those here. (Their names differ.)
  private func place(of camera: borrowing PipelineCamera) -> Int? {
    for place in cameras.indices where cameras[place].name.isSame(as: camera.name) { return place }
    return nil
  }

  mutating func lose(_ camera: borrowing PipelineCamera) {
    guard let place = place(of: camera), !cameras[place].isLost else { return }
    write(.cameraLost, camera: place, reason: camera.lastError)
  }

  /// Records something that is no decision. That a camera is lost, or back, is recorded once.
  ///
  /// - Parameters:
  ///   - camera: its place in the configuration; nil: of none.
  ///   - line: the same of a line.
  ///   - reason: a sentence; empty: none.
  ///   - more: further fields.
  @inline(never)
  mutating func write(
    _ event: PipelineEvent, camera: Int? = nil, line number: Int? = nil, reason: String = "",
    wallUs: UInt64 = martlet_wall_time_us(), _ more: (inout EventLine) -> Void = { _ in }
  ) {
    if let camera, event == .cameraLost || event == .cameraBack {
      guard cameras[camera].isLost != (event == .cameraLost) else { return }
      cameras[camera].isLost = event == .cameraLost
      cameras[camera].forgetLast()
    }
    guard log != nil else { return }
    var line = EventLine(into: buffer)
    line.begin(event, decision: decision, wallUs: wallUs)
    if let camera { line.field(",\"camera\":", cameras[camera].name) }
    if let number { line.field(",\"line\":", lineNames[number]) }
    if !reason.utf8.isEmpty { line.field(",\"error\":", reason) }
    more(&line)
    put(line.end())
  }

  /// What a camera did since its last summary.
  mutating func summarize(_ camera: borrowing PipelineCamera, by model: borrowing PipelineModel) {
    guard let place = place(of: camera), log != nil else { return }
    let now = martlet_now_ns()
    let damaged = cameras[place].takeDamaged(camera.counts.damaged)
    var line = EventLine(into: buffer)
    line.begin(.summary, decision: decision, wallUs: martlet_wall_time_us())
    line.field(",\"camera\":", cameras[place].name)
    line.field(",\"seconds\":", (now - cameras[place].sinceNs) / 1_000_000_000)
    line.field(",\"decided\":", cameras[place].decided)
    line.field(",\"dropped\":", cameras[place].dropped)
    line.field(",\"damaged\":", damaged)
    line.field(",\"unknown\":", cameras[place].unknown)
    line.field(",\"capture_to_decision_ms\":", cameras[place].toDecision)
    line.field(",\"capture_to_gpio_ms\":", cameras[place].toAction)
    line.beginList(",\"rules\":[")
    for number in camera.rules.indices {
      line.count(ofRule: camera.rules[number].name, UInt64(cameras[place].fired[number]))
    }
    line.endList()
    line.beginList(",\"classes\":[")
    cameras[place].forEachClass { index, count in
      line.count(ofClass: index, label: model.loaded.engine.labelOrEmpty(index), UInt64(count))
    }
    line.endList()
    put(line.end())
    cameras[place].beginAnew(nowNs: now)
  }

  // MARK: The disk

  /// To wait for: `watchDisk` has something to do; -1: there is none.
  var descriptor: Int32 { recorders.count > 0 ? recorders[0].descriptor : -1 }

  /// Tells of a disk that is full, gone or slow, and that it is no more; gives when it has to be called again.
  mutating func watchDisk(nowNs: UInt64) -> UInt64 {
    recorders.count > 0 ? disk.update(recorders[0].state, nowNs: nowNs) : .max
  }

  /// Waits for what is not written yet, but not for long: for a process that ends by force.
  func waitForDisk(ns: UInt64) { if recorders.count > 0 { recorders[0].wait(untilNs: martlet_now_ns() + ns) } }

  /// Everything is written, and what could not be is told.
  mutating func close() {
    guard recorders.count > 0 else { return }
    recorders[0].wait(untilNs: .max)
    _ = watchDisk(nowNs: martlet_now_ns())
    recorders.removeAll()
  }

  // MARK: Telling

  private func saved(_ decision: UInt64) -> martlet_recorder_saved? {
    recorders.count > 0 ? recorders[0].saved(decision) : nil
  }

  func report(_ json: inout JSONWriter) {
    if recorders.count > 0 { disk.report(recorders[0].state, &json) }
    recent.report(&json) { saved($0) }
  }

  func report(_ text: inout String) {
    if recorders.count > 0 { disk.report(recorders[0].state, &text) }
    recent.report(&text) { saved($0) }
  }
}

extension Engine {
  /// Empty where the model has no labels.
  func labelOrEmpty(_ index: Int) -> UnsafeRawBufferPointer {
    index < labelCount ? label(index) : UnsafeRawBufferPointer(start: nil, count: 0)
  }
}
