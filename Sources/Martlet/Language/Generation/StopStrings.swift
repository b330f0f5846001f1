/// Texts that end an answer, looked for in its bytes as they come. What may still become such a text waits.
///
/// The texts are the caller's and stay where they are.
public struct StopStrings {
  public static let capacity = 16
  /// Bytes of the longest.
  public static let maxBytes = 256

  private var texts = InlineArray<16, UnsafeRawBufferPointer>(
    repeating: UnsafeRawBufferPointer(start: nil, count: 0))
  public private(set) var count = 0
  private var waiting = InlineArray<256, UInt8>(repeating: 0)
  private var waitingCount = 0

  public init() {}

  /// False if there is no room for one more, or if the text is empty or too long.
  public mutating func add(_ text: UnsafeRawBufferPointer) -> Bool {
    guard count < StopStrings.capacity, !text.isEmpty, text.count <= StopStrings.maxBytes else { return false }
    texts[count] = text
    count += 1
    return true
  }

  /// Takes one byte of the answer; `release` is called with each byte that can no longer be part of a stop text.
  ///
  /// - Returns: whether a stop text is complete: the answer ends in front of it, and in front of the longest if several
  ///   are.
  public mutating func push(_ byte: UInt8, release: (UInt8) -> Void) -> Bool {
    waiting[waitingCount] = byte
    waitingCount += 1
    // A text may end here that began before another one, which still waits, is decided.
    for start in 0..<waitingCount where begins(at: start, isWhole: true) {
      drop(start, release: release)
      waitingCount = 0
      return true
    }
    var start = 0
    while start < waitingCount, !begins(at: start, isWhole: false) { start += 1 }
    drop(start, release: release)
    return false
  }

  /// There is no more to come: what waits is part of the answer.
  public mutating func finish(release: (UInt8) -> Void) {
    for i in 0..<waitingCount { release(waiting[i]) }
    waitingCount = 0
  }

  /// Whether what waits from `start` on is a text, or else the beginning of one.
  private func begins(at start: Int, isWhole: Bool) -> Bool {
    let length = waitingCount - start
    for index in 0..<count {
      let text = texts[index]
      guard isWhole ? length == text.count : length < text.count else { continue }
      var same = 0
      while same < length, waiting[start + same] == text[same] { same += 1 }
      if same == length { return true }
    }
    return false
  }

  /// Releases the first bytes that wait.
  private mutating func drop(_ first: Int, release: (UInt8) -> Void) {
    guard first > 0 else { return }
    for i in 0..<first { release(waiting[i]) }
    waitingCount -= first
    for i in 0..<waitingCount { waiting[i] = waiting[first + i] }
  }
}
