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
  /// - Returns: whether a stop text is complete: the answer ends in front of it.
  public mutating func push(_ byte: UInt8, release: (UInt8) -> Void) -> Bool {
    waiting[waitingCount] = byte
    waitingCount += 1
    while waitingCount > 0 {
      var isPrefix = false
      for index in 0..<count {
        let text = texts[index]
        guard waitingCount <= text.count, matches(text) else { continue }
        if waitingCount == text.count {
          waitingCount = 0
          return true
        }
        isPrefix = true
      }
      if isPrefix { return false }
      release(waiting[0])
      waitingCount -= 1
      for i in 0..<waitingCount { waiting[i] = waiting[i + 1] }
    }
    return false
  }

  /// There is no more to come: what waits is part of the answer.
  public mutating func finish(release: (UInt8) -> Void) {
    for i in 0..<waitingCount { release(waiting[i]) }
    waitingCount = 0
  }

  private func matches(_ text: UnsafeRawBufferPointer) -> Bool {
    for i in 0..<waitingCount where waiting[i] != text[i] { return false }
    return true
  }
}
