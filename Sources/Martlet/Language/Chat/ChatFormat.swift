/// A view of the section `chat`: how a conversation becomes the text that a model was trained on.
///
/// The record is copied and checked; the texts stay in the file. A prompt is put together as
/// ```
/// begin, user, generationPrompt             the first turn
/// assistantEnd, user, generationPrompt      each later one, behind what the KV cache holds
/// ```
/// Where `assistantEnd` says that the cache does not hold what the history should (a reasoning that is dropped, white
/// space that is trimmed), the cache is cut back to before the generation prompt and `assistant` goes in. Where
/// `movesSystem` is true, and there is a system text, the whole turn is rendered again, from its user's text on.
public struct ChatFormat {
  private let section: UnsafeRawBufferPointer
  private let record: ChatFormatRecord

  /// Checks the record and where its texts lie.
  public init(_ section: UnsafeRawBufferPointer) throws(ModelError) {
    let size = MemoryLayout<ChatFormatRecord>.size
    guard section.count >= size else {
      throw ModelError(.tooShort, .chat, found: Int64(section.count), expected: Int64(size))
    }
    let record = section.loadUnaligned(as: ChatFormatRecord.self)
    guard record.flags & ~ChatFlags.known.rawValue == 0 else {
      throw ModelError(.unknownValue, .chat, field: "flags", found: Int64(record.flags))
    }
    guard record.stopCount <= ChatLayout.maxStops else {
      throw ModelError(
        .overLimit, .chat, field: "stopCount", found: Int64(record.stopCount), expected: Int64(ChatLayout.maxStops))
    }
    for index in 0..<ChatLayout.pieces {
      let piece = record.pieces[index]
      try ChatFormat.check(
        piece.offset, piece.length, limit: ChatLayout.maxPieceBytes, in: section, index: index, field: "pieces")
      guard UInt64(piece.headLength) + UInt64(piece.tailLength) <= UInt64(piece.length) else {
        throw ModelError(
          .outOfRange, .chat, index: index, field: "headLength", found: Int64(piece.headLength),
          expected: Int64(piece.length))
      }
    }
    for index in 0..<Int(record.stopCount) {
      let stop = record.stops[index]
      try ChatFormat.check(
        stop.offset, stop.length, limit: ChatLayout.maxStopBytes, in: section, index: index, field: "stops")
      guard stop.length > 0 else { throw ModelError(.outOfRange, .chat, index: index, field: "stops", expected: 1) }
    }
    self.section = section
    self.record = record
  }

  private static func check(
    _ offset: UInt32, _ length: UInt32, limit: Int, in section: UnsafeRawBufferPointer, index: Int, field: StaticString
  ) throws(ModelError) {
    guard length <= limit else {
      throw ModelError(
        .overLimit, .chat, index: index, field: field, found: Int64(length), expected: Int64(limit))
    }
    let end = UInt64(offset) + UInt64(length)
    guard end <= UInt64(section.count) else {
      throw ModelError(
        .outOfBounds, .chat, index: index, field: field, found: Int64(end), expected: Int64(section.count))
    }
  }

  public var flags: ChatFlags { ChatFlags(rawValue: record.flags) }

  /// Whether the beginning-of-sequence token comes before everything. It is in no segment: `encode` puts it there.
  public var startsWithBeginning: Bool { flags.contains(.startsWithBeginning) }

  /// Whether a system text stands in the last user's turn only, so that the turn before must be rendered again without.
  public var movesSystem: Bool { flags.contains(.systemInLastTurn) }

  public var stopCount: Int { Int(record.stopCount) }

  /// A text that ends an answer, for models whose end token is not known by its id.
  /// - Precondition: `index` is below `stopCount`.
  public func stop(_ index: Int) -> UnsafeRawBufferPointer {
    bytes(record.stops[index].offset, record.stops[index].length)
  }

  /// A literal text as it is in the file.
  public func text(_ piece: ChatPiece) -> UnsafeRawBufferPointer {
    bytes(record.pieces[piece.rawValue].offset, record.pieces[piece.rawValue].length)
  }

  private func bytes(_ offset: UInt32, _ length: UInt32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: section[Int(offset)..<Int(offset) + Int(length)])
  }

  /// A piece without its first `skipped` bytes: its head and its tail as running text, the middle with control tokens.
  func append(_ piece: ChatPiece, skipping skipped: Int = 0, into segments: inout ChatSegments) throws(ChatError) {
    let text = text(piece)
    let at = record.pieces[piece.rawValue]
    let middle = Int(at.headLength)
    let tail = text.count - Int(at.tailLength)
    try segments.append(ChatText.slice(text, max(skipped, 0), middle), parsesSpecial: false)
    try segments.append(ChatText.slice(text, max(skipped, middle), tail), parsesSpecial: true)
    try segments.append(ChatText.slice(text, max(skipped, tail), text.count), parsesSpecial: false)
  }
}
