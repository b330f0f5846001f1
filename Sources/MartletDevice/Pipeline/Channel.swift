import CMartletLinux
import Martlet

/// One camera of a pipeline: its source, when a frame of it is wanted, its rules, and what it did.
struct Channel: ~Copyable {
  enum State: Equatable { case opening, waiting, streaming, lost, finished }

  let configuration: CameraConfiguration
  /// UTF-8 of its name, for records.
  let name: UnsafeRawBufferPointer
  let place: FrameInput.Place
  var trigger: TriggerState
  var stream: CameraStream
  /// nil: a camera.
  let pictures: UnsafeMutablePointer<PictureSource>?
  let rules: UnsafeMutablePointer<ChannelRule>
  let ruleCount: Int

  /// The last error was told, and is not told again until the camera was there.
  var isErrorTold = false
  /// Why the camera was lost the last time, for the status; empty if it never was.
  var lastError = ""
  /// It delivered nothing: to be open is not enough to be back.
  var isSilent = false
  /// When the last frame that was decided on was captured: a camera that is opened anew may give its last one again.
  var lastCapturedNs: UInt64 = 0
  var nextCheckNs: UInt64 = 0
  /// A wish for a frame began with this state of the trigger: older frames were thrown away.
  var isDrained = false

  var decided = 0
  var damagedPictures = 0
  /// Frames dropped up to the last decision.
  var droppedBefore = 0
  var toDecision: LatencyHistogram
  var toAction: LatencyHistogram
  var inference: LatencyHistogram
  /// From taking the frame to the decision, without the model's own time.
  var overhead: LatencyHistogram

  /// A camera whose trigger waits is asked so often whether it is still there.
  static let checkNs: UInt64 = 1_000_000_000

  /// - Parameter firstRule: how many rules the cameras before have.
  init(
    _ camera: CameraConfiguration, of pipeline: Configuration, model: borrowing PipelineModel, firstRule: Int,
    nowNs: UInt64
  ) throws(PipelineError) {
    let place: FrameInput.Place
    var pictures: UnsafeMutablePointer<PictureSource>?
    do throws(PictureError) {
      place = try model.place(camera.resize)
      if case .pictures(let path, let isRepeated) = camera.source {
        pictures = .holding(try PictureSource(path: path, isRepeated: isRepeated, place: place))
      }
    } catch {
      throw PipelineError(
        pipeline, line: camera.line, "camera \(camera.name): \(error.sentence)", exitCode: error.exitCode)
    }
    guard let toDecision = LatencyHistogram(), let toAction = LatencyHistogram(), let inference = LatencyHistogram(),
      let overhead = LatencyHistogram()
    else { throw PipelineError("there is no memory", exitCode: ExitCode.system) }
    self.toDecision = toDecision
    self.toAction = toAction
    self.inference = inference
    self.overhead = overhead
    self.place = place
    self.pictures = pictures
    configuration = camera
    name = camera.name.permanentBytes()
    stream = CameraStream(camera.settings, into: place)
    trigger = TriggerState(camera.trigger, patienceNs: camera.timeoutNs, nowNs: nowNs)
    ruleCount = camera.rules.count
    rules = .allocate(capacity: max(ruleCount, 1))
    for index in 0..<ruleCount {
      (rules + index).initialize(to: ChannelRule(camera.rules[index], number: firstRule + index))
    }
  }

  deinit {
    rules.deinitialize(count: ruleCount)
    rules.deallocate()
    pictures?.release()
  }

  var state: State {
    if let pictures { return pictures.pointee.isFinished ? .finished : .streaming }
    if isErrorTold { return .lost }
    if !stream.isOpen { return .opening }
    return trigger.isContinuous ? .streaming : .waiting
  }

  var isCamera: Bool { pictures == nil }
  var dropped: Int { stream.counts.dropped }
  var damaged: Int { stream.counts.damaged + damagedPictures }
}

/// A rule with its state from decision to decision.
struct ChannelRule {
  let configuration: RuleConfiguration
  let name: UnsafeRawBufferPointer
  let classes: UnsafeBufferPointer<Int32>
  /// Among the rules of all cameras.
  let number: Int
  var state: RuleState
  var outcome = RuleState.Outcome(score: 0, holds: false, isFired: false, isReleased: false)
  var fired = 0

  init(_ rule: RuleConfiguration, number: Int) {
    configuration = rule
    name = rule.name.permanentBytes()
    let classes = UnsafeMutableBufferPointer<Int32>.allocate(capacity: rule.classes.count)
    for index in 0..<rule.classes.count { classes[index] = Int32(rule.classes[index].index) }
    self.classes = UnsafeBufferPointer(classes)
    self.number = number
    state = RuleState(rule)
  }
}

extension UnsafeMutablePointer where Pointee: ~Copyable {
  /// One value in memory of its own: an optional part that is used where it lies.
  static func holding(_ value: consuming Pointee) -> UnsafeMutablePointer {
    let pointer = UnsafeMutablePointer.allocate(capacity: 1)
    pointer.initialize(to: value)
    return pointer
  }

  func release() {
    deinitialize(count: 1)
    deallocate()
  }
}

extension CameraConfiguration {
  var settings: CameraSettings {
    var settings = CameraSettings(address: address)
    settings.format = CameraFormat(fourcc: format, width: width, height: height, rate: Int(rate))
    settings.region = region.map { PixelBox(x: $0.x, y: $0.y, width: $0.width, height: $0.height) }
    settings.orientation = Orientation(clockwise: rotation, isMirrored: isMirrored)
    settings.controls = controls.map { ($0.name, Int($0.value)) }
    settings.timeoutNs = timeoutNs
    return settings
  }

  private var address: CameraAddress {
    switch source {
    case .device(let path): .path(path)
    case .bus(let bus): .bus(bus)
    case .serial(let serial): .serial(serial)
    case .name(let name): .name(name)
    case .pictures(let path, _): .path(path)
    }
  }
}

extension Orientation {
  /// Turned clockwise by 0, 90, 180 or 270 degrees, and then mirrored left to right.
  public init(clockwise degrees: Int, isMirrored: Bool) {
    switch degrees {
    case 90: self = isMirrored ? .transposed : .turnedRight
    case 180: self = isMirrored ? .flipped : .upsideDown
    case 270: self = isMirrored ? .transversed : .turnedLeft
    default: self = isMirrored ? .mirrored : .upright
    }
  }
}
