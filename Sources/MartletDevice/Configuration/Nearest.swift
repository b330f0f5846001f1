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
