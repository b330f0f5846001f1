import CMartletLinux
import CMartletPlatform

/// A thread beside the loop for whatever reads files and may take its time: once a second it looks whether a model's
/// file was written over, and it loads models and rules anew when it is asked to.
struct Keeper: ~Copyable {
  private let work: Shared<KeeperWork>
  private var thread: ServiceThread
  private var isStarted = false

  init() {
    let words = SharedWords(count: KeeperWork.Word.count)
    work = Shared(KeeperWork(words))
    thread = ServiceThread(words)
  }

  deinit {
    // A disk may hold it: then what it uses stays with it.
    guard thread.finish(sinceNs: martlet_now_ns()) else { return }
    work.destroy()
    thread.words.destroy()
  }

  /// - Returns: 0 or a `martlet_error`.
  mutating func start() -> Int32 {
    let code = thread.start(
      { context in
        ServiceThread.name("keeper")
        Shared<KeeperWork>(context!).value.work()
      }, work.context)
    isStarted = code == 0
    return code
  }

  private var words: SharedWords { thread.words }

  /// Raised when there is an answer, or something was seen.
  var descriptor: Int32 { words.toLoop }
  func takeEvent() { _ = martlet_event_take(words.toLoop) }

  /// Nothing was asked that is not answered.
  var isFree: Bool { isStarted && words[KeeperWork.Word.request] == 0 }

  /// Before it is started, or while it has an answer: what it looks at from now on.
  func watch(_ models: borrowing FixedArray<PipelineModel>) {
    work.value.watched.removeAll()
    for index in models.indices {
      work.value.watched.append(KeeperWork.Watched(path: models[index].file.path, stamp: models[index].file.stamp))
    }
  }

  /// While it is free.
  func ask(_ request: KeeperWork.Request, _ configuration: Configuration) {
    work.value.configuration = configuration
    words[KeeperWork.Word.request] = request.rawValue
    words.wakeThread()
  }

  /// It waits for `release` then.
  var hasAnswer: Bool { words[KeeperWork.Word.isAnswered] != 0 }

  /// What was loaded, or why nothing was.
  func takeAnswer() -> (generation: Shared<Generation>?, failure: PipelineError?) {
    defer { (work.value.loaded, work.value.failure) = (nil, nil) }
    return (work.value.loaded, work.value.failure)
  }

  /// Goes on looking at files.
  func release() {
    words[KeeperWork.Word.isAnswered] = 0
    words[KeeperWork.Word.request] = 0
    words.wakeThread()
  }

  /// Whether the file of a model was seen to be written over.
  func sawOverwritten(_ model: Int) -> Bool { words[KeeperWork.Word.overwritten] >> UInt64(model) & 1 != 0 }
}

/// What the keeper does. From a request until its answer all of it is the thread's, then the loop's.
struct KeeperWork: ~Copyable {
  enum Request: UInt64 {
    /// The configuration's file and its models.
    case reload = 1
    /// The models of the configuration that runs.
    case reopen
  }

  struct Watched {
    var path: FilePath
    var stamp: martlet_file_stamp
  }

  enum Word {
    static let request = ServiceThread.Word.count
    static let isAnswered = request + 1
    static let overwritten = request + 2
    static let count = request + 3
  }

  private let words: SharedWords
  var watched: [Watched] = []
  var configuration = Configuration()
  var loaded: Shared<Generation>?
  var failure: PipelineError?

  private static let lookNs: UInt64 = 1_000_000_000

  init(_ words: SharedWords) { self.words = words }

  deinit { loaded?.destroy() }

  mutating func work() {
    while words[ServiceThread.Word.isEnding] == 0 {
      if words[Word.isAnswered] == 0 {
        if let request = Request(rawValue: words[Word.request]) {
          load(request)
          words[Word.overwritten] = 0
          words[Word.isAnswered] = 1
          words.wakeLoop()
        } else {
          look()
        }
      }
      var entry = pollfd(fd: words.toThread, events: Int16(POLLIN), revents: 0)
      _ = martlet_wait(&entry, 1, martlet_now_ns() + Self.lookNs)
      _ = martlet_event_take(words.toThread)
    }
    words[ServiceThread.Word.hasEnded] = 1
    words.wakeLoop()
  }

  private mutating func load(_ request: Request) {
    do throws(PipelineError) {
      switch request {
      case .reload: loaded = Shared(try Generation(rereading: configuration))
      case .reopen: loaded = Shared(try Generation(reopening: configuration))
      }
    } catch {
      failure = error
    }
  }

  private func look() {
    let before = words[Word.overwritten]
    var seen = before
    for index in watched.indices where seen >> UInt64(index) & 1 == 0 {
      var now = martlet_file_stamp()
      let then = watched[index].stamp
      guard martlet_path_stamp(watched[index].path.cString, &now) == 0 else { continue }
      // Another file at the path is no fault: it was put there as it should be.
      guard now.device == then.device, now.file == then.file else { continue }
      if now.count != then.count || now.changed_ns != then.changed_ns { seen |= 1 << UInt64(index) }
    }
    guard seen != before else { return }
    words[Word.overwritten] = seen
    words.wakeLoop()
  }
}
