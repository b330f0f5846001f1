import CMartletKernels
import Martlet
import MartletTestSupport
import Testing

@testable import MartletConvert

/// A converted file holds its source's weights, in the layout that the kernels read.
@Suite struct LanguageConverterTests {
  @Test(arguments: LanguageWeights.allCases) func weightsAreThoseOfTheSource(_ weights: LanguageWeights) throws {
    let source = SyntheticLanguageModel.llama()
    let file = try source.file(weights)
    let section = try #require(TestFile.section(.language, in: file)).lowerBound
    let start = try #require(TestFile.section(.weights, in: file)).lowerBound
    try file.withUnsafeBytes { bytes in
      var order = LanguageTensorOrder(bytes.loadUnaligned(fromByteOffset: section, as: LanguageRecord.self))
      var place = section + MemoryLayout<LanguageRecord>.size
      var matrices = 0
      while let (kind, layer) = order.next() {
        let record = bytes.loadUnaligned(fromByteOffset: place, as: LanguageTensorRecord.self)
        place += MemoryLayout<LanguageTensorRecord>.size
        guard let tensor = Self.tensor(kind, layer) else { continue }
        matrices += 1
        let first = bytes.baseAddress! + start + Int(record.offset)
        var matrix = martlet_matrix(
          weights: first.assumingMemoryBound(to: UInt8.self), rows: Int32(record.rows), columns: Int32(record.columns),
          type: Int32(record.type))
        let columns = Int(record.columns)
        let values = try source.values(tensor)
        let held = weights.held(as: kind)
        var row = [Float](repeating: 0, count: columns)
        for index in 0..<Int(record.rows) {
          martlet_matrix_row(&matrix, Int32(index), &row)
          let expected = Array(values[(index * columns)..<(index + 1) * columns])
          #expect(Self.isClose(row, expected, held), "\(kind), row \(index)")
        }
      }
      #expect(matrices == 1 + 2 * 3)
    }
  }

  /// Whether a row is as near to its source as its form allows.
  private static func isClose(_ row: [Float], _ expected: [Float], _ weights: LanguageWeights) -> Bool {
    let errors = zip(row, expected).map { ($0 - $1).magnitude }
    switch weights {
    case .f32: return row == expected
    case .int8:
      // Half a step of 127, which a bfloat16 makes up to a 127th longer.
      return errors.max()! <= 0.5 * expected.map(\.magnitude).max()! / 126
    case .int4:
      // Its error is the least of those tried, one of which has steps of range / 15: with a weight's share of v^2 + m
      // (m: the mean of v^2) in the sum, its rms is at most sqrt(2) times half a step. Multipliers are rounded to a
      // 255th of the largest: 15 steps change by less than 15 / 2 / 250 of one; floors by less than a 500th of the
      // range.
      let range = max(0, expected.max()!) - min(0, expected.min()!)
      let step = range / 15
      let rms = (errors.reduce(0) { $0 + $1 * $1 } / Float(errors.count)).squareRoot()
      return rms <= 0.7072 * step + 0.03 * step + 0.03 * step
    }
  }

  /// Those that are one tensor in the source too.
  private static func tensor(_ kind: LanguageTensorKind, _ layer: Int) -> LanguageTensor? {
    switch kind {
    case .embedding: .embedding
    case .attentionOutput: .layer(layer, .attentionOutput)
    case .down: .layer(layer, .down)
    default: nil
    }
  }
}
