import CMartletLinux
import CMartletPlatform

/// A thread with its camera, until this is destroyed.
struct CameraThread: ~Copyable {
  let post = CameraPost()
  private let worker: UnsafeMutablePointer<CameraWorker>
  private let thread: UnsafeMutablePointer<martlet_thread>
  private let path: String
  private var isStarted = false
  private var endsNs: UInt64?

  /// How long a driver that holds its thread at the end is waited for.
  private static let patienceNs: UInt64 = 300_000_000

  init(_ stream: consuming CameraStream, isContinuous: Bool) {
    path = stream.path
    worker = .allocate(capacity: 1)
    worker.initialize(to: CameraWorker(stream, isContinuous: isContinuous, post: post))
    thread = .allocate(capacity: 1)
    thread.initialize(to: martlet_thread())
  }

  mutating func start() throws(CameraError) {
    var code = post.openError
    if code == 0 {
      code = martlet_thread_start(
        thread,
        { context in
          let name: StaticString = "camera"
          martlet_thread_set_name(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
          context?.assumingMemoryBound(to: CameraWorker.self).pointee.work()
        }, worker, -1)
    }
    isStarted = code == 0
    if !isStarted { throw CameraError(.system, path, code: code) }
  }

  /// The wait of the end begins: of several, all are told before one is waited for.
  mutating func end(nowNs: UInt64) {
    endsNs = nowNs
    post.end()
  }

  deinit {
    if isStarted {
      post.end()
      let deadline = (endsNs ?? martlet_now_ns()) + Self.patienceNs
      while !post.hasEnded {
        var entry = pollfd(fd: post.toLoop, events: Int16(POLLIN), revents: 0)
        if martlet_wait(&entry, 1, deadline) == 0 { break }
        _ = martlet_event_take(post.toLoop)
      }
      guard post.hasEnded else {
        // In a call to its driver: what it uses stays with it.
        martlet_thread_detach(thread)
        return
      }
      martlet_thread_join(thread)
    }
    worker.deinitialize(count: 1)
    worker.deallocate()
    thread.deallocate()
    post.destroy()
  }
}
