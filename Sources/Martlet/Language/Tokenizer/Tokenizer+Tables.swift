/// Searching the two hash tables. A search ends after `probeLimit` slots, whatever the section holds.
extension Tokenizer {
  /// The normal token with this text, or -1.
  ///
  /// - Parameter hash: FNV-1a over the bytes, `TokenizerFormat.hash`.
  func find(_ bytes: UnsafePointer<UInt8>, count: Int, hash: UInt32) -> Int32 {
    guard count <= Int(header.longestPiece) else { return TokenizerFormat.none }
    let mask = tokenTable.count - 1
    var slot = Int(TokenizerFormat.slotHash(hash)) & mask
    for _ in 0..<header.probeLimit {
      guard let entry = tokenTable[slot], entry != 0 else { return TokenizerFormat.none }
      let token = Int(entry) - 1
      if let record = tokens[token], Int(record.length) == count, let text = text(of: record) {
        if equal(text, bytes) { return Int32(truncatingIfNeeded: token) }
      }
      slot = (slot + 1) & mask
    }
    return TokenizerFormat.none
  }

  func find(_ bytes: UnsafePointer<UInt8>, count: Int) -> Int32 {
    guard count <= Int(header.longestPiece) else { return TokenizerFormat.none }
    var hash = TokenizerFormat.hashStart
    for index in 0..<count { hash = TokenizerFormat.hash(hash, bytes[index]) }
    return find(bytes, count: count, hash: hash)
  }

  /// The merge of two tokens: its rank and what it makes, or nil.
  func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
    let mask = mergeTable.count - 1
    var slot = Int(TokenizerFormat.slotHash(left: left, right: right)) & mask
    for _ in 0..<header.probeLimit {
      guard let entry = mergeTable[slot], entry != 0 else { return nil }
      let rank = entry - 1
      if let record = merges[Int(rank)], record.left == left, record.right == right {
        return isToken(record.merged) ? (rank, record.merged) : nil
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private func equal(_ text: UnsafeRawBufferPointer, _ bytes: UnsafePointer<UInt8>) -> Bool {
    for index in 0..<text.count where text[index] != bytes[index] { return false }
    return true
  }
}
