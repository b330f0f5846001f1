/// Byte-pair encoding: the best pair of neighbours merges, until none can.
///
/// A symbol is named by the place of its first byte. With a queue of pairs, n bytes take O(n log n).
extension TokenEncoder {
  mutating func encodePairs(_ bytes: UnsafePointer<UInt8>, count: Int) throws(TokenizerError) {
    var merger = PairMerger(tokenizer, work: work, bytes: bytes, count: count)
    merger.run()
    var place = merger.first
    while place < count {
      let token = merger.tokens[place]
      let next = Int(merger.next[place])
      if token >= 0 {
        try append(token)
      } else {
        try appendUnknown(bytes + place, count: merger.length(place))
      }
      place = next
    }
  }
}

struct PairMerger {
  private let tokenizer: Tokenizer
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  /// The place of the next symbol, or `count`.
  let next: UnsafeMutablePointer<Int32>
  private let previous: UnsafeMutablePointer<Int32>
  /// The symbol's token, or -1.
  let tokens: UnsafeMutablePointer<Int32>
  /// The token that a symbol makes with its right neighbour.
  private let merged: UnsafeMutablePointer<Int32>
  private var queue: PairQueue
  /// The first symbol; `count` if there is none.
  private(set) var first = 0

  init(_ tokenizer: Tokenizer, work: TokenizerWork, bytes: UnsafePointer<UInt8>, count: Int) {
    self.tokenizer = tokenizer
    self.bytes = bytes
    self.count = count
    next = work.column(0)
    previous = work.column(1)
    tokens = work.column(2)
    merged = work.column(3)
    queue = PairQueue(work.column(4), work.column(5), work.column(6))
  }

  /// A symbol's bytes.
  func length(_ place: Int) -> Int { Int(next[place]) - place }

  mutating func run() {
    divide()
    var place = first
    while place < count {
      refresh(place)
      place = Int(next[place])
    }
    while let left = queue.removeFirst() {
      let right = Int(next[left])
      queue.remove(right)
      tokens[left] = merged[left]
      next[left] = next[right]
      let after = Int(next[left])
      if after < count { previous[after] = Int32(truncatingIfNeeded: left) }
      refresh(left)
      if previous[left] >= 0 { refresh(Int(previous[left])) }
    }
  }

  /// The symbols to begin with: bytes or characters.
  private mutating func divide() {
    let isByteLevel = tokenizer.model == .byteLevel
    var last = -1
    var place = 0
    while place < count {
      let length = isByteLevel ? 1 : UTF8Scalar(bytes + place, count: count - place).length
      previous[place] = Int32(truncatingIfNeeded: last)
      next[place] = Int32(truncatingIfNeeded: place + length)
      tokens[place] =
        isByteLevel
        ? tokenizer.byteTokens[Int(bytes[place])] ?? TokenizerFormat.none
        : tokenizer.find(bytes + place, count: length)
      queue.clear(place)
      last = place
      place += length
    }
  }

  /// Puts the pair of a symbol and its right neighbour into the queue, or takes it out.
  private mutating func refresh(_ left: Int) {
    let right = Int(next[left])
    if right < count, let found = candidate(left, right) {
      merged[left] = found.merged
      queue.set(left, priority: found.priority)
    } else {
      queue.remove(left)
    }
  }

  private func candidate(_ left: Int, _ right: Int) -> (priority: UInt32, merged: Int32)? {
    if tokenizer.model == .scored {
      let token = tokenizer.find(bytes + left, count: Int(next[right]) - left)
      guard token >= 0, let record = tokenizer.tokens[Int(token)] else { return nil }
      return (PairMerger.priority(score: record.score), token)
    }
    guard tokens[left] >= 0, tokens[right] >= 0,
      let merge = tokenizer.merge(tokens[left], tokens[right])
    else { return nil }
    return (merge.rank, merge.merged)
  }

  /// Higher scores as lower numbers. A score that is no number is some number or other.
  private static func priority(score: Float) -> UInt32 {
    // -0 is 0.
    let bits = (score + 0).bitPattern
    return bits & 0x8000_0000 == 0 ? ~(bits | 0x8000_0000) : bits
  }
}
