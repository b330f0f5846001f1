import CMartletLinux
import CMartletPlatform

/// Words of 64 bits that two threads read and write, and an event each way for who waits.
///
/// What was written before a word was is seen by who reads the word. A word has one writer, unless it is exchanged.
struct SharedWords {
  private let words: UnsafeMutableBufferPointer<UInt64>
  /// Descriptors: raised by the one, waited for by the other.
  let toLoop: Int32
  let toThread: Int32
  /// 0, or why there is nothing that wakes.
  let openError: Int32

  /// All of them 0.
  init(count: Int) {
    words = .allocate(capacity: count)
    words.initialize(repeating: 0)
    var (toLoop, toThread): (Int32, Int32) = (-1, -1)
    var code = martlet_event_open(&toLoop)
    if code == 0 { code = martlet_event_open(&toThread) }
    (self.toLoop, self.toThread, openError) = (toLoop, toThread, code)
  }

  /// By the last one who knows them.
  func destroy() {
    if toLoop >= 0 { martlet_event_close(toLoop) }
    if toThread >= 0 { martlet_event_close(toThread) }
    words.deallocate()
  }

  private func address(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(index >= 0 && index < words.count)
    return words.baseAddress! + index
  }

  subscript(index: Int) -> UInt64 {
    get { martlet_load_acquire_64(address(index)) }
    nonmutating set { martlet_store_release_64(address(index), newValue) }
  }

  /// Replaces `expected`; whether it did.
  func exchange(_ index: Int, _ expected: UInt64, by desired: UInt64) -> Bool {
    martlet_compare_exchange_64(address(index), expected, desired)
  }

  func wakeLoop() { martlet_event_raise(toLoop) }
  func wakeThread() { martlet_event_raise(toThread) }
}
