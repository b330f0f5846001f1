import CMartletKernels
import Testing

@testable import MartletConvert

@Suite struct NumberTests {
  @Test(arguments: [
    (1.0, 1 << 30, 1), (0.5, 1 << 30, 0), (0.25, 1 << 30, -1), (0.1, 1_717_986_918, -3),
    (0.99999999999, 1 << 30, 1), (1e-12, 0, 0), (0.0, 0, 0), (3.0, 1_610_612_736, 2),
  ])
  func multipliers(real: Double, multiplier: Int, shift: Int) {
    let found = QuantizedMultiplier(real)
    #expect(Int(found.multiplier) == multiplier && Int(found.shift) == shift)
  }

  @Test func rescaleRoundsTwice() {
    let half = QuantizedMultiplier(0.25)
    #expect(half.rescale(2) == 1)
    #expect(half.rescale(-2) == -1)
    #expect(half.rescale(1) == 1)  // 0.5 becomes 1 in the first rounding, 0.5 again, 1
    #expect(QuantizedMultiplier(4).rescale(100) == 400)
    for value: Int32 in [-1_000_000, -12_345, -1, 0, 1, 77, 1_000_000] {
      #expect(abs(Double(QuantizedMultiplier(0.0037).rescale(value)) - Double(value) * 0.0037) <= 1)
    }
  }

  @Test func roundingDivision() {
    #expect(FixedPoint.roundingDivide(Int32(5), byPowerOf2: 1) == 3)
    #expect(FixedPoint.roundingDivide(Int32(-5), byPowerOf2: 1) == -3)
    #expect(FixedPoint.roundingDivide(Int32(-4), byPowerOf2: 3) == -1)
    #expect(FixedPoint.roundingDivide(Int32.min, byPowerOf2: 31) == -1)
    #expect(FixedPoint.roundingDivide(Int16(7), byPowerOf2: 0) == 7)
    #expect(FixedPoint.doublingHighMultiply(Int32.min, Int32.min) == Int32.max)
    #expect(FixedPoint.doublingHighMultiply(Int16.min, Int16.min) == Int16.max)
  }

  @Test func tables() throws {
    let same = (scale: Float(0.1), zeroPoint: Int32(-3))
    #expect(try Tables.bytes(.requantize, input: same, output: same) == (0..<256).map { UInt8($0) ^ 0x80 })
    let relu = try Tables.bytes(.relu, input: same, output: same).map { Int8(bitPattern: $0) }
    #expect(relu[0] == -3 && relu[125] == -3 && relu[126] == -2 && relu[255] == 127)
    let logistic = try Tables.bytes(
      .logistic, input: (scale: 0.05, zeroPoint: 0), output: (scale: 1 / 256, zeroPoint: -128)
    ).map { Int8(bitPattern: $0) }
    #expect(logistic[128] == 0 && zip(logistic, logistic.dropFirst()).allSatisfy { $0 <= $1 })
    let swish = try Tables.bytes(.hardSwish, input: same, output: same).map { Int8(bitPattern: $0) }
    #expect(swish[125] == -3)
    #expect(Tables.bounds(.relu6, scale: 0.1, zeroPoint: -3) == -3...57)
    #expect(Tables.bounds(.tanh, scale: 0.1, zeroPoint: -3) == nil)
  }

  @Test func hostileScalesGiveTables() throws {
    let scales: [Float] = [.leastNonzeroMagnitude, 1e-30, 1, 1e30, .greatestFiniteMagnitude]
    let functions: [UnaryFunction] = [
      .logistic, .tanh, .hardSwish, .relu, .reluN1To1, .relu6, .leakyRelu(alpha: -1e30), .requantize,
    ]
    for input in scales {
      for output in scales {
        for function in functions {
          let table = try? Tables.bytes(function, input: (input, -128), output: (output, 127))
          #expect(table == nil || table?.count == 256)
        }
      }
    }
  }

  @Test func sha256() {
    #expect(
      SHA256.hexDigest(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexDigest(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hexDigest(of: Array(repeating: 0x61, count: 1000))
        == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
  }

  @Test func stridesJoin() {
    let joined = StridedView.coalesced([1, 8, 1, 4, 3], [[96, 12, 12, 3, 1], [96, 12, 12, 3, 1]])
    #expect(joined.shape == [96] && joined.strides == [[1], [1]])
    let transposed = StridedView.coalesced([4, 8, 3], [[3, 12, 1], [24, 3, 1]])
    #expect(transposed.shape == [4, 8, 3])
    #expect(StridedView.broadcast([3], to: [2, 4, 3]).strides == [0, 0, 1])
  }
}
