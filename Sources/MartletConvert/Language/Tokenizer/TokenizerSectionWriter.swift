import Martlet

/// Lays out the section `tokenizer`. Equal sources give equal bytes.
struct TokenizerSectionWriter {
  private let source: TokenizerSource
  private var header = TokenizerHeader()
  private var body: [UInt8]

  init(source: TokenizerSource) {
    self.source = source
    body = Array(repeating: 0, count: MemoryLayout<TokenizerHeader>.size)
  }

  mutating func bytes() throws(ConversionError) -> [UInt8] {
    header.model = source.model.rawValue
    header.words = source.words.rawValue
    header.normalizer = source.normalizer.rawValue
    header.flags = source.flags.rawValue
    header.beginning = source.beginning.map(Int32.init) ?? TokenizerFormat.none
    header.unknown = source.unknown.map(Int32.init) ?? TokenizerFormat.none
    header.unknownScore = source.unknownScore
    try addTokens()
    try addTables()
    try addBytes()
    try addSpecials()
    header.endCount = UInt32(source.ends.count)
    header.ends = try append(source.ends.map(Int32.init))
    withUnsafeBytes(of: header) { body.replaceSubrange(0..<$0.count, with: $0) }
    return body
  }

  /// Appends an array and says where it begins.
  private mutating func append<T: BitwiseCopyable>(_ values: [T]) throws(ConversionError) -> UInt32 {
    let offset = body.count
    guard let end = UInt32(exactly: offset + values.count * MemoryLayout<T>.stride + 4) else {
      throw .unsupported("tokenizer: the vocabulary is larger than 4 GB")
    }
    _ = end
    values.withUnsafeBytes { body += $0 }
    while body.count % 4 != 0 { body.append(0) }
    return UInt32(offset)
  }

  private mutating func addTokens() throws(ConversionError) {
    var texts: [UInt8] = []
    var records: [TokenRecord] = []
    records.reserveCapacity(source.tokens.count)
    for token in source.tokens {
      var record = TokenRecord()
      guard let offset = UInt32(exactly: texts.count) else {
        throw .unsupported("tokenizer: the vocabulary is larger than 4 GB")
      }
      record.offset = offset
      record.length = UInt16(token.text.count)
      record.type = token.type.rawValue
      record.flags = token.flags.rawValue
      record.score = token.score
      texts += token.text
      records.append(record)
    }
    header.tokenCount = UInt32(records.count)
    header.tokens = try append(records)
    header.textBytes = UInt32(texts.count)
    header.texts = try append(texts)
  }

  private mutating func addTables() throws(ConversionError) {
    // Merging works on ids alone, unless whole words are looked up.
    let isNeeded = source.model != .byteLevel || source.flags.contains(.ignoresMerges)
    let ids = isNeeded ? try source.searchedIDs() : [:]
    header.longestPiece = UInt32(ids.keys.map(\.count).max() ?? 0)
    let tokenTable = try ProbeTable(
      ids.values.sorted().map { (index: $0, hash: TokenizerSectionWriter.hash(source.tokens[$0].text)) })
    let mergeTable = try ProbeTable(
      source.merges.enumerated().map {
        (index: $0.offset, hash: TokenizerFormat.slotHash(left: $0.element.left, right: $0.element.right))
      })
    header.probeLimit = UInt8(max(tokenTable.probes, mergeTable.probes))
    header.tokenSlots = UInt32(tokenTable.slots.count)
    header.tokenTable = try append(tokenTable.slots)
    header.mergeCount = UInt32(source.merges.count)
    header.merges = try append(
      source.merges.map { merge in
        var record = MergeRecord()
        (record.left, record.right, record.merged) = (merge.left, merge.right, merge.merged)
        return record
      })
    header.mergeSlots = UInt32(mergeTable.slots.count)
    header.mergeTable = try append(mergeTable.slots)
  }

  /// A byte's token: the token of one byte for byte-level BPE, else the byte token.
  private mutating func addBytes() throws(ConversionError) {
    var table = [Int32](repeating: TokenizerFormat.none, count: 256)
    let type: TokenType = source.model == .byteLevel ? .normal : .byte
    for (id, token) in source.tokens.enumerated() where token.type == type && token.text.count == 1 {
      let byte = Int(token.text[0])
      guard table[byte] < 0 else {
        throw .badData("tokenizer: tokens \(table[byte]) and \(id) are both for byte \(byte)")
      }
      table[byte] = Int32(id)
    }
    header.bytes = try append(table)
  }

  private mutating func addSpecials() throws(ConversionError) {
    let ids = source.tokens.indices.filter { source.tokens[$0].isSpecial && !source.tokens[$0].text.isEmpty }
      .sorted { source.tokens[$0].text.lexicographicallyPrecedes(source.tokens[$1].text) }
    guard ids.count <= TokenizerFormat.maxSpecials else {
      throw .unsupported("tokenizer: \(ids.count) special tokens are more than \(TokenizerFormat.maxSpecials)")
    }
    for (before, id) in zip(ids, ids.dropFirst()) where source.tokens[before].text == source.tokens[id].text {
      throw .badData(
        "tokenizer: tokens \(before) and \(id) are both "
          + "\"\(printable(String(decoding: source.tokens[id].text, as: UTF8.self)))\"")
    }
    for id in ids {
      let byte = source.tokens[id].text[0]
      header.specialStarts[Int(byte >> 5)] |= 1 << UInt32(byte & 31)
    }
    header.specialCount = UInt32(ids.count)
    header.specials = try append(ids.map { UInt32($0) })
  }

  private static func hash(_ text: [UInt8]) -> UInt32 {
    TokenizerFormat.slotHash(text.reduce(TokenizerFormat.hashStart) { TokenizerFormat.hash($0, $1) })
  }
}

/// An open-addressing table: index + 1 in the first free slot from the hash on.
struct ProbeTable {
  private(set) var slots: [UInt32] = [0]
  /// Slots that the longest search looks at.
  private(set) var probes = 1

  /// Grows until no search is long. Equal hashes, which growing does not part, are refused.
  init(_ entries: [(index: Int, hash: UInt32)]) throws(ConversionError) {
    var size = 16
    while size < entries.count * 2 { size *= 2 }
    let most = max(size * 16, 1 << 10)
    while size <= most {
      if fill(entries, size: size) { return }
      size *= 2
    }
    throw .unsupported("tokenizer: too many of its texts or merges have the same hash")
  }

  private mutating func fill(_ entries: [(index: Int, hash: UInt32)], size: Int) -> Bool {
    slots = Array(repeating: 0, count: size)
    probes = 1
    for (index, hash) in entries {
      var slot = Int(hash) & (size - 1)
      var count = 1
      while slots[slot] != 0 {
        slot = (slot + 1) & (size - 1)
        count += 1
        if count >= TokenizerFormat.maxProbes { return false }
      }
      slots[slot] = UInt32(index) + 1
      // One more, so that a text that is not there is found out by an empty slot.
      probes = max(probes, min(count + 1, TokenizerFormat.maxProbes))
    }
    return true
  }
}
