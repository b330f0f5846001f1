/// The unigram model: of all ways to divide a text into pieces, the one whose scores have the largest sum.
///
/// Viterbi's algorithm as SentencePiece does it (Kudo, 2018): from left to right, the best way to reach each place. Of
/// equal sums the one found first stays. Sums are float32 as there, or float64 as in Hugging Face `tokenizers`: where
/// the same letter repeats, the last bit decides.
extension TokenEncoder {
  mutating func encodeUnigram(_ bytes: UnsafePointer<UInt8>, count: Int) throws(TokenizerError) {
    var lattice = UnigramLattice(tokenizer, work: work, bytes: bytes, count: count)
    lattice.fill()
    lattice.turn()
    var place = 0
    while place < count {
      let next = lattice.next(place)
      guard next > place, next <= count else { throw .damaged }
      let token = lattice.token(endingAt: next)
      if token >= 0 {
        try append(token)
      } else {
        try appendUnknown(bytes + place, count: next - place)
      }
      place = next
    }
  }
}

struct UnigramLattice {
  private let tokenizer: Tokenizer
  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  // For the place after index `i - 1`, so that place `count` has index `count - 1`: the best piece that ends there.
  // Place 0 needs none.
  private let starts: UnsafeMutablePointer<Int32>
  private let tokens: UnsafeMutablePointer<Int32>
  private let sums: UnsafeMutablePointer<Double>
  /// Afterwards: where the piece ends that begins at a place.
  private let ends: UnsafeMutablePointer<Int32>

  init(_ tokenizer: Tokenizer, work: TokenizerWork, bytes: UnsafePointer<UInt8>, count: Int) {
    self.tokenizer = tokenizer
    self.bytes = bytes
    self.count = count
    starts = work.column(0)
    tokens = work.column(1)
    sums = work.doubles(2)
    ends = work.column(4)
  }

  func next(_ place: Int) -> Int { Int(ends[place]) }

  func token(endingAt place: Int) -> Int32 { tokens[place - 1] }

  mutating func fill() {
    for index in 0..<count { starts[index] = -1 }
    var place = 0
    while place < count {
      let character = UTF8Scalar(bytes + place, count: count - place).length
      // Each place that begins a character is reached: at the latest by the unknown character before it.
      let sum = place == 0 ? 0 : sums[place - 1]
      let limit = min(count - place, Int(tokenizer.header.longestPiece))
      var hasCharacter = false
      var hash = TokenizerFormat.hashStart
      var length = 0
      while length < limit {
        hash = TokenizerFormat.hash(hash, bytes[place + length])
        length += 1
        if place + length < count, bytes[place + length] & 0xC0 == 0x80 { continue }
        let token = tokenizer.find(bytes + place, count: length, hash: hash)
        guard token >= 0, let record = tokenizer.tokens[Int(token)] else { continue }
        // SentencePiece's bonus, which is to make sure that a user-defined piece is chosen.
        let isUserDefined = record.type == TokenType.userDefined.rawValue
        offer(token, place, place + length, sum + (isUserDefined ? -0.1 : Double(record.score)))
        if length == character { hasCharacter = true }
      }
      if !hasCharacter {
        offer(TokenizerFormat.none, place, place + character, sum + Double(tokenizer.header.unknownScore))
      }
      place += character
    }
  }

  private func offer(_ token: Int32, _ start: Int, _ end: Int, _ sum: Double) {
    let index = end - 1
    let sum = tokenizer.flags.contains(.sumsDoubles) ? sum : Double(Float(sum))
    guard starts[index] < 0 || sum > sums[index] else { return }
    starts[index] = Int32(truncatingIfNeeded: start)
    tokens[index] = token
    sums[index] = sum
  }

  /// Follows the best way back from the end and turns it round.
  mutating func turn() {
    var place = count
    while place > 0 {
      let start = Int(starts[place - 1])
      guard start >= 0, start < place else { return }
      ends[start] = Int32(truncatingIfNeeded: place)
      place = start
    }
  }
}
