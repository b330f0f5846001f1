/// Python's string methods, by Unicode scalars as there.
enum JinjaText {
  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// What `str.isspace` holds for: Unicode's white space and the four separators of ASCII.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (28...31).contains(scalar.value)
  }

  /// - Parameter set: the characters that go; nil: white space.
  static func trimmed(_ text: String, _ set: String?, start: Bool, end: Bool) -> String {
    var rest = Substring(text).unicodeScalars
    func goes(_ scalar: Unicode.Scalar) -> Bool { set?.unicodeScalars.contains(scalar) ?? isSpace(scalar) }
    while start, let first = rest.first, goes(first) { rest.removeFirst() }
    while end, let last = rest.last, goes(last) { rest.removeLast() }
    return String(rest)
  }

  /// Where a text stands, by bytes of UTF-8, from the left, not overlapping.
  static func ranges(of part: String, in text: String, limit: Int) -> [Range<Int>] {
    let whole = Array(text.utf8)
    let piece = Array(part.utf8)
    guard !piece.isEmpty else { return [0..<0] }
    var found: [Range<Int>] = []
    var at = 0
    while at + piece.count <= whole.count, found.count < limit {
      if whole[at] == piece[0], whole[at..<(at + piece.count)].elementsEqual(piece) {
        found.append(at..<(at + piece.count))
        at += piece.count
      } else {
        at += 1
      }
    }
    return found
  }

  static func split(_ text: String, at separator: String, limit: Int) -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    var start = 0
    for range in ranges(of: separator, in: text, limit: limit) {
      parts.append(String(decoding: bytes[start..<range.lowerBound], as: UTF8.self))
      start = range.upperBound
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }
}
