/// A few words with a space between each two: what a value may be.
struct WordList {
  let text: StaticString

  init(_ text: StaticString) {
    self.text = text
  }

  /// The place of a word, or nil.
  @inline(never)
  func index(of word: UnsafeRawBufferPointer) -> Int? {
    var index = 0
    var at = 0
    while let other = next(&at) {
      if word.isSame(as: other) { return index }
      index += 1
    }
    return nil
  }

  /// nil behind the last one.
  func word(_ index: Int) -> String? {
    var at = 0
    for _ in 0..<index where next(&at) == nil { return nil }
    return next(&at).map { String(utf8: $0) }
  }

  var count: Int {
    var count = 0
    var at = 0
    while next(&at) != nil { count += 1 }
    return count
  }

  /// "a, b, c"
  @inline(never)
  var list: String {
    var list = ""
    var at = 0
    while let word = next(&at) {
      if !list.isEmpty { list.add(", ") }
      list.add(String(utf8: word))
    }
    return list
  }

  private func next(_ at: inout Int) -> UnsafeRawBufferPointer? {
    let bytes = text.bytes
    guard at < bytes.count else { return nil }
    let start = at
    while at < bytes.count, bytes[at] != 0x20 { at += 1 }
    let word = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
    at += 1
    return word
  }
}

extension StaticString {
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
  @inline(never)
  public var text: String { String(utf8: bytes) }
}
