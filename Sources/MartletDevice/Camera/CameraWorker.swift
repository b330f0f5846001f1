import CMartletLinux
import CMartletPlatform

/// What the thread of a camera does: it opens the camera when it is due, takes frames while the loop wishes for them,
/// and hands the newest one over. It alone calls the driver, which may hold it for seconds.
struct CameraWorker: ~Copyable {
  private let post: CameraPost
  private var stream: CameraStream
  /// Every frame is wanted, so that gaps between them are losses.
  private let isContinuous: Bool
  /// The wish that frames are taken for; 0: none.
  private var wish: UInt64 = 0
  /// The wish that a frame was handed over for.
  private var answered: UInt64 = 0
  /// A frame that came while the loop had another one.
  private var newest: martlet_camera_frame?
  /// News that the loop had no room for.
  private var unsent: CameraPost.News?
  /// When the last frame that was good enough was captured: a camera that is opened anew may give its last one again.
  private var lastCapturedNs: UInt64 = 0
  private var nextCheckNs: UInt64 = 0

  /// A camera that nobody asks for frames is asked so often whether it is still there.
  private static let checkNs: UInt64 = 1_000_000_000

  init(_ stream: consuming CameraStream, isContinuous: Bool, post: CameraPost) {
    self.stream = stream
    self.isContinuous = isContinuous
    self.post = post
  }

  /// Until the loop wants it to end. Then the camera is closed.
  mutating func work() {
    while !post.isEnding {
      let now = martlet_now_ns()
      post.note(busySinceNs: now)
      do throws(CameraError) {
        try turn(now)
      } catch {
        unsent = .lost(error)
        settle()
      }
      tell()
      post.note(stream.counts)
      wait()
      _ = martlet_event_take(post.words.toThread)
    }
    post.note(busySinceNs: martlet_now_ns())
    settle()
    if post.receive() != nil { try? stream.giveBack(post.parcel.frame, nowNs: martlet_now_ns()) }
    stream.close()
    post.noteEnded()
  }

  private mutating func turn(_ began: UInt64) throws(CameraError) {
    var now = began
    if let outcome = post.receive() {
      if outcome == .damaged { answered = 0 }
      if outcome != .unseen { stream.note(isWhole: outcome == .whole) }
      try stream.giveBack(post.parcel.frame, nowNs: now)
    }
    if let (place, generation) = post.newPlace { try move(to: place, generation, now) }
    tell()
    guard unsent == nil else { return }
    if !stream.isOpen {
      guard isDue(now) else { return }
      try stream.open(nowNs: now)
      now = martlet_now_ns()
      wish = 0
      nextCheckNs = now + Self.checkNs
      unsent = .opened(path: stream.path, format: stream.format)
      tell()
    }
    if let asked = post.wish { try takeFrames(asked, now) } else { try rest(now) }
  }

  /// To be opened: what frames lie in stays until the last one is back.
  private func isDue(_ now: UInt64) -> Bool { stream.framesOut == 0 && now >= stream.deadlineNs }

  /// Frames go to another place from now on. No frame is lost for it: one that waits in the slot goes there too.
  private mutating func move(
    to place: FrameInput.Place, _ generation: UInt64, _ now: UInt64
  ) throws(CameraError) {
    if post.withdraw() {
      if newest == nil { newest = post.parcel.frame } else { try drop(post.parcel.frame, now) }
    }
    defer { post.noteTaken(generation: generation) }
    try stream.move(to: place, nowNs: now)
    if stream.isOpen { try handOver(now) }
  }

  private mutating func tell() {
    if let found = unsent, post.tell(found) { unsent = nil }
  }

  // MARK: Frames

  private mutating func takeFrames(_ asked: CameraPost.Wish, _ now: UInt64) throws(CameraError) {
    if asked.number != wish {
      wish = asked.number
      answered = 0
      stream.expectFrame(nowNs: now)
    }
    guard isContinuous || answered != wish else { return }
    if let frame = try stream.take(nowNs: now, countsGaps: isContinuous) {
      guard frame.timestamp_ns >= asked.fromNs, frame.timestamp_ns > lastCapturedNs else {
        return try stream.giveBack(frame, nowNs: now)
      }
      lastCapturedNs = frame.timestamp_ns
      let older = newest
      newest = frame
      if let older { try drop(older, now) }
    }
    try handOver(now)
  }

  /// The newest frame into the slot, in the place of one that the loop has not looked at.
  private mutating func handOver(_ now: UInt64) throws(CameraError) {
    guard let frame = newest else { return }
    if post.withdraw() { try drop(post.parcel.frame, now) }
    guard post.isEmpty else { return }
    newest = nil
    guard stream.prepare(frame) else {
      stream.note(isWhole: false)
      return try stream.giveBack(frame, nowNs: now)
    }
    answered = wish
    post.handOver(CameraPost.Parcel(frame: frame, input: stream.sharedInput, counts: stream.counts))
  }

  private mutating func drop(_ frame: martlet_camera_frame, _ now: UInt64) throws(CameraError) {
    if isContinuous { stream.noteDropped() }
    try stream.giveBack(frame, nowNs: now)
  }

  /// Nobody asks for frames: the driver keeps the oldest, and drops the others.
  private mutating func rest(_ now: UInt64) throws(CameraError) {
    if wish != 0 {
      wish = 0
      if let frame = newest {
        newest = nil
        try stream.giveBack(frame, nowNs: now)
      }
      try stream.giveUp(nowNs: now)
    }
    if now >= nextCheckNs {
      nextCheckNs = now + Self.checkNs
      try stream.checkIsThere(nowNs: now)
    }
  }

  /// The camera is closed, or will be: what the loop does not hold goes back.
  private mutating func settle() {
    let now = martlet_now_ns()
    wish = 0
    if let frame = newest {
      newest = nil
      try? stream.giveBack(frame, nowNs: now)
    }
    if post.withdraw() { try? stream.giveBack(post.parcel.frame, nowNs: now) }
  }

  // MARK: Waiting

  private func wait() {
    var (deadline, isWaitingForFrames) = (UInt64.max, false)
    if unsent == nil {
      if !stream.isOpen {
        // A frame that is still out wakes when it comes back.
        deadline = stream.framesOut == 0 ? stream.deadlineNs : .max
      } else if post.wish == nil {
        deadline = nextCheckNs
      } else if isContinuous || answered != wish {
        (deadline, isWaitingForFrames) = (stream.deadlineNs, true)
      }
    }
    post.note(dueNs: deadline)
    post.note(busySinceNs: 0)
    var entries = (
      pollfd(fd: post.words.toThread, events: Int16(POLLIN), revents: 0),
      // Urgent data wakes too: a camera tells so that its picture changes.
      pollfd(fd: isWaitingForFrames ? stream.descriptor : -1, events: Int16(POLLIN | POLLPRI), revents: 0)
    )
    withUnsafeMutableBytes(of: &entries) {
      _ = martlet_wait($0.baseAddress!.assumingMemoryBound(to: pollfd.self), 2, deadline)
    }
  }
}
