import CMartletKernels

/// A text and its cache as bytes: the ids, then for each layer and each head keys, values and their scales, in whole
/// blocks of 16 positions and in the order of positions. The same text gives the same bytes, whatever the context, the
/// batch and the way by which it came to be.
extension LanguageEngine {
  /// Hands over the pieces of memory that a saved text of `count` tokens, of which `cached` are in the cache, consists
  /// of, and of how many bytes a piece's blocks are. A ring may have two pieces where the file has one run of blocks.
  private func forEachPiece<Failure: Error>(
    count: Int, cached: Int, _ body: (_ piece: UnsafeMutableRawBufferPointer, _ block: Int) throws(Failure) -> Void
  ) throws(Failure) {
    try body(UnsafeMutableRawBufferPointer(start: layout.tokens, count: count * 4), max(count * 4, 1))
    for layer in 0..<Int(record.layerCount) {
      let cache = layout.cache(layer: layer, record)
      let positions = heldPositions(layer, cached)
      let headBytes = Int(martlet_cache_head_bytes(cache.head_size, cache.capacity, cache.type))
      for head in 0..<Int(cache.heads) {
        try forEachRun(cache.keys + head * headBytes, headBytes, positions, cache, body)
        try forEachRun(cache.values + head * headBytes, headBytes, positions, cache, body)
        try forEachScales(cache.key_scales, head, positions, cache, body)
        try forEachScales(cache.value_scales, head, positions, cache, body)
      }
    }
  }

  private func forEachScales<Failure: Error>(
    _ scales: UnsafeMutablePointer<UInt16>?, _ head: Int, _ positions: Range<Int>, _ cache: martlet_cache,
    _ body: (_ piece: UnsafeMutableRawBufferPointer, _ block: Int) throws(Failure) -> Void
  ) throws(Failure) {
    guard let scales else { return }
    let groups = Int(martlet_cache_groups(cache.head_size))
    for group in 0..<groups {
      let start = UnsafeMutableRawPointer(scales + (head * groups + group) * Int(cache.capacity))
      try forEachRun(start, Int(cache.capacity) * 2, positions, cache, body)
    }
  }

  /// Positions of a layer that a saved cache holds.
  private func heldPositions(_ layer: Int, _ cached: Int) -> Range<Int> {
    (record.isWindowed(layer) ? content.first(before: cached) : 0)..<cached
  }

  /// The blocks of 16 slots that `positions` lie in, of `bytes` for all slots.
  private func forEachRun<Failure: Error>(
    _ start: UnsafeMutableRawPointer, _ bytes: Int, _ positions: Range<Int>, _ cache: martlet_cache,
    _ body: (_ piece: UnsafeMutableRawBufferPointer, _ block: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let slots = Int(cache.capacity) / 16
    let blockBytes = bytes / slots
    var block = positions.lowerBound / 16
    let end = (positions.upperBound + 15) / 16
    while block < end {
      let slot = block % slots
      let count = min(end - block, slots - slot)
      try body(UnsafeMutableRawBufferPointer(start: start + slot * blockBytes, count: count * blockBytes), blockBytes)
      block += count
    }
  }

  /// Hands over the text and its cache piece after piece; the header that is to stand in front of them is filled in
  /// first. Rings keep no more than what is saved.
  public mutating func save(_ header: inout SessionHeader, _ write: (UnsafeRawBufferPointer) -> Void) {
    trim()
    let cached = content.count
    header.modelHash = model.hash
    header.count = UInt32(position)
    header.cached = UInt32(cached)
    header.cacheType = layout.budget.isCacheFloat ? 0 : 1
    clearAround(cached)
    var hash = header.headHash
    forEachPiece(count: position, cached: cached) { piece, block in
      hash = SessionHeader.hash(UnsafeRawBufferPointer(piece), blocks: block, behind: hash)
    }
    header.hash = hash
    forEachPiece(count: position, cached: cached) { piece, _ in write(UnsafeRawBufferPointer(piece)) }
  }

  /// The first and the last block hold positions too that are not saved.
  private func clearAround(_ cached: Int) {
    for layer in 0..<Int(record.layerCount) {
      var cache = layout.cache(layer: layer, record)
      let capacity = Int(cache.capacity)
      let first = heldPositions(layer, cached).lowerBound
      let before = Int32(first % 16), slot = Int32(first % capacity), end = Int32(cached % capacity)
      if before > 0 { martlet_cache_clear(&cache, slot - before, slot) }
      if end % 16 > 0 { martlet_cache_clear(&cache, end, (end + 15) / 16 * 16) }
    }
  }

  /// Takes up a saved text, header and all; what was in this one is forgotten. After an error the text is empty.
  ///
  /// All sizes come from the engine's own layout; of the file's numbers only `count`, which the room bounds, and
  /// `cached`, which `count` bounds, take part. Keys, values and scales may be any bits: no address depends on them.
  public mutating func restore(_ bytes: UnsafeRawBufferPointer) throws(SessionError) -> SessionHeader {
    rewind(to: 0)
    let headerBytes = MemoryLayout<SessionHeader>.size
    guard bytes.count >= headerBytes else { throw .wrongMagic }
    let header = bytes.loadUnaligned(as: SessionHeader.self)
    guard header.magic == SessionHeader.magicNumber else { throw .wrongMagic }
    guard header.modelHash == model.hash, header.cacheType == (layout.budget.isCacheFloat ? 0 : 1) else {
      throw .otherModel
    }
    let count = Int(header.count)
    guard count <= room else { throw .tooLong(count, room: room) }
    guard header.cached <= header.count, header.reserved == 0 else { throw .damaged }
    let cached = Int(header.cached)
    var at = headerBytes
    var hash = header.headHash
    try forEachPiece(count: count, cached: cached) { (piece, block) throws(SessionError) in
      guard piece.count <= bytes.count - at else { throw .damaged }
      if piece.count > 0 { piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[at..<at + piece.count])) }
      hash = SessionHeader.hash(UnsafeRawBufferPointer(piece), blocks: block, behind: hash)
      at += piece.count
    }
    guard at == bytes.count, hash == header.hash else { throw .damaged }
    let vocabulary = Int32(record.vocabularySize)
    for i in 0..<count where layout.tokens![i] < 0 || layout.tokens![i] >= vocabulary { throw .damaged }
    guard header.kept <= header.count, header.waiting >= -1, header.waiting < vocabulary else { throw .damaged }
    adopt(count, cached: cached)
    return header
  }
}
