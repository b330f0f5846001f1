import CMartletLinux
import CMartletPlatform
import Martlet

/// A camera as the loop has it: what its thread tells, and the frames that it hands over.
struct CameraSource: ~Copyable, EventSource {
  /// Among `PipelineCore.cameras`.
  private let index: Int
  private var thread: CameraThread
  private var post: CameraPost { thread.post }
  /// The last wish, and whether it still is one.
  private var wish = CameraPost.Wish(number: 0, fromNs: 0)
  private var isWishing = false
  /// Since when a frame is waited for: the wish, or the last whole frame.
  private var waitingSinceNs: UInt64 = 0
  /// It was reported that the thread does not come back from its driver.
  private var isHung = false
  /// Damaged frames that the thread knows nothing of yet are few; those that were found here.
  private var nextLookNs: UInt64 = 0

  /// Whose model the frames go to.
  private var generation = 0

  /// So often it is looked whether the thread still comes back from its driver.
  private static let lookNs: UInt64 = 500_000_000
  /// A camera may take its time to open.
  private static let openingNs: UInt64 = 3_000_000_000

  init(_ stream: consuming CameraStream, index: Int, _ camera: CameraConfiguration) {
    self.index = index
    var isContinuous = false
    if case .frames = camera.trigger { isContinuous = true }
    thread = CameraThread(stream, isContinuous: isContinuous)
  }

  var isActive: Bool { true }

  mutating func begin(_ core: inout PipelineCore) {
    do throws(CameraError) {
      try thread.start()
    } catch {
      core.lose(camera: index, error)
    }
  }

  mutating func end(nowNs: UInt64) { thread.end(nowNs: nowNs) }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    waits.add(post.words.toLoop)
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 {
    let trigger = core.cameras[index].trigger
    // A wish that has become due since it was looked at last is told to the thread at once.
    if trigger.wantedFrom(nowNs: nowNs) != nil, !isWishing { return nowNs }
    return min(nextLookNs, trigger.deadlineNs(nowNs: nowNs) ?? .max)
  }

  /// A thread that neither waits nor is in its driver has lost its way.
  func isOverdue(before ns: UInt64, _ core: borrowing PipelineCore) -> Bool {
    post.busySinceNs == 0 && post.dueNs < ns
  }

  mutating func service(_ core: inout PipelineCore) {
    _ = martlet_event_take(post.words.toLoop)
    let now = martlet_now_ns()
    core.cameras[index].expireTriggers(nowNs: now)
    while let news = post.takeNews() {
      hear(news, now, &core)
      post.wakeThread()
    }
    updatePlace(core)
    updateWish(now, core)
    if post.borrow(for: generation) {
      let outcome = look(&core)
      if outcome == .whole { waitingSinceNs = martlet_now_ns() }
      // Before the thread has the frame back: it sees both at once.
      updateWish(martlet_now_ns(), core)
      post.giveBack(outcome)
      post.wakeThread()
    }
    lookAtThread(now, &core)
    core.cameras[index].counts = post.counts
  }

  private mutating func hear(_ news: CameraPost.News, _ now: UInt64, _ core: inout PipelineCore) {
    isHung = false
    switch news {
    case .opened(let path, let format):
      waitingSinceNs = now
      core.cameras[index].opened(path: path, format)
    case .lost(let error):
      core.cameras[index].isOpen = false
      core.lose(camera: index, error)
    }
  }

  /// Frames go to another model from now on.
  private mutating func updatePlace(_ core: borrowing PipelineCore) {
    guard core.generation != generation else { return }
    do throws(PictureError) {
      guard post.move(to: try core.place(ofCamera: index), generation: core.generation) else { return }
      generation = core.generation
      post.wakeThread()
    } catch {
      // It was checked before the models came into use.
      Output.tell("run: camera \(core.cameras[index].configuration.name): \(error.sentence)")
    }
  }

  private mutating func updateWish(_ now: UInt64, _ core: borrowing PipelineCore) {
    if let from = core.cameras[index].trigger.wantedFrom(nowNs: now) {
      if isWishing, from == wish.fromNs { return }
      if !isWishing { waitingSinceNs = now }
      wish = CameraPost.Wish(number: wish.number + 1, fromNs: from)
      isWishing = true
    } else if isWishing {
      isWishing = false
    } else {
      return
    }
    post.wish(isWishing ? wish : nil)
    post.wakeThread()
  }

  /// A frame that is ours for the moment: to the decision.
  private mutating func look(_ core: inout PipelineCore) -> CameraPost.Outcome {
    let parcel = post.parcel
    guard isWishing, core.canDecide(index), parcel.frame.timestamp_ns >= wish.fromNs, let input = parcel.input else {
      return .unseen
    }
    let taken = martlet_now_ns()
    guard input.value.fill(parcel.frame) else { return .damaged }
    core.cameras[index].counts = parcel.counts
    core.cameras[index].welcome()
    core.decide(
      camera: index, .camera(input.value.content(of: parcel.frame)), sequence: UInt64(parcel.frame.sequence),
      capturedNs: parcel.frame.timestamp_ns, takenNs: taken)
    return .whole
  }

  /// A thread that its driver holds cannot tell; what is due to rules and lines is due all the same.
  private mutating func lookAtThread(_ now: UInt64, _ core: inout PipelineCore) {
    let camera = core.cameras[index].configuration
    nextLookNs = now + min(Self.lookNs, camera.timeoutNs / 2)
    let busy = post.busySinceNs
    if busy == 0 { isHung = false }
    guard busy > 0, busy < now, !isHung else { return }
    let isExpected = core.cameras[index].isOpen && isWishing
    let isHeld =
      isExpected
      // It may have begun to work just now: then it tells by itself that there is no frame.
      ? now >= waitingSinceNs + camera.timeoutNs && now - busy >= camera.timeoutNs / 4
      : now - busy >= max(camera.timeoutNs, Self.openingNs)
    guard isHeld else { return }
    isHung = true
    core.lose(camera: index, CameraError(.hung, core.cameras[index].path))
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
