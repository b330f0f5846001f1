/// 80 bytes at the start of a saved text; the tokens' ids and the cache's pieces follow.
public struct SessionHeader: BitwiseCopyable {
  /// "MARTKVC" and the version 2, read as a little-endian integer.
  public static let magicNumber: UInt64 = 0x0243_564B_5452_414D
  public var magic: UInt64 = SessionHeader.magicNumber
  /// The hash of the model file's section table: a cache is of use to the very same model only, and not to one that was
  /// converted again for another version of the format.
  public var modelHash: UInt64 = 0
  /// Tokens of the text.
  public var count: UInt32 = 0
  /// 0: float32; 1: int8.
  public var cacheType: UInt32 = 0
  /// XXH64 of the header with 0 in this place, then of the ids, then of every block of 16 positions of keys, values and
  /// scales, each seeded with the hash so far.
  public var hash: UInt64 = 0
  /// The sampler's generator, so that drawing goes on where it stopped.
  public var generator: InlineArray<4, UInt64> = InlineArray(repeating: 0)
  /// Tokens at the beginning that sliding leaves where they are; at most `count`.
  public var kept: UInt32 = 0
  /// The token behind those of the text, sampled and not yet evaluated; -1: none.
  public var waiting: Int32 = -1
  /// Tokens of the text whose keys and values follow: of layers with a window, those of the last window before them.
  /// Fewer than `count` where the text was interrupted while it was evaluated again.
  public var cached: UInt32 = 0
  public var reserved: UInt32 = 0
  public init() {}

  /// What the hash begins with.
  var headHash: UInt64 {
    var head = self
    head.hash = 0
    return withUnsafeBytes(of: head) { XXH64.hash($0) }
  }

  /// Goes on with a hash over blocks of the same size that lie behind each other.
  static func hash(_ bytes: UnsafeRawBufferPointer, blocks size: Int, behind: UInt64) -> UInt64 {
    var hash = behind
    for start in stride(from: 0, to: bytes.count, by: size) {
      hash = XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]), seed: hash)
    }
    return hash
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
