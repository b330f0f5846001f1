import CMartletLinux
import CMartletPlatform

/// A thread beside the loop for whatever reads files and may take its time: once a second it looks whether a model's
/// file was written over, and it loads models and rules anew when it is asked to.
struct Keeper: ~Copyable {
  enum Request: UInt64 {
    /// The configuration's file and its models.
    case reload = 1
    /// The models of the configuration that runs.
    case reopen
  }

  enum Answer: ~Copyable {
    case loaded(Generation)
    case failed(PipelineError)
  }

  private let shared: KeeperShared
  private let thread: UnsafeMutablePointer<martlet_thread>
  private var isStarted = false

  init() {
    shared = KeeperShared()
    thread = .allocate(capacity: 1)
    thread.initialize(to: martlet_thread())
  }

  deinit {
    shared.set(.isEnding, 1)
    martlet_event_raise(shared.toKeeper)
    let deadline = martlet_now_ns() + 300_000_000
    while isStarted, shared.get(.hasEnded) == 0 {
      var entry = pollfd(fd: shared.toLoop, events: Int16(POLLIN), revents: 0)
      if martlet_wait(&entry, 1, deadline) == 0 { break }
      _ = martlet_event_take(shared.toLoop)
    }
    guard !isStarted || shared.get(.hasEnded) != 0 else {
      // A disk holds it: what it uses stays with it.
      martlet_thread_detach(thread)
      return
    }
    if isStarted { martlet_thread_join(thread) }
    thread.deallocate()
    shared.destroy()
  }

  /// - Returns: 0 or a `martlet_error`.
  mutating func start() -> Int32 {
    guard shared.openError == 0 else { return shared.openError }
    let code = martlet_thread_start(
      thread,
      { context in
        let name: StaticString = "keeper"
        martlet_thread_set_name(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
        KeeperShared(at: context!).work()
      }, shared.address, -1)
    isStarted = code == 0
    return code
  }

  /// Raised when there is an answer, or something was seen.
  var descriptor: Int32 { shared.toLoop }
  func takeEvent() { _ = martlet_event_take(shared.toLoop) }

  /// Nothing was asked that is not answered.
  var isFree: Bool { isStarted && shared.get(.request) == 0 }

  /// While it is free: what it looks at from now on.
  func watch(_ models: borrowing FixedArray<PipelineModel>) {
    for index in models.indices {
      shared.watched[index] = KeeperShared.Watched(path: models[index].file.path, stamp: models[index].file.stamp)
    }
    shared.set(.watchedCount, UInt64(models.count))
  }

  /// While it is free.
  func ask(_ request: Request, _ configuration: Configuration) {
    shared.content.pointee.configuration = configuration
    shared.set(.request, request.rawValue)
    martlet_event_raise(shared.toKeeper)
  }

  /// Whether there is an answer. It is free again when that was taken and `watch` says what is in use now.
  var hasAnswer: Bool { shared.get(.isAnswered) != 0 }

  func takeAnswer() -> Answer {
    let failure = shared.content.pointee.failure
    shared.content.pointee.failure = nil
    guard failure == nil, let loaded = shared.content.pointee.loaded else {
      return .failed(failure ?? PipelineError("nothing was loaded", exitCode: ExitCode.system))
    }
    shared.content.pointee.loaded = nil
    let generation = loaded.move()
    loaded.deallocate()
    return .loaded(generation)
  }

  /// Goes on looking at files.
  func release() {
    shared.set(.isAnswered, 0)
    shared.set(.request, 0)
  }

  /// Whether the file of a model was seen to be written over.
  func sawOverwritten(_ model: Int) -> Bool { shared.get(.overwritten) >> UInt64(model) & 1 != 0 }
}

/// What the loop and its keeper share, at one address. While a request waits the keeper has it, else the loop.
struct KeeperShared {
  struct Watched {
    var path: FilePath
    var stamp: martlet_file_stamp
  }

  struct Content {
    var configuration = Configuration()
    var loaded: UnsafeMutablePointer<Generation>?
    var failure: PipelineError?
  }

  enum Word: Int { case request, isAnswered, isEnding, hasEnded, overwritten, watchedCount }

  private struct Root {
    var words: UnsafeMutablePointer<UInt64>
    var content: UnsafeMutablePointer<Content>
    var watched: UnsafeMutablePointer<Watched>
    var toLoop: Int32 = -1
    var toKeeper: Int32 = -1
    var openError: Int32 = 0
  }

  private let root: UnsafeMutablePointer<Root>
  private static let lookNs: UInt64 = 1_000_000_000

  init() {
    root = .allocate(capacity: 1)
    root.initialize(
      to: Root(
        words: .allocate(capacity: 8), content: .allocate(capacity: 1),
        watched: .allocate(capacity: Configuration.maxModels)))
    root.pointee.words.initialize(repeating: 0, count: 8)
    root.pointee.content.initialize(to: Content())
    root.pointee.openError = martlet_event_open(&root.pointee.toLoop)
    if root.pointee.openError == 0 { root.pointee.openError = martlet_event_open(&root.pointee.toKeeper) }
  }

  init(at address: UnsafeMutableRawPointer) { root = address.assumingMemoryBound(to: Root.self) }

  func destroy() {
    if toLoop >= 0 { martlet_event_close(toLoop) }
    if toKeeper >= 0 { martlet_event_close(toKeeper) }
    if let loaded = content.pointee.loaded {
      loaded.deinitialize(count: 1)
      loaded.deallocate()
    }
    content.deinitialize(count: 1)
    content.deallocate()
    watched.deallocate()
    root.pointee.words.deallocate()
    root.deallocate()
  }

  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(root) }
  var content: UnsafeMutablePointer<Content> { root.pointee.content }
  var watched: UnsafeMutablePointer<Watched> { root.pointee.watched }
  var toLoop: Int32 { root.pointee.toLoop }
  var toKeeper: Int32 { root.pointee.toKeeper }
  var openError: Int32 { root.pointee.openError }

  func get(_ word: Word) -> UInt64 { martlet_load_acquire_64(root.pointee.words + word.rawValue) }
  func set(_ word: Word, _ value: UInt64) { martlet_store_release_64(root.pointee.words + word.rawValue, value) }

  // MARK: The keeper

  func work() {
    while get(.isEnding) == 0 {
      if let request = Keeper.Request(rawValue: get(.request)), get(.isAnswered) == 0 {
        load(request)
        set(.overwritten, 0)
        set(.isAnswered, 1)
        martlet_event_raise(toLoop)
      } else if get(.request) == 0 {
        look()
      }
      var entry = pollfd(fd: toKeeper, events: Int16(POLLIN), revents: 0)
      _ = martlet_wait(&entry, 1, martlet_now_ns() + Self.lookNs)
      _ = martlet_event_take(toKeeper)
    }
    set(.hasEnded, 1)
    martlet_event_raise(toLoop)
  }

  private func load(_ request: Keeper.Request) {
    do throws(PipelineError) {
      let running = content.pointee.configuration
      let generation = UnsafeMutablePointer<Generation>.allocate(capacity: 1)
      do throws(PipelineError) {
        switch request {
        case .reload: generation.initialize(to: try Generation(rereading: running))
        case .reopen: generation.initialize(to: try Generation(reopening: running))
        }
      } catch {
        generation.deallocate()
        throw error
      }
      content.pointee.loaded = generation
    } catch {
      content.pointee.failure = error
    }
  }

  private func look() {
    var seen = get(.overwritten)
    for index in 0..<Int(get(.watchedCount)) where seen >> UInt64(index) & 1 == 0 {
      var now = martlet_file_stamp()
      let then = watched[index].stamp
      guard martlet_path_stamp(watched[index].path.cString, &now) == 0 else { continue }
      // Another file at the path is no fault: it was put there as it should be.
      guard now.device == then.device, now.file == then.file else { continue }
      if now.count != then.count || now.changed_ns != then.changed_ns { seen |= 1 << UInt64(index) }
    }
    guard seen != get(.overwritten) else { return }
    set(.overwritten, seen)
    martlet_event_raise(toLoop)
  }
}
