/// ggml's block layouts to float32, with the bits of its reference: each product and sum rounded on its own.
enum GGUFDequantization {
  /// `count` values, in whole blocks, of a type that has a layout.
  static func values(_ source: UnsafeRawBufferPointer, type: GGUFType, count: Int) -> [Float] {
    guard let layout = type.layout, let start = source.baseAddress else { return [] }
    let blocks = min(count / layout.elements, source.count / layout.bytes)
    return [Float](unsafeUninitializedCapacity: blocks * layout.elements) { buffer, filled in
      filled = blocks * layout.elements
      guard let output = buffer.baseAddress else { return }
      func forEach(_ dequantize: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void) {
        for block in 0..<blocks { dequantize(start + block * layout.bytes, output + block * layout.elements) }
      }
      switch type {
      case .f32: forEach { $1[0] = $0.loadUnaligned(as: Float.self) }
      case .f16: forEach { $1[0] = half($0, 0) }
      case .bf16: forEach { $1[0] = Float(bitPattern: UInt32($0.loadUnaligned(as: UInt16.self)) << 16) }
      case .q8_0: forEach(q8_0)
      case .q4_0: forEach(q4_0)
      case .q4_1: forEach(q4_1)
      case .q5_0: forEach(q5_0)
      case .q5_1: forEach(q5_1)
      case .q4_K: forEach(q4_K)
      case .q5_K: forEach(q5_K)
      case .q6_K: forEach(q6_K)
      default: filled = 0
      }
    }
  }

  static func half(_ block: UnsafeRawPointer, _ offset: Int) -> Float {
    Float(Float16(bitPattern: block.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }

  static func byte(_ block: UnsafeRawPointer, _ offset: Int) -> Int {
    Int(block.load(fromByteOffset: offset, as: UInt8.self))
  }

  /// A float16 scale, 32 signed bytes.
  private static func q8_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = half(block, 0)
    for i in 0..<32 { output[i] = Float(block.load(fromByteOffset: 2 + i, as: Int8.self)) * scale }
  }

  /// A float16 scale, 16 bytes: value i in the low half of byte i, value i + 16 in the high half, both less 8.
  private static func q4_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = half(block, 0)
    for i in 0..<16 {
      let pair = byte(block, 2 + i)
      output[i] = scale * Float((pair & 15) - 8)
      output[i + 16] = scale * Float((pair >> 4) - 8)
    }
  }

  /// Scale and minimum in float16, then as Q4_0 without the 8.
  private static func q4_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (half(block, 0), half(block, 2))
    for i in 0..<16 {
      let pair = byte(block, 4 + i)
      output[i] = scale * Float(pair & 15) + minimum
      output[i + 16] = scale * Float(pair >> 4) + minimum
    }
  }

  /// A float16 scale, 32 fifth bits, then as Q4_0, less 16.
  private static func q5_0(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let scale = half(block, 0)
    let fifth = Int(block.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
    for i in 0..<16 {
      let pair = byte(block, 6 + i)
      output[i] = scale * Float((pair & 15 | (fifth >> i & 1) << 4) - 16)
      output[i + 16] = scale * Float((pair >> 4 | (fifth >> (i + 16) & 1) << 4) - 16)
    }
  }

  /// Scale and minimum in float16, 32 fifth bits, then as Q4_0 without the 8.
  private static func q5_1(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let (scale, minimum) = (half(block, 0), half(block, 2))
    let fifth = Int(block.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    for i in 0..<16 {
      let pair = byte(block, 8 + i)
      output[i] = scale * Float(pair & 15 | (fifth >> i & 1) << 4) + minimum
      output[i + 16] = scale * Float(pair >> 4 | (fifth >> (i + 16) & 1) << 4) + minimum
    }
  }
}
