import CMartletPlatform

/// A thread with its camera, until this is destroyed.
struct CameraThread: ~Copyable {
  let post = CameraPost()
  private let worker: Shared<CameraWorker>
  private var thread: ServiceThread
  private let path: String
  private var endsNs: UInt64?

  init(_ stream: consuming CameraStream, isContinuous: Bool) {
    path = stream.path
    worker = Shared(CameraWorker(stream, isContinuous: isContinuous, post: post))
    thread = ServiceThread(post.words)
  }

  mutating func start() throws(CameraError) {
    let code = thread.start(
      { context in
        ServiceThread.name("camera")
        Shared<CameraWorker>(context!).value.work()
      }, worker.context)
    if code != 0 { throw CameraError(.system, path, code: code) }
  }

  /// The wait of the end begins.
  mutating func end(nowNs: UInt64) {
    endsNs = nowNs
    thread.end()
  }

  deinit {
    // In a call to its driver, what it uses stays with it.
    guard thread.finish(sinceNs: endsNs ?? martlet_now_ns()) else { return }
    worker.destroy()
    post.destroy()
  }
}
