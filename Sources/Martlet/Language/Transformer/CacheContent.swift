/// Which positions' keys and values a KV cache holds. The cache of a layer with a window is a ring: it forgets.
///
/// A rewind that a ring no longer remembers empties the cache, and nothing else does: whoever evaluates goes on from
/// `count`, so what was lost is computed again from the tokens' ids.
struct CacheContent {
  /// Positions 0 ..< count are in the layers without a window.
  private(set) var count = 0
  /// Positions oldest ..< count are in the layers with one.
  private(set) var oldest = 0
  /// Positions that a windowed layer sees, and those its ring has room for; both `Int.max` where no layer has a window.
  let window: Int
  let ring: Int

  /// - Parameters:
  ///   - window: a token's own position included.
  ///   - ring: at least `window` plus the positions that are written at once, or the whole context. So what the last
  ///     token saw is there when those behind it were written and given up.
  init(window: Int, ring: Int) {
    (self.window, self.ring) = (window, ring)
  }

  /// The first position that windowed layers hold at least behind `count` positions: a window that ends there, so that
  /// the last token can be evaluated again, and the next one.
  func first(before count: Int) -> Int { max(0, count - window) }

  /// Positions up to `end` are about to be written: what lies a turn of the ring before them is gone.
  mutating func write(upTo end: Int) {
    if ring < end { oldest = max(oldest, end - ring) }
  }

  /// Positions up to `end` were written.
  mutating func extend(to end: Int) { count = end }

  /// Only the first `length` positions are of use from now on.
  mutating func rewind(to length: Int) {
    guard length < count else { return }
    if length > 0, first(before: length) >= oldest {
      count = length
    } else {
      (count, oldest) = (0, 0)
    }
  }

  /// Rings keep no more than a window, as a saved cache has it.
  mutating func trim() { oldest = max(oldest, first(before: count)) }

  /// The first `length` positions were filled from elsewhere, windowed layers only as far back as a window.
  mutating func adopt(_ length: Int) {
    count = length
    oldest = first(before: length)
  }
}
