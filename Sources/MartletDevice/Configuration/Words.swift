/// A few words with a space between each two: the keys of a mapping, or what a value may be.
struct Words {
  let text: StaticString

  init(_ text: StaticString) {
    self.text = text
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) }

  /// The place of a word, or nil.
  @inline(never)
  func index(of word: UnsafeRawBufferPointer) -> Int? {
    var index = 0
    var at = 0
    while let other = next(&at) {
      if Words.equal(word, other) { return index }
      index += 1
    }
    return nil
  }

  @inline(never)
  func nearest(to word: UnsafeRawBufferPointer) -> String? {
    var nearest = Nearest(to: word)
    var at = 0
    while let other = next(&at) { nearest.offer(other) }
    return nearest.text
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
    let bytes = bytes
    guard at < bytes.count else { return nil }
    let start = at
    while at < bytes.count, bytes[at] != 0x20 { at += 1 }
    let word = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
    at += 1
    return word
  }

  @inline(never)
  static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    for index in 0..<a.count where a[index] != b[index] { return false }
    return true
  }

  /// Byte by byte: String's == would bring Unicode's tables into the device build.
  @inline(never)
  static func equal(_ a: String, _ b: UnsafeRawBufferPointer) -> Bool {
    var a = a
    return a.withUTF8 { equal(UnsafeRawBufferPointer($0), b) }
  }
}

/// Looks for what somebody may have meant: the fewest bytes to insert, remove, replace or swap, and not too many.
struct Nearest {
  private static let longest = 63
  private let wanted: UnsafeRawBufferPointer
  private var distance: Int
  private(set) var text: String?

  init(to wanted: UnsafeRawBufferPointer) {
    self.wanted = wanted
    distance = wanted.count < 3 ? 2 : wanted.count / 3 + 2
    if wanted.count > Nearest.longest { distance = 0 }
  }

  @inline(never)
  mutating func offer(_ word: UnsafeRawBufferPointer) {
    guard word.count <= Nearest.longest, abs(word.count - wanted.count) < distance else { return }
    let found = Nearest.distance(wanted, word)
    guard found < distance else { return }
    distance = found
    text = String(visible: word)
  }

  @inline(never)
  mutating func offer(_ word: String) {
    var word = word
    word.withUTF8 { offer(UnsafeRawBufferPointer($0)) }
  }

  /// The optimal string alignment distance.
  private static func distance(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    var before = InlineArray<64, Int>(repeating: 0)
    var last = before
    for j in 0...b.count { last[j] = j }
    for i in 0..<a.count {
      var row = InlineArray<64, Int>(repeating: 0)
      row[0] = i + 1
      for j in 0..<b.count {
        var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
        row[j + 1] = least
      }
      before = last
      last = row
    }
    return last[b.count]
  }
}

extension StaticString {
  var string: String { String(utf8: UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)) }
}
