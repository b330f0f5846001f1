import Martlet
import Testing

/// The records are the file byte for byte: their sizes and offsets are the format.
@Suite struct FormatLayoutTests {
  @Test func recordsHaveTheirDocumentedSizes() {
    #expect(MemoryLayout<FileHeader>.size == 64)
    #expect(MemoryLayout<SectionRecord>.size == 32)
    #expect(MemoryLayout<BoundaryRecord>.size == 16)
    #expect(MemoryLayout<ManifestRecord>.size == 304)
    #expect(MemoryLayout<PlanRecord>.size == 16)
    #expect(MemoryLayout<TensorRecord>.size == 64)
    #expect(MemoryLayout<OperatorRecord>.size == 160)
  }

  @Test func fieldsLieWhereTheFileHasThem() {
    #expect(MemoryLayout<FileHeader>.offset(of: \.fileLength) == 16)
    #expect(MemoryLayout<FileHeader>.offset(of: \.tableHash) == 24)
    #expect(MemoryLayout<SectionRecord>.offset(of: \.hash) == 24)
    #expect(MemoryLayout<ManifestRecord>.offset(of: \.inputs) == 48)
    #expect(MemoryLayout<ManifestRecord>.offset(of: \.outputs) == 176)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.dims) == 4)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.offset) == 40)
    #expect(MemoryLayout<TensorRecord>.offset(of: \.nameOffset) == 56)
    #expect(MemoryLayout<OperatorRecord>.offset(of: \.parameters) == 24)
  }
}
