/// A stretch of a prompt. The bytes lie in the model file or in the caller's text; they are not copied.
public struct ChatSegment {
  public var bytes: UnsafeRawBufferPointer
  /// The format's own text: control tokens written in it are such tokens. In all other text they are mere letters, so
  /// that nobody can smuggle in a turn.
  public var parsesSpecial: Bool
}

public enum ChatError: Error, Equatable {
  /// More segments than there is room for: too many turns at once.
  case tooManySegments
  /// The work space is shorter than the text to be joined. Bytes needed.
  case textTooLong(Int)
}

/// The next stretch of a prompt, in order. Fixed room: enough for two turns that are rendered again and a new one.
public struct ChatSegments {
  public static let capacity = 40
  private var segments = InlineArray<40, ChatSegment>(
    repeating: ChatSegment(bytes: UnsafeRawBufferPointer(start: nil, count: 0), parsesSpecial: false))
  public private(set) var count = 0

  public init() {}

  public mutating func removeAll() { count = 0 }

  /// - Precondition: `index` is below `count`.
  public subscript(_ index: Int) -> ChatSegment { segments[index] }

  /// Bytes of all segments.
  public var byteCount: Int {
    var bytes = 0
    for index in 0..<count { bytes += segments[index].bytes.count }
    return bytes
  }

  /// Empty ones are left out.
  mutating func append(_ bytes: UnsafeRawBufferPointer, parsesSpecial: Bool) throws(ChatError) {
    guard !bytes.isEmpty else { return }
    guard count < ChatSegments.capacity else { throw .tooManySegments }
    segments[count] = ChatSegment(bytes: bytes, parsesSpecial: parsesSpecial)
    count += 1
  }

  /// The next run to be tokenized at once, starting at segment `position`, which moves on behind it; nil at the end.
  ///
  /// Neighbours that are tokenized alike are one text to a tokenizer: `User: ` and `Hello` must become the tokens of
  /// `User: Hello`. They are joined in `work`, of at most `byteCount` bytes; a lone segment is returned as it is.
  public func run(
    from position: inout Int, work: UnsafeMutableRawBufferPointer
  ) throws(ChatError) -> ChatSegment? {
    guard position >= 0, position < count else { return nil }
    let first = segments[position]
    var end = position + 1
    var bytes = first.bytes.count
    while end < count, segments[end].parsesSpecial == first.parsesSpecial {
      bytes += segments[end].bytes.count
      end += 1
    }
    defer { position = end }
    guard end - position > 1 else { return first }
    guard bytes <= work.count, let base = work.baseAddress else { throw .textTooLong(bytes) }
    var at = 0
    for index in position..<end {
      let part = segments[index].bytes
      if let from = part.baseAddress { (base + at).copyMemory(from: from, byteCount: part.count) }
      at += part.count
    }
    return ChatSegment(bytes: UnsafeRawBufferPointer(start: base, count: bytes), parsesSpecial: first.parsesSpecial)
  }
}
