import CMartletKernels
import Testing

@testable import MartletConvert

/// Matrices in four bits, read back as the device reads them.
@Suite struct Int4RoundingTests {
  /// -1 ..< 1, the same in every run.
  private struct Random {
    var state: UInt64

    mutating func next() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / 8_388_608 - 1
    }

    mutating func values(_ count: Int, _ factor: Float = 1) -> [Float] { (0..<count).map { _ in factor * next() } }
  }

  /// [rows, columns]
  private static func decoded(_ packed: PackedMatrix, rows: Int, columns: Int) -> [Float] {
    packed.bytes.withUnsafeBufferPointer { bytes in
      var matrix = martlet_matrix(
        weights: bytes.baseAddress, rows: Int32(rows), columns: Int32(columns),
        type: Int32(MARTLET_MATRIX_INT4.rawValue))
      var row = [Float](repeating: 0, count: columns)
      return (0..<rows).flatMap { index in
        martlet_matrix_row(&matrix, Int32(index), &row)
        return row
      }
    }
  }

  private static func rounded(_ values: [Float], rows: Int, columns: Int, _ inputs: InputFactor? = nil) -> [Float] {
    decoded(
      PackedMatrix(values, rows: rows, columns: columns, weights: .int4, inputs: inputs), rows: rows, columns: columns)
  }

  /// Inputs that share most of what they say: each is a mixture of a few.
  private static func inputs(tokens: Int, columns: Int, sources: Int = 24) -> [Float] {
    var random = Random(state: 3)
    let mixture = random.values(sources * columns)
    return (0..<tokens).flatMap { _ in
      let own = random.values(sources)
      return (0..<columns).map { column in
        var sum = 0.1 * random.next()
        for source in 0..<sources { sum += own[source] * mixture[source * columns + column] }
        return sum
      }
    }
  }

  private static func factor(_ x: [Float], columns: Int, damping: Float = 0.01) throws -> InputFactor {
    let moments = InputMoments(depth: columns)
    let tokens = x.count / columns
    x.withUnsafeBufferPointer { x in
      for first in stride(from: 0, to: tokens, by: 64) {
        moments.add(x.baseAddress! + first * columns, stride: columns, tokens: min(64, tokens - first))
      }
    }
    return try #require(try moments.factor(damping: damping))
  }

  /// Sum of the squares of x (weights - found).
  private static func outputError(
    _ x: [Float], _ weights: [Float], _ found: [Float], rows: Int, columns: Int
  ) -> Double {
    var sum = 0.0
    for token in 0..<x.count / columns {
      for row in 0..<rows {
        var error: Float = 0
        for i in 0..<columns {
          let place = row * columns + i
          error += x[token * columns + i] * (weights[place] - found[place])
        }
        sum += Double(error * error)
      }
    }
    return sum
  }

  @Test func errorsOfCorrelatedInputsCancel() throws {
    let (rows, columns) = (24, 160)
    var random = Random(state: 1)
    let weights = random.values(rows * columns)
    let x = Self.inputs(tokens: 200, columns: columns)
    let plain = Self.rounded(weights, rows: rows, columns: columns)
    let fitted = Self.rounded(weights, rows: rows, columns: columns, try Self.factor(x, columns: columns))
    let errors = [plain, fitted].map { Self.outputError(x, weights, $0, rows: rows, columns: columns) }
    #expect(errors[1] * 4 < errors[0], "\(errors)")
  }

  @Test func columnsThatMatterAreKept() throws {
    let (rows, columns) = (16, 96)
    var random = Random(state: 2)
    let weights = random.values(rows * columns)
    // Independent inputs, every eighth thirty times as large.
    let x = (0..<400 * columns).map { index in random.next() * (index % columns % 8 == 0 ? 30 : 1) }
    func loss(_ found: [Float]) -> Float {
      var sum: Float = 0
      for index in 0..<rows * columns where index % columns % 8 == 0 {
        sum += (weights[index] - found[index]) * (weights[index] - found[index])
      }
      return sum
    }
    let plain = loss(Self.rounded(weights, rows: rows, columns: columns))
    let fitted = loss(Self.rounded(weights, rows: rows, columns: columns, try Self.factor(x, columns: columns)))
    #expect(fitted * 1.5 < plain, "\(fitted), \(plain)")
  }

  /// Integers 0...15 times a scale of each half group, less a floor: nothing is lost but what steps of 8 bits lose.
  @Test(arguments: [1, 5, 31, 32, 33, 63, 64, 65, 100]) func valuesOnTheGridStayThere(_ columns: Int) {
    let rows = 19
    var random = Random(state: 4)
    var values: [Float] = []
    for _ in 0..<rows {
      var (scale, floor): (Float, Float) = (0, 0)
      for column in 0..<columns {
        if column % 32 == 0 { (scale, floor) = (1.5 + random.next() / 2, 4 + 3 * random.next()) }
        let q = column % 32 == 0 ? 0 : column % 32 == 1 ? 15 : Float(Int((random.next() + 1) * 7.99))
        values.append(scale * q - floor)
      }
    }
    let found = Self.rounded(values, rows: rows, columns: columns)
    // A scale of at most 2 and a floor of at most 7, off by half a 255th of the largest, which a bfloat16 raises.
    let most = 15 * Float(2) / 500 + 7.0 / 500
    for (index, pair) in zip(found, values).enumerated() {
      #expect((pair.0 - pair.1).magnitude <= most, "row \(index / columns), column \(index % columns)")
    }
  }

  @Test func zerosAndTheSmallestAreZeros() {
    #expect(Self.rounded([Float](repeating: 0, count: 3 * 70), rows: 3, columns: 70).allSatisfy { $0 == 0 })
    #expect(Self.rounded([Float](repeating: 1e-38, count: 70), rows: 1, columns: 70).allSatisfy { $0 == 0 })
  }

  @Test(arguments: [Float(1e-25), 1, 1e25, 1e36]) func sizeDoesNotMatter(_ size: Float) throws {
    let (rows, columns) = (4, 70)
    var random = Random(state: 5)
    let values = random.values(rows * columns, size)
    let x = Self.inputs(tokens: 80, columns: columns)
    for inputs in [nil, try Self.factor(x, columns: columns)] {
      let found = Self.rounded(values, rows: rows, columns: columns, inputs)
      for (value, result) in zip(values, found) { #expect((value - result).magnitude <= 0.3 * size) }
    }
  }

  @Test func silentInputsLeavePlainRounding() throws {
    let moments = InputMoments(depth: 40)
    let zeros = [Float](repeating: 0, count: 64 * 40)
    zeros.withUnsafeBufferPointer { moments.add($0.baseAddress!, stride: 40, tokens: 64) }
    let factor = try moments.factor(damping: 0.01)
    #expect(factor.map(\.columns) == nil)
  }

  @Test func infiniteInputsAreRefused() {
    let moments = InputMoments(depth: 40)
    let large = [Float](repeating: 1e30, count: 64 * 40)
    large.withUnsafeBufferPointer { moments.add($0.baseAddress!, stride: 40, tokens: 64) }
    #expect(throws: ConversionError.self) { try moments.factor(damping: 0.01) }
  }

  @Test func bytesAreTheSameInEveryRun() throws {
    let (rows, columns) = (40, 130)
    var random = Random(state: 6)
    let weights = random.values(rows * columns)
    let x = Self.inputs(tokens: 100, columns: columns)
    let files = try (0..<3).map { _ in
      PackedMatrix(
        weights, rows: rows, columns: columns, weights: .int4, inputs: try Self.factor(x, columns: columns)
      ).bytes
    }
    #expect(files[0] == files[1] && files[1] == files[2])
  }
}
