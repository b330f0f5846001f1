/// The "K" layouts: 256 values in a block, whose sub-blocks have small integer scales of their own.
extension GGUFDequantization {
  /// Scale and minimum of sub-block `j` of 8, six bits each, packed in 12 bytes: the low six bits of bytes 0-3 and 4-7
  /// are those of the first four; the second four have their low halves in bytes 8-11, their upper two bits in the
  /// upper two of bytes 0-3 and 4-7.
  private static func scaleAndMinimum(_ packed: UnsafeRawPointer, _ j: Int) -> (scale: Float, minimum: Float) {
    if j < 4 { return (Float(byte(packed, j) & 63), Float(byte(packed, j + 4) & 63)) }
    let low = byte(packed, j + 4)
    return (
      Float(low & 15 | (byte(packed, j - 4) >> 6) << 4),
      Float(low >> 4 | (byte(packed, j) >> 6) << 4)
    )
  }

  /// Float16 scale of scales and of minima, 12 bytes of these, 128 bytes: 32 of them hold two sub-blocks, the earlier
  /// one in the low halves.
  static func q4_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let (d, dmin) = (half(block, 0), half(block, 2))
    for j in 0..<8 {
      let (scale, minimum) = scaleAndMinimum(block + 4, j)
      let (factor, offset) = (d * scale, dmin * minimum)
      for i in 0..<32 {
        let quant = byte(block, 16 + j / 2 * 32 + i) >> (j % 2 * 4) & 15
        output[j * 32 + i] = factor * Float(quant) - offset
      }
    }
  }

  /// As Q4_K, with 32 bytes of fifth bits before the 128: bit j of byte i is that of value i of sub-block j.
  static func q5_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let (d, dmin) = (half(block, 0), half(block, 2))
    for j in 0..<8 {
      let (scale, minimum) = scaleAndMinimum(block + 4, j)
      let (factor, offset) = (d * scale, dmin * minimum)
      for i in 0..<32 {
        let low = byte(block, 48 + j / 2 * 32 + i) >> (j % 2 * 4) & 15
        let quant = low | (byte(block, 16 + i) >> j & 1) << 4
        output[j * 32 + i] = factor * Float(quant) - offset
      }
    }
  }

  /// 128 bytes of low halves, 64 bytes of upper two bits, 16 signed scales, a float16 scale of scales; less 32.
  ///
  /// Each half of the block is four rows of 32: rows 0 and 2 in the low and high halves of the first 32 bytes, 1 and 3
  /// of the second 32; row r has its upper bits at 2r of 32 bytes.
  static func q6_K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(block, 208)
    for row in 0..<8 {
      let (part, r) = (row / 4, row % 4)
      for i in 0..<32 {
        let low = byte(block, part * 64 + r % 2 * 32 + i) >> (r / 2 * 4) & 15
        let high = byte(block, 128 + part * 32 + i) >> (r * 2) & 3
        let scale = Float(block.load(fromByteOffset: 192 + row * 2 + i / 16, as: Int8.self))
        output[row * 32 + i] = d * scale * Float((low | high << 4) - 32)
      }
    }
  }
}
