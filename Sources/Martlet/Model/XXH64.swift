/// XXH64 by Yann Collet, from its published specification: a fast hash that finds accidents, not attackers.
public enum XXH64 {
  private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

  public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var at = 0
    var h: UInt64
    if bytes.count >= 32 {
      var a = seed &+ p1 &+ p2
      var b = seed &+ p2
      var c = seed
      var d = seed &- p1
      while at <= bytes.count - 32 {
        a = round(a, word(bytes, at))
        b = round(b, word(bytes, at + 8))
        c = round(c, word(bytes, at + 16))
        d = round(d, word(bytes, at + 24))
        at += 32
      }
      h = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
      h = merge(merge(merge(merge(h, a), b), c), d)
    } else {
      h = seed &+ p5
    }
    h = h &+ UInt64(bytes.count)
    while at + 8 <= bytes.count {
      h = rotate(h ^ round(0, word(bytes, at)), 27) &* p1 &+ p4
      at += 8
    }
    if at + 4 <= bytes.count {
      let half = UInt64(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      h = rotate(h ^ (half &* p1), 23) &* p2 &+ p3
      at += 4
    }
    while at < bytes.count {
      h = rotate(h ^ (UInt64(bytes[at]) &* p5), 11) &* p1
      at += 1
    }
    h = (h ^ (h >> 33)) &* p2
    h = (h ^ (h >> 29)) &* p3
    return h ^ (h >> 32)
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
  }
  private static func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 { (x << by) | (x >> (64 - by)) }
  private static func round(_ sum: UInt64, _ word: UInt64) -> UInt64 { rotate(sum &+ word &* p2, 31) &* p1 }
  private static func merge(_ h: UInt64, _ lane: UInt64) -> UInt64 { (h ^ round(0, lane)) &* p1 &+ p4 }
}
