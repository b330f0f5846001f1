/// One step through bytes that should be UTF-8.
///
/// What is not is divided as the Unicode standard recommends (section 3.9, "maximal subparts") and as Python's
/// `errors="replace"` does: each longest beginning of a sequence that could have become valid is one replacement.
struct UTF8Scalar {
  static let replacement: UInt32 = 0xFFFD

  /// The character, or U+FFFD.
  var code: UInt32
  /// Bytes that it took, at least 1.
  var length: Int
  var isValid: Bool
  /// The bytes ended before it was clear whether it is valid.
  var isCut = false

  /// - Parameter count: bytes from `bytes` on, at least 1.
  @inline(__always)
  init(_ bytes: UnsafePointer<UInt8>, count: Int) {
    let first = bytes[0]
    if first < 0x80 {
      self.init(code: UInt32(first), length: 1, isValid: true)
    } else {
      self.init(lead: first, bytes, count: count)
    }
  }

  private init(code: UInt32, length: Int, isValid: Bool) {
    self.code = code
    self.length = length
    self.isValid = isValid
  }

  @inline(never)
  private init(lead: UInt8, _ bytes: UnsafePointer<UInt8>, count: Int) {
    self.init(code: UTF8Scalar.replacement, length: 1, isValid: false)
    // The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    let more: Int
    var bits: UInt32
    switch lead {
    case 0xC2...0xDF: (more, bits) = (1, UInt32(lead & 0x1F))
    case 0xE0...0xEF:
      (more, bits) = (2, UInt32(lead & 0x0F))
      if lead == 0xE0 { low = 0xA0 }
      if lead == 0xED { high = 0x9F }
    case 0xF0...0xF4:
      (more, bits) = (3, UInt32(lead & 0x07))
      if lead == 0xF0 { low = 0x90 }
      if lead == 0xF4 { high = 0x8F }
    default: return
    }
    for index in 1...more {
      length = index
      guard index < count else {
        isCut = true
        return
      }
      guard bytes[index] >= low, bytes[index] <= high else { return }
      bits = bits << 6 | UInt32(bytes[index] & 0x3F)
      low = 0x80
      high = 0xBF
    }
    code = bits
    length = more + 1
    isValid = true
  }

  /// Writes a character's bytes, 1...4 of them; returns how many.
  static func write(_ code: UInt32, to bytes: UnsafeMutablePointer<UInt8>) -> Int {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | (code >> shift & 0x3F)) }
    if code < 0x80 {
      bytes[0] = UInt8(truncatingIfNeeded: code)
      return 1
    }
    if code < 0x800 {
      bytes[0] = UInt8(truncatingIfNeeded: 0xC0 | code >> 6)
      bytes[1] = tail(0)
      return 2
    }
    if code < 0x10000 {
      bytes[0] = UInt8(truncatingIfNeeded: 0xE0 | code >> 12)
      bytes[1] = tail(6)
      bytes[2] = tail(0)
      return 3
    }
    bytes[0] = UInt8(truncatingIfNeeded: 0xF0 | (code >> 18 & 7))
    bytes[1] = tail(12)
    bytes[2] = tail(6)
    bytes[3] = tail(0)
    return 4
  }
}
