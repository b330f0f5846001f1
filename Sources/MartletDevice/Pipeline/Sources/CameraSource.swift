import CMartletLinux
import CMartletPlatform
import Martlet

/// A camera's frames: opened when it is due, taken when its trigger wants one, given back to the driver.
struct CameraSource: ~Copyable, EventSource {
  /// Among `PipelineCore.cameras`.
  private let index: Int
  private var stream: CameraStream
  private var nextCheckNs: UInt64 = 0
  /// A wish for a frame began with this state of the trigger: older frames were thrown away.
  private var isDrained = false
  /// When the last frame that was decided on was captured: a camera that is opened anew may give its last one again.
  private var lastCapturedNs: UInt64 = 0

  /// A camera whose trigger waits is asked so often whether it is still there.
  private static let checkNs: UInt64 = 1_000_000_000

  init(_ stream: consuming CameraStream, index: Int) {
    self.index = index
    self.stream = stream
  }

  var isActive: Bool { true }

  private func isWanted(_ nowNs: UInt64, _ core: borrowing PipelineCore) -> Bool {
    core.cameras[index].trigger.wantedFrom(nowNs: nowNs) != nil
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    if isWanted(nowNs, core) { waits.add(stream.descriptor, isUrgent: true) }
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    let own = !stream.isOpen || isWanted(nowNs, core) ? stream.deadlineNs : nextCheckNs
    return min(own, core.cameras[index].trigger.deadlineNs(nowNs: nowNs) ?? .max)
  }

  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool {
    (!stream.isOpen || isWanted(martlet_now_ns(), core)) && stream.deadlineNs < ns
  }

  mutating func service(_ core: inout PipelineCore) {
    let now = martlet_now_ns()
    core.cameras[index].expireTriggers(nowNs: now)
    do throws(CameraError) {
      if !stream.isOpen {
        guard now >= stream.deadlineNs else { return }
        try open(now, &core)
      }
      if let from = core.cameras[index].trigger.wantedFrom(nowNs: now) {
        try takeFrame(capturedFrom: from, now, &core)
      } else {
        try rest(now)
      }
    } catch {
      core.lose(camera: index, error)
    }
    core.cameras[index].counts = stream.counts
    core.cameras[index].isOpen = stream.isOpen
  }

  private mutating func open(_ now: UInt64, _ core: inout PipelineCore) throws(CameraError) {
    try stream.open(nowNs: now)
    core.cameras[index].opened(path: stream.path, stream.format)
    isDrained = false
    nextCheckNs = now + Self.checkNs
  }

  /// Nobody asks for frames: the driver keeps the oldest, and drops the others.
  private mutating func rest(_ now: UInt64) throws(CameraError) {
    if isDrained {
      isDrained = false
      try stream.giveUp(nowNs: now)
    }
    if now >= nextCheckNs {
      nextCheckNs = now + Self.checkNs
      try stream.checkIsThere(nowNs: now)
    }
  }

  private mutating func takeFrame(
    capturedFrom from: UInt64, _ now: UInt64, _ core: inout PipelineCore
  ) throws(CameraError) {
    if !isDrained {
      isDrained = true
      stream.expectFrame(nowNs: now)
    }
    let isContinuous = core.cameras[index].trigger.isContinuous
    guard let frame = try stream.take(nowNs: now, countsGaps: isContinuous) else { return }
    if frame.timestamp_ns >= from, frame.timestamp_ns > lastCapturedNs {
      lastCapturedNs = frame.timestamp_ns
      core.cameras[index].welcome()
      let taken = martlet_now_ns()
      if stream.fill(frame) {
        core.cameras[index].counts = stream.counts
        core.decide(
          camera: index, .camera(stream.content(of: frame)), sequence: UInt64(frame.sequence),
          capturedNs: frame.timestamp_ns, takenNs: taken)
      }
    }
    try stream.giveBack(frame, nowNs: martlet_now_ns())
  }
}

extension CameraConfiguration {
  /// How a camera is to be used; nil: there are pictures in its place.
  var settings: CameraSettings? {
    guard let address else { return nil }
    var settings = CameraSettings(address: address)
    settings.format = CameraFormat(fourcc: format, width: width, height: height, rate: Int(rate))
    settings.region = region.map { PixelBox(x: $0.x, y: $0.y, width: $0.width, height: $0.height) }
    settings.orientation = Orientation(clockwise: rotation, isMirrored: isMirrored)
    settings.controls = controls.map { ($0.name, $0.value) }
    settings.timeoutNs = timeoutNs
    return settings
  }

  private var address: CameraAddress? {
    switch source {
    case .device(let path): .path(path)
    case .bus(let bus): .bus(bus)
    case .serial(let serial): .serial(serial)
    case .name(let name): .name(name)
    case .pictures: nil
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
