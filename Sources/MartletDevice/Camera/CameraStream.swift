import CMartletLinux
import CMartletPlatform
import Martlet

/// How a camera is to be used.
public struct CameraSettings: Sendable {
  public var address: CameraAddress
  public var format = CameraFormat()
  /// The part of the stored frame that is used; all of it for nil.
  public var region: PixelBox?
  public var orientation = Orientation.upright
  /// By name, set in this order whenever the camera is opened: numbers, on or off, names of menus' entries.
  public var controls: [(name: String, value: String)] = []
  /// Without a frame for so long, the camera is opened anew.
  public var timeoutNs: UInt64 = 2_000_000_000

  public init(address: CameraAddress) { self.address = address }
}

/// What a camera did since the start.
public struct CameraCounts: BitwiseCopyable, Sendable {
  public var taken = 0
  /// That the driver had no buffer for, or that were there but not the newest.
  public var dropped = 0
  /// Flagged by the driver, too short, or no whole JPEG.
  public var damaged = 0
  /// How often it was opened after the first time.
  public var reopened = 0
}

/// A camera that is opened again, whatever happens to it: the newest frame, or the reason why there is none.
///
/// Never waits by itself, though a driver may hold its calls for seconds: the caller polls `descriptor` and comes back
/// at `deadlineNs` at the latest. What a frame lies in stays where it is until the frame is given back, whatever
/// happens to the camera before.
public struct CameraStream: ~Copyable {
  public let settings: CameraSettings
  private var place: FrameInput.Place
  private let system: CameraSystem
  private var camera: Camera?
  private var input: Box<FrameInput>?
  /// For whoever fills frames in another thread: valid as long as a frame is out.
  private(set) var sharedInput: Shared<FrameInput>?
  private var known: CameraIdentity?
  private var nextSequence: UInt32?
  /// When it is opened next, or when it must have delivered.
  public private(set) var deadlineNs: UInt64 = 0
  public private(set) var counts = CameraCounts()
  private var wasOpen = false
  /// No frame was taken since `expectFrame`.
  private var isExpecting = false
  /// When the last frame was taken.
  private var takenNs: UInt64 = 0
  /// Since when all frames were damaged; nil: the last one was whole, or there was none.
  private var damagedSinceNs: UInt64?
  /// Frames that were taken and not given back.
  public private(set) var framesOut = 0

  /// A driver that has what it is asked for answers faster.
  private static let longCallNs: UInt64 = 10_000_000
  /// The pause between two tries to open.
  static let pauseNs: UInt64 = 250_000_000

  /// - Parameter place: where the frames go.
  public init(_ settings: CameraSettings, into place: FrameInput.Place, system: CameraSystem = .kernel) {
    self.settings = settings
    self.place = place
    self.system = system
    path = settings.address.text
  }

  // Written out, so that another module of the Embedded build can call it: that of a part is not visible there.
  deinit {}

  public var isOpen: Bool { descriptor >= 0 }
  /// -1 while it is closed.
  public private(set) var descriptor: Int32 = -1
  /// Of the last time that it was open.
  public private(set) var format = martlet_camera_format()
  /// Of the last time that it was open: frames are copied before they are read, since the processor does not cache
  /// their buffers.
  public private(set) var isCopying = false
  /// Where it is, or was; at first, what was asked for.
  public private(set) var path: String

  // MARK: Opening and closing

  /// Opens and starts it. All frames must have been given back.
  public mutating func open(nowNs: UInt64) throws(CameraError) {
    close()
    precondition(framesOut == 0)
    let began = martlet_now_ns()
    do throws(CameraError) {
      try start()
    } catch {
      // A camera that hangs takes its driver's time-outs to fail: the pause follows them.
      deadlineNs = nowNs + (martlet_now_ns() - began) + Self.pauseNs
      throw error
    }
    let held = martlet_now_ns() - began
    nextSequence = nil
    isExpecting = false
    damagedSinceNs = nil
    if wasOpen { counts.reopened += 1 }
    wasOpen = true
    deadlineNs = nowNs + settings.timeoutNs + (held > Self.longCallNs ? held : 0)
  }

  private mutating func start() throws(CameraError) {
    var camera = try settings.address.open(known: known, system: system)
    for control in settings.controls { try camera.set(control: control.name, to: control.value) }
    let swaps = settings.orientation.swapsAxes
    let (width, height) = (place.target.width, place.target.height)
    try camera.choose(
      settings.format, targetWidth: swaps ? height : width, targetHeight: swaps ? width : height,
      wantsColour: place.target.channels == 3)
    try camera.prepare()
    let input = try FrameInput(camera, settings, place)
    try camera.start()
    known = camera.identity
    (descriptor, format, path) = (camera.descriptor, camera.format, camera.path)
    isCopying = input.isCopying
    self.camera = consume camera
    let box = Box(input)
    sharedInput = box.shared
    self.input = consume box
  }

  /// Frames go to another place, in the format that the camera has.
  mutating func move(to place: FrameInput.Place, nowNs: UInt64) throws(CameraError) {
    self.place = place
    guard isOpen else { return }
    do throws(CameraError) {
      let box = Box(try FrameInput(camera!, settings, place))
      sharedInput = box.shared
      input = consume box
    } catch {
      throw lose(error, nowNs)
    }
  }

  /// No more frames. It is open for the system as long as a frame is out.
  public mutating func close() {
    descriptor = -1
    guard framesOut == 0 else { return }
    sharedInput = nil
    input = nil
    camera = nil
  }

  /// The wait for a frame begins now: after a time in which nobody asked for one.
  public mutating func expectFrame(nowNs: UInt64) {
    deadlineNs = nowNs + settings.timeoutNs
    isExpecting = true
    damagedSinceNs = nil
  }

  /// Nobody waits any longer. A camera that gave nothing whole in all that time is closed.
  public mutating func giveUp(nowNs: UInt64) throws(CameraError) {
    // The wait may have begun a little after the wish.
    let (isLong, since) = (nowNs + settings.timeoutNs / 4, damagedSinceNs)
    if isOpen, let since, isLong >= since + settings.timeoutNs { throw lose(CameraError(.damaged, path), nowNs) }
    guard isOpen, isExpecting, isLong >= deadlineNs else { return }
    throw lose(silence(), nowNs)
  }

  private func silence() -> CameraError { CameraError(damagedSinceNs == nil ? .silent : .damaged, path) }

  /// Whether the device still answers; closes it if not.
  public mutating func checkIsThere(nowNs: UInt64) throws(CameraError) {
    guard isOpen, !camera!.isThere() else { return }
    throw lose(CameraError(.gone, path), nowNs)
  }

  /// Closes it after an error; it is due to be opened again.
  private mutating func lose(_ error: CameraError, _ nowNs: UInt64) -> CameraError {
    close()
    deadlineNs = nowNs + Self.pauseNs
    return error
  }

  // MARK: Frames

  /// The newest frame; nil if none is there. It must be given back. After an error the camera is closed; one that gave
  /// nothing but damaged frames for `timeoutNs` is as bad as one that gives none.
  ///
  /// - Parameter countsGaps: false after a time in which nobody asked for frames.
  public mutating func take(nowNs: UInt64, countsGaps: Bool = true) throws(CameraError) -> martlet_camera_frame? {
    guard isOpen else { return nil }
    if let since = damagedSinceNs, nowNs >= since + settings.timeoutNs {
      throw lose(CameraError(.damaged, path), nowNs)
    }
    var frame = martlet_camera_frame()
    let began = martlet_now_ns()
    let code = camera!.take(&frame)
    // The frame of a driver that held the call is of the time behind it.
    let held = martlet_now_ns() - began
    let nowNs = held > Self.longCallNs ? nowNs + held : nowNs
    if frame.damaged > 0 { noteDamaged(Int(frame.damaged), nowNs) }
    if code == 0 {
      framesOut += 1
      takenNs = nowNs
      note(frame, countsGaps)
      deadlineNs = nowNs + settings.timeoutNs
      if frame.timestamp_ns == 0 {
        // Nobody knows how long the first one has lain there if nobody asked for frames: as old as can be.
        frame.timestamp_ns = isExpecting && !countsGaps ? 1 : nowNs
      }
      isExpecting = false
      // Some drivers tell when the frame would be over at their rate: nothing is captured in the future.
      if frame.timestamp_ns > nowNs { frame.timestamp_ns = min(frame.timestamp_ns, martlet_now_ns()) }
      return frame
    }
    let failure = martlet_camera_failure_of(code)
    if failure == MARTLET_CAMERA_NOT_YET {
      if nowNs >= deadlineNs { throw lose(silence(), nowNs) }
      return nil
    }
    if failure == MARTLET_CAMERA_CHANGED {
      // Another size: opened anew at once.
      let error = lose(CameraError(.refused, path, detail: "its picture has another size now"), nowNs)
      deadlineNs = nowNs
      throw error
    }
    throw lose(CameraError(code: code, path), nowNs)
  }

  private mutating func note(_ frame: martlet_camera_frame, _ countsGaps: Bool) {
    counts.taken += 1
    if countsGaps {
      // The gap holds those that were passed over or damaged too.
      let gap = nextSequence.map { frame.sequence &- $0 } ?? frame.passed_over
      // A driver that starts again from 0 has lost nothing.
      if gap < 1 << 31 { counts.dropped += max(0, Int(gap) - Int(frame.damaged)) }
    }
    nextSequence = frame.sequence &+ 1
  }

  private mutating func noteDamaged(_ count: Int, _ nowNs: UInt64) {
    counts.damaged += count
    if damagedSinceNs == nil { damagedSinceNs = nowNs }
  }

  /// What became of a frame that was taken.
  mutating func note(isWhole: Bool) {
    if isWhole { damagedSinceNs = nil } else { noteDamaged(1, takenNs) }
  }

  /// A frame that was taken and is given back unseen, since a newer one is there.
  mutating func noteDropped() { counts.dropped += 1 }

  /// Brings the frame into the model's input; false: it is damaged, and the input means nothing.
  public mutating func fill(_ frame: martlet_camera_frame) -> Bool {
    let isWhole = isOpen && prepare(frame) && sharedInput!.value.fill(frame)
    note(isWhole: isWhole)
    return isWhole
  }

  /// What must be done with a frame by the thread that talks to the driver, before `FrameInput.fill`; false: damaged.
  mutating func prepare(_ frame: martlet_camera_frame) -> Bool { sharedInput!.value.prepare(frame) }

  /// The frame that `fill` brought in, as it can be saved, until the next one or until it is given back.
  func content(of frame: martlet_camera_frame) -> FrameContent? { sharedInput?.value.content(of: frame) }

  /// Back to the driver.
  public mutating func giveBack(_ frame: martlet_camera_frame, nowNs: UInt64) throws(CameraError) {
    framesOut -= 1
    guard isOpen else {
      close()
      return
    }
    let code = camera!.giveBack(frame)
    if code != 0 { throw lose(CameraError(code: code, path), nowNs) }
  }
}
