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
        let largest = values.map(\.magnitude).max() ?? 0
        // Half a step of the coarsest group, and of four bits a whole one: their scale is the one with the least error.
        let steps: Float = weights.held(as: kind) == .int8 ? 126 : 3.5
        let tolerance = weights == .f32 ? 0 : 0.5 * largest / steps
        var row = [Float](repeating: 0, count: columns)
        for index in 0..<Int(record.rows) {
          martlet_matrix_row(&matrix, Int32(index), &row)
          let expected = values[(index * columns)..<(index + 1) * columns]
          #expect(zip(row, expected).allSatisfy { ($0 - $1).magnitude <= tolerance }, "\(kind), row \(index)")
        }
      }
      #expect(matrices == 1 + 2 * 3)
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
