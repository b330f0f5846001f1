import CMartletLinux
import CMartletPlatform

/// A thread beside the loop of a pipeline, where the system may hold a call for seconds.
struct ServiceThread {
  /// The first two words are this one's.
  enum Word { static let isEnding = 0, hasEnded = 1, count = 2 }

  let words: SharedWords
  private let thread = Shared(martlet_thread())
  private var isStarted = false

  /// How long a call that holds the thread at the end is waited for.
  private static let patienceNs: UInt64 = 300_000_000

  init(_ words: SharedWords) { self.words = words }

  /// - Parameters:
  ///   - body: ends when `isEnding` is set, and sets `hasEnded`.
  /// - Returns: 0 or a `martlet_error`.
  mutating func start(_ body: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ context: UnsafeMutableRawPointer)
    -> Int32
  {
    guard words.openError == 0 else { return words.openError }
    let code = withUnsafeMutablePointer(to: &thread.value) { martlet_thread_start($0, body, context, -1) }
    isStarted = code == 0
    return code
  }

  /// For `top -H`.
  static func name(_ name: StaticString) {
    martlet_thread_set_name(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
  }

  /// The wait of the end begins: of several, all are told before one is waited for.
  func end() {
    words[Word.isEnding] = 1
    words.wakeThread()
  }

  /// Waits for the end, which began at `sinceNs`; false: a call still holds it, and what it uses must stay.
  func finish(sinceNs: UInt64) -> Bool {
    if isStarted {
      end()
      while words[Word.hasEnded] == 0 {
        var entry = pollfd(fd: words.toLoop, events: Int16(POLLIN), revents: 0)
        if martlet_wait(&entry, 1, sinceNs + Self.patienceNs) == 0 { break }
        _ = martlet_event_take(words.toLoop)
      }
      guard words[Word.hasEnded] != 0 else {
        withUnsafeMutablePointer(to: &thread.value) { martlet_thread_detach($0) }
        return false
      }
      withUnsafeMutablePointer(to: &thread.value) { martlet_thread_join($0) }
    }
    thread.destroy()
    return true
  }
}
