import CMartletLinux
import CMartletPlatform
import Martlet

/// Cameras, models, rules and lines at work: what `martlet run` does, in one thread that waits for whatever comes first.
///
/// A frame goes from the driver's buffer into the model's input, through the model, to the rules, to the lines, into the
/// log, and its buffer back to the driver. On this way nothing allocates. Errors of cameras, lines and disks are told on
/// standard error once, and the pipeline goes on with what it still has.
public struct Pipeline: ~Copyable {
  let configuration: Configuration
  let models: UnsafeMutablePointer<PipelineModel>
  let channels: UnsafeMutablePointer<Channel>
  let lines: PipelineLines
  let log: UnsafeMutablePointer<DecisionLog>?
  let frames: UnsafeMutablePointer<FrameStore>?
  var server: StatusServer
  var recent: RecentDecisions
  private let signals: Int32
  var notifier = martlet_notifier()
  private let entries: UnsafeMutablePointer<pollfd>
  /// For a decision's line.
  let lineBuffer: UnsafeMutableRawBufferPointer
  var decision: UInt64 = 0
  let startedNs: UInt64
  private var nextSignNs: UInt64

  private static let entryCapacity = 2 + StatusServer.capacity + Configuration.maxLines + Configuration.maxCameras

  /// Loads models, takes lines (outputs go to their safe level), opens log, store and socket. Cameras are opened by
  /// `run`, and may come later.
  ///
  /// - Parameter configuration: without errors, classes resolved.
  public init(_ configuration: Configuration) throws(PipelineError) {
    let now = martlet_now_ns()
    // First: threads that start later inherit that these signals are read and not delivered.
    var signals: Int32 = -1
    guard martlet_signals_open(&signals) == 0 else {
      throw PipelineError("signals cannot be read", exitCode: ExitCode.system)
    }
    let lines = try PipelineLines(configuration)
    let models = UnsafeMutablePointer<PipelineModel>.allocate(capacity: max(configuration.models.count, 1))
    for index in 0..<configuration.models.count {
      (models + index).initialize(to: try PipelineModel(configuration.models[index], in: configuration))
    }
    let channels = UnsafeMutablePointer<Channel>.allocate(capacity: max(configuration.cameras.count, 1))
    var rule = 0
    for index in 0..<configuration.cameras.count {
      let camera = configuration.cameras[index]
      (channels + index).initialize(
        to: try Channel(camera, of: configuration, model: models[camera.model], firstRule: rule, nowNs: now))
      rule += camera.rules.count
    }
    let log = try Pipeline.openLog(configuration)
    let server = try StatusServer(configuration)
    // Behind the models, whose file guard handles SIGBUS too and must come second then.
    lines.guardAgainstFaults()
    self.log = log
    self.server = server
    self.lines = lines
    self.models = models
    self.channels = channels
    self.signals = signals
    self.configuration = configuration
    startedNs = now
    nextSignNs = now
    recent = RecentDecisions()
    entries = .allocate(capacity: Pipeline.entryCapacity)
    lineBuffer = .allocate(byteCount: DecisionLine.recommendedBytes, alignment: 8)
    frames = Pipeline.openFrames(configuration)
    decision = max(log?.pointee.lastDecision ?? 0, frames?.pointee.lastDecision ?? 0)
    martlet_notifier_open(&notifier)
  }

  deinit {
    channels.deinitialize(count: configuration.cameras.count)
    channels.deallocate()
    models.deinitialize(count: configuration.models.count)
    models.deallocate()
    log?.release()
    frames?.release()
    entries.deallocate()
    lineBuffer.deallocate()
    martlet_signals_close(signals)
  }

  private static func openLog(
    _ configuration: Configuration
  ) throws(PipelineError) -> UnsafeMutablePointer<DecisionLog>? {
    guard let wanted = configuration.log, let opened = DecisionLog(wanted) else { return nil }
    // Who starts it is there now to mend that; a disk that is full or away later may come back.
    if opened.openError != 0 {
      // Two that write would mix their numbers.
      let isBusy = opened.openError == Int32(MARTLET_BUSY)
      let error = FileError(.write, wanted.file.permanentPath(), code: opened.openError)
      throw PipelineError(
        "log: " + (isBusy ? wanted.file + ": another martlet run writes it" : error.sentence), exitCode: error.exitCode)
    }
    let log = UnsafeMutablePointer.holding(opened)
    if log.pointee.cutBytes > 0 {
      let count = Int(log.pointee.cutBytes)
      Output.tell("run: \(wanted.file): a torn end of \(count) bytes was cut off")
    }
    return log
  }

  private static func openFrames(_ configuration: Configuration) -> UnsafeMutablePointer<FrameStore>? {
    guard let wanted = configuration.frames, let opened = FrameStore(wanted) else { return nil }
    let frames = UnsafeMutablePointer.holding(opened)
    if frames.pointee.openError != 0 { tell(wanted.folder, frames.pointee.openError) }
    return frames
  }

  // MARK: - The loop

  /// Works until SIGTERM, SIGINT or SIGHUP, or until every source has come to its end. Then every output has its safe
  /// level.
  public mutating func run() {
    notify("READY=1\nSTATUS=running\n")
    while turn() {}
    notify("STOPPING=1\n")
    lines.setAllSafe()
  }

  /// Does what is due, and waits for what comes next; false when it is time to end.
  public mutating func turn() -> Bool {
    guard serviceChannels() else { return false }
    let deadline = min(nextDeadline(), server.deadlineNs)
    let count = fillEntries()
    _ = martlet_wait(entries, UInt32(count), deadline)
    if martlet_signals_take(signals) != 0 { return false }
    readInputs()
    answer()
    giveSignOfLife()
    return true
  }

  /// Opens what is due, and decides on frames that are wanted and there; false when no source has anything more.
  private mutating func serviceChannels() -> Bool {
    var isActive = false
    for index in 0..<configuration.cameras.count {
      let now = martlet_now_ns()
      let missed = channels[index].trigger.expire(nowNs: now)
      if missed > 0 { tell(index, "\(missed) triggers got no frame in time") }
      if channels[index].isCamera {
        isActive = true
        serviceCamera(index, now)
      } else if !channels[index].pictures!.pointee.isFinished {
        servicePictures(index, now)
        isActive = isActive || !channels[index].pictures!.pointee.isFinished
      }
    }
    return isActive
  }

  private mutating func serviceCamera(_ index: Int, _ now: UInt64) {
    let channel = channels + index
    do throws(CameraError) {
      if !channel.pointee.stream.isOpen {
        guard now >= channel.pointee.stream.deadlineNs else { return }
        try channel.pointee.stream.open(nowNs: now)
        if !channel.pointee.isSilent { welcome(index) }
        channel.pointee.isDrained = false
        channel.pointee.nextCheckNs = now + Channel.checkNs
      }
      guard let from = channel.pointee.trigger.wantedFrom(nowNs: now) else {
        // Nobody asks for frames: the driver keeps the oldest, and drops the others.
        if channel.pointee.isDrained {
          channel.pointee.isDrained = false
          try channel.pointee.stream.giveUp(nowNs: now)
        }
        if now >= channel.pointee.nextCheckNs {
          channel.pointee.nextCheckNs = now + Channel.checkNs
          try channel.pointee.stream.checkIsThere(nowNs: now)
        }
        return
      }
      let isContinuous = channel.pointee.trigger.isContinuous
      if !channel.pointee.isDrained {
        channel.pointee.isDrained = true
        channel.pointee.stream.expectFrame(nowNs: now)
      }
      guard let frame = try channel.pointee.stream.take(nowNs: now, countsGaps: isContinuous) else { return }
      if frame.timestamp_ns >= from, frame.timestamp_ns > channel.pointee.lastCapturedNs {
        channel.pointee.lastCapturedNs = frame.timestamp_ns
        welcome(index)
        decide(index, frame)
      }
      try channel.pointee.stream.giveBack(frame, nowNs: martlet_now_ns())
    } catch {
      lose(index, error)
    }
  }

  private mutating func servicePictures(_ index: Int, _ now: UInt64) {
    guard channels[index].trigger.wantedFrom(nowNs: now) != nil else { return }
    let path = channels[index].pictures!.pointee.next()
    let captured = martlet_now_ns()
    do throws(PictureError) {
      try channels[index].pictures!.pointee.load(path, into: channels[index].place)
      decide(index, path, capturedNs: captured)
    } catch {
      channels[index].damagedPictures += 1
      channels[index].trigger.satisfied(nowNs: now)
      tell(index, path.text + ": " + error.sentence)
    }
  }

  /// The camera is there again, if it was not.
  private mutating func welcome(_ index: Int) {
    guard channels[index].isErrorTold else { return }
    channels[index].isErrorTold = false
    channels[index].isSilent = false
    tell(index, "is back as " + channels[index].stream.path)
  }

  /// The camera is gone: its rules forget, and the lines that they held are safe unless another rule holds them.
  private mutating func lose(_ index: Int, _ error: CameraError) {
    channels[index].lastError = error.sentence
    if !channels[index].isErrorTold { tell(index, error.sentence) }
    channels[index].isErrorTold = true
    channels[index].isSilent = error.kind == .silent
    for rule in 0..<channels[index].ruleCount {
      channels[index].rules[rule].state.reset()
      release(channels[index].rules[rule])
    }
  }

  // MARK: - Waiting

  private func nextDeadline() -> UInt64 {
    var deadline = UInt64.max
    let now = martlet_now_ns()
    for index in 0..<configuration.cameras.count {
      let channel = channels + index
      if let due = channel.pointee.trigger.deadlineNs(nowNs: now) { deadline = min(deadline, due) }
      let wants = channel.pointee.trigger.wantedFrom(nowNs: now) != nil
      if !channel.pointee.isCamera {
        if wants, !channel.pointee.pictures!.pointee.isFinished { return 0 }
      } else if !channel.pointee.stream.isOpen || wants {
        deadline = min(deadline, channel.pointee.stream.deadlineNs)
      } else {
        deadline = min(deadline, channel.pointee.nextCheckNs)
      }
    }
    for input in 0..<lines.inputLines.count {
      if let due = lines.inputs[input].deadlineNs { deadline = min(deadline, due) }
    }
    return notifier.watchdog_ns > 0 ? min(deadline, nextSignNs) : deadline
  }

  /// Signals, the socket and its callers, inputs, cameras that a frame is wanted of.
  private mutating func fillEntries() -> Int {
    let readable = Int16(POLLIN)
    var count = 0
    func add(_ descriptor: Int32, _ events: Int16) {
      entries[count] = pollfd(fd: descriptor, events: events, revents: 0)
      count += 1
    }
    add(signals, readable)
    server.forEachDescriptor { add($0, readable) }
    for input in 0..<lines.inputLines.count { add(lines.inputs[input].descriptor, readable) }
    let now = martlet_now_ns()
    for index in 0..<configuration.cameras.count where channels[index].isCamera {
      // An event tells of another size.
      let wants = channels[index].trigger.wantedFrom(nowNs: now) != nil
      if wants { add(channels[index].stream.descriptor, readable | Int16(POLLPRI)) }
    }
    return count
  }

  private mutating func readInputs() {
    let now = martlet_now_ns()
    for input in 0..<lines.inputLines.count {
      do throws(GPIOError) {
        while let event = try lines.inputs[input].nextEvent(nowNs: now) {
          for index in 0..<configuration.cameras.count {
            channels[index].trigger.edge(ofLine: lines.inputLines[input], at: event.timeNs)
          }
        }
      } catch {
        stop(error)
      }
    }
  }

  /// A chip that is gone does not come back to this process: the service manager starts another one.
  func stop(_ error: GPIOError) {
    Output.tell("run: \(error.sentence)")
    lines.setAllSafe()
    martlet_exit(error.exitCode)
  }

  // MARK: - Telling

  /// The watchdog is fed while every camera is where it should be: its deadlines are kept.
  private mutating func giveSignOfLife() {
    guard notifier.watchdog_ns > 0 else { return }
    let now = martlet_now_ns()
    guard now >= nextSignNs else { return }
    for index in 0..<configuration.cameras.count where channels[index].isCamera {
      let isDue = !channels[index].stream.isOpen || channels[index].trigger.wantedFrom(nowNs: now) != nil
      if isDue, channels[index].stream.deadlineNs + notifier.watchdog_ns / 4 < now { return }
    }
    nextSignNs = now + notifier.watchdog_ns / 3
    notify("WATCHDOG=1\n")
  }

  private func notify(_ text: StaticString) {
    var notifier = notifier
    let bytes = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    martlet_notify(&notifier, bytes, text.utf8CodeUnitCount)
  }

  @inline(never)
  func tell(_ index: Int, _ sentence: String) {
    Output.tell("run: camera \(configuration.cameras[index].name): \(sentence)")
  }

  @inline(never)
  static func tell(_ place: String, _ code: Int32) {
    Output.tell("run: \(place): \(String(cString: martlet_error_text(code)))")
  }
}
