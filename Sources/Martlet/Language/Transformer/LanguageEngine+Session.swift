import CMartletKernels

/// 72 bytes at the start of a saved text; the tokens' ids and the cache's pieces follow.
public struct SessionHeader: BitwiseCopyable {
  /// "MARTKVC" and the version 1, read as a little-endian integer.
  public static let magicNumber: UInt64 = 0x0143_564B_5452_414D
  public var magic: UInt64 = SessionHeader.magicNumber
  /// The hash of the model file's section table: a cache is of use to the very same model only, and not to one that was
  /// converted again for another version of the format.
  public var modelHash: UInt64 = 0
  /// Tokens in the cache.
  public var count: UInt32 = 0
  /// 0: float32; 1: int8.
  public var cacheType: UInt32 = 0
  /// XXH64 of the header with 0 in this place, then of everything behind it, piece after piece, each seeded with the
  /// hash so far.
  public var hash: UInt64 = 0
  /// The sampler's generator, so that drawing goes on where it stopped.
  public var generator: InlineArray<4, UInt64> = InlineArray(repeating: 0)
  /// Tokens at the beginning that sliding leaves where they are; at most `count`.
  public var kept: UInt32 = 0
  /// The token behind those of the cache, sampled and not yet evaluated; -1: none.
  public var waiting: Int32 = -1
  public init() {}

  /// What the hash begins with.
  var headHash: UInt64 {
    var head = self
    head.hash = 0
    return withUnsafeBytes(of: head) { XXH64.hash($0) }
  }
}

/// Why a saved KV cache cannot be taken up.
public enum SessionError: Error, Equatable {
  /// Not a saved cache.
  case wrongMagic
  /// Of another model, or with keys and values of another type.
  case otherModel
  /// More tokens than this context has room for. Tokens, room.
  case tooLong(Int, room: Int)
  /// Cut off, or its bytes are not those that were written.
  case damaged
}

extension LanguageEngine {
  /// The pieces of the cache that hold the first `count` positions, in the order of the file; nil behind the last. What
  /// lies in them is the same whatever room the cache has.
  private func piece(_ index: Int, count: Int) -> UnsafeMutableRawBufferPointer? {
    if index == 0 {
      return UnsafeMutableRawBufferPointer(start: layout.tokens, count: count * 4)
    }
    let heads = Int(record.keyValueHeadCount)
    let groups = layout.budget.isCacheFloat ? 0 : Int(martlet_cache_groups(Int32(record.headSize)))
    let kinds = 2 + 2 * groups
    let piece = index - 1
    let kind = piece % kinds
    let head = piece / kinds % heads
    let layer = piece / kinds / heads
    guard layer < Int(record.layerCount) else { return nil }
    let cache = layout.cache(layer: layer, record)
    let headBytes = martlet_cache_head_bytes(cache.head_size, cache.capacity, cache.type)
    let slots = (count + 15) / 16 * 16
    let bytes = headBytes / layout.capacity * slots
    switch kind {
    case 0: return UnsafeMutableRawBufferPointer(start: cache.keys! + head * headBytes, count: bytes)
    case 1: return UnsafeMutableRawBufferPointer(start: cache.values! + head * headBytes, count: bytes)
    default:
      let scales = kind < 2 + groups ? cache.key_scales! : cache.value_scales!
      let row = head * groups + (kind - 2) % groups
      return UnsafeMutableRawBufferPointer(start: scales + row * layout.capacity, count: slots * 2)
    }
  }

  /// Hands over the cache's content piece after piece; the header that is to stand in front of it is filled in first.
  public func save(_ header: inout SessionHeader, _ write: (UnsafeRawBufferPointer) -> Void) {
    header.modelHash = model.hash
    header.count = UInt32(position)
    header.cacheType = layout.budget.isCacheFloat ? 0 : 1
    clearUnusedLanes()
    header.hash = header.headHash
    var index = 0
    while let piece = piece(index, count: position) {
      header.hash = XXH64.hash(UnsafeRawBufferPointer(piece), seed: header.hash)
      index += 1
    }
    index = 0
    while let piece = piece(index, count: position) {
      write(UnsafeRawBufferPointer(piece))
      index += 1
    }
  }

  /// The last block of 16 may hold what was rewound: equal caches give equal files.
  private func clearUnusedLanes() {
    for layer in 0..<Int(record.layerCount) {
      var cache = layout.cache(layer: layer, record)
      martlet_cache_clear(&cache, Int32(position), Int32((position + 15) / 16 * 16))
    }
  }

  /// Takes up a saved cache, header and all; what was in this one is forgotten. After an error the cache is empty.
  ///
  /// All sizes come from the engine's own layout; of the file's numbers only `count` takes part, which the room bounds.
  /// Keys, values and scales may be any bits: no address depends on them.
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
    var at = headerBytes
    var hash = header.headHash
    var index = 0
    while let piece = piece(index, count: count) {
      guard piece.count <= bytes.count - at else { throw .damaged }
      if piece.count > 0 { piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[at..<at + piece.count])) }
      hash = XXH64.hash(UnsafeRawBufferPointer(piece), seed: hash)
      at += piece.count
      index += 1
    }
    guard at == bytes.count, hash == header.hash else { throw .damaged }
    let vocabulary = Int32(record.vocabularySize)
    for i in 0..<count where layout.tokens![i] < 0 || layout.tokens![i] >= vocabulary { throw .damaged }
    guard header.kept <= header.count, header.waiting >= -1, header.waiting < vocabulary else { throw .damaged }
    adopt(count)
    return header
  }
}
