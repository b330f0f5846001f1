import Martlet

extension TokenizerSource {
  /// The section's bytes, read back by the code that will use it.
  ///
  /// - Throws: one line if the vocabulary contradicts itself or is beyond the format's limits.
  public func section() throws(ConversionError) -> [UInt8] {
    try check()
    var writer = TokenizerSectionWriter(source: self)
    let bytes = try writer.bytes()
    var failure: ModelError?
    bytes.withUnsafeBytes { raw in
      do throws(ModelError) { try Tokenizer(raw).validate() } catch { failure = error }
    }
    if let failure {
      throw .unsupported(
        "tokenizer: the device would refuse it: \(failure.field) \(failure.found), "
          + "limit \(failure.expected)")
    }
    return bytes
  }

  func check() throws(ConversionError) {
    guard !tokens.isEmpty else { throw .badData("tokenizer: the vocabulary is empty") }
    guard tokens.count <= TokenizerFormat.maxTokens else {
      throw .unsupported("tokenizer: \(tokens.count) tokens are more than \(TokenizerFormat.maxTokens)")
    }
    guard merges.count <= TokenizerFormat.maxMerges else {
      throw .unsupported("tokenizer: \(merges.count) merges are more than \(TokenizerFormat.maxMerges)")
    }
    for (id, token) in tokens.enumerated() {
      guard token.text.count <= TokenizerFormat.maxTextBytes else {
        throw .unsupported(
          "tokenizer: token \(id) has \(token.text.count) bytes, the limit is "
            + "\(TokenizerFormat.maxTextBytes)")
      }
      guard token.score.isFinite else { throw .badData("tokenizer: token \(id) has the score \(token.score)") }
      if token.isSearched, model != .byteLevel, token.text.count > TokenizerFormat.maxPieceBytes {
        throw .unsupported(
          "tokenizer: token \(id) has \(token.text.count) bytes, the limit for a piece is "
            + "\(TokenizerFormat.maxPieceBytes)")
      }
    }
    for (name, id) in [("BOS", beginning), ("the unknown token", unknown)] + ends.map({ ("an end token", $0) }) {
      guard let id, !tokens.indices.contains(id) else { continue }
      throw .badData("tokenizer: \(name) is token \(id), but there are \(tokens.count)")
    }
    guard ends.count <= TokenizerFormat.maxEnds else {
      throw .unsupported("tokenizer: \(ends.count) end tokens are more than \(TokenizerFormat.maxEnds)")
    }
    guard !addsBeginning || beginning != nil else {
      throw .badData("tokenizer: texts begin with BOS, but there is none")
    }
  }

  /// Merges named by texts, as files have them, in the order of their rank.
  mutating func setMerges(_ pairs: [(left: [UInt8], right: [UInt8])]) throws(ConversionError) {
    let known = try searchedIDs()
    var ids: [(left: Int, right: Int, merged: Int)] = []
    ids.reserveCapacity(pairs.count)
    for (rank, pair) in pairs.enumerated() {
      func id(_ text: [UInt8]) throws(ConversionError) -> Int {
        guard let id = known[text] else {
          throw .badData(
            "tokenizer: merge \(rank) is about \"\(printable(String(decoding: text, as: UTF8.self)))\", "
              + "which is no token")
        }
        return id
      }
      ids.append((try id(pair.left), try id(pair.right), try id(pair.left + pair.right)))
    }
    try setMerges(ids: ids)
  }

  mutating func setMerges(ids: [(left: Int, right: Int, merged: Int)]) throws(ConversionError) {
    var seen: Set<UInt64> = []
    seen.reserveCapacity(ids.count)
    merges = []
    merges.reserveCapacity(ids.count)
    for (rank, merge) in ids.enumerated() {
      guard seen.insert(UInt64(merge.left) << 32 | UInt64(merge.right)).inserted else {
        throw .badData("tokenizer: merge \(rank) is there twice")
      }
      merges.append(Merge(left: Int32(merge.left), right: Int32(merge.right), merged: Int32(merge.merged)))
    }
  }

  /// The searched tokens by their texts.
  func searchedIDs() throws(ConversionError) -> [[UInt8]: Int] {
    var ids: [[UInt8]: Int] = [:]
    ids.reserveCapacity(tokens.count)
    for (id, token) in tokens.enumerated() where token.isSearched && !token.text.isEmpty {
      if let other = ids.updateValue(id, forKey: token.text) {
        throw .badData(
          "tokenizer: tokens \(other) and \(id) are both "
            + "\"\(printable(String(decoding: token.text, as: UTF8.self)))\"")
      }
    }
    return ids
  }
}
