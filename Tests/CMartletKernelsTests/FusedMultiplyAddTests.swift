import CMartletKernels
import Testing

/// The scalar kernels' own fused multiply-add, beside the processor's or the C library's.
@Suite struct FusedMultiplyAddTests {
  private static func check(_ a: Float, _ b: Float, _ c: Float) -> Bool {
    let found = martlet_fused(a, b, c)
    let expected = c.addingProduct(a, b)
    return found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN)
  }

  /// Any bits at all: infinities, NaNs and subnormal numbers among them.
  @Test func anyBits() {
    var random = SystemRandomNumberGenerator()
    var failed = 0
    for _ in 0..<300_000 {
      let (a, b, c) = (
        Float(bitPattern: random.next()), Float(bitPattern: random.next()), Float(bitPattern: random.next())
      )
      if !Self.check(a, b, c) { failed += 1 }
    }
    #expect(failed == 0)
  }

  /// Sums near each other, near halves and near the smallest numbers, where rounding twice would show.
  @Test func halfway() {
    var random = SystemRandomNumberGenerator()
    var failed = 0
    for _ in 0..<300_000 {
      let scale = Float(sign: .plus, exponent: Int.random(in: -80 ... -50, using: &random), significand: 1)
      let near = Int.random(in: -30...30, using: &random)
      let a = Float(Int.random(in: 1...4096, using: &random)) * scale + scale * Float(near) / 16_777_216
      let b = Float(Int.random(in: 1...4096, using: &random)) * scale
      let exponent = (a * b).exponent == Int.min ? -140 : Int((a * b).exponent)
      let shift = Int.random(in: -30...30, using: &random)
      let c = Float(
        sign: Bool.random(using: &random) ? .plus : .minus, exponent: max(-149, exponent + shift),
        significand: 1 + Float(Int.random(in: 0...8, using: &random)) / 8)
      if !Self.check(a, b, c) { failed += 1 }
    }
    #expect(failed == 0)
    // Half of the last place and a little more: rounded to double first, the little is lost.
    #expect(Self.check(1 + 0x1p-23, 1 + 0x1p-23, 0x1p-100))
    #expect(Self.check(0x1p-75 * (1 + 0x1p-23), 0x1p-75 * (1 + 0x1p-23), 0x1p-126))
  }
}
