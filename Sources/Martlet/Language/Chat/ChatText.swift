/// Cutting texts that lie in memory as UTF-8. Total on any bytes.
enum ChatText {
  /// The bytes from `start` to `end`; none where they cross.
  static func slice(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
    let end = min(end, text.count)
    guard start >= 0, start < end else { return UnsafeRawBufferPointer(start: text.baseAddress, count: 0) }
    return UnsafeRawBufferPointer(rebasing: text[start..<end])
  }

  static func starts(_ text: UnsafeRawBufferPointer, with prefix: UnsafeRawBufferPointer) -> Bool {
    guard prefix.count <= text.count else { return false }
    for index in 0..<prefix.count where text[index] != prefix[index] { return false }
    return true
  }

  /// Without white space at the ends asked for.
  static func trimmed(_ text: UnsafeRawBufferPointer, start: Bool, end: Bool) -> UnsafeRawBufferPointer {
    var from = 0
    var to = text.count
    while start, from < to, let width = spaceWidth(text, at: from, before: to) { from += width }
    while end, from < to {
      var width = 1
      while width < 3, to - width > from, text[to - width] & 0xC0 == 0x80 { width += 1 }
      guard spaceWidth(text, at: to - width, before: to) == width else { break }
      to -= width
    }
    return slice(text, from, to)
  }

  /// Bytes of the white space at `place`: what Python's `str.isspace` calls so. Nil: it is something else.
  private static func spaceWidth(_ text: UnsafeRawBufferPointer, at place: Int, before end: Int) -> Int? {
    let first = text[place]
    switch first {
    case 9...13, 28...32:
      return 1
    case 0xC2 where end - place >= 2:
      return text[place + 1] == 0x85 || text[place + 1] == 0xA0 ? 2 : nil
    case 0xE1...0xE3 where end - place >= 3:
      switch (first, text[place + 1], text[place + 2]) {
      case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF),
        (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
        return 3
      default: return nil
      }
    default: return nil
    }
  }

  /// Just behind the last `</think>`.
  static func endOfReasoning(_ text: UnsafeRawBufferPointer) -> Int? {
    let mark: StaticString = "</think>"
    let bytes = UnsafeRawBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
    var place = text.count - bytes.count
    while place >= 0 {
      if starts(slice(text, place, text.count), with: bytes) { return place + bytes.count }
      place -= 1
    }
    return nil
  }
}
