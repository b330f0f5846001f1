import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A NaN or an infinity among the weights: `verify` names the tensor, loading does not look, and the scores are the
/// same on every instruction set.
@Suite struct LanguageNotFiniteTests {
  private static let types: [LanguageTensorType] = [.blocksInt8, .blocksInt4, .blocksF32]
  private static let sets = (0..<MARTLET_ISA_COUNT.rawValue).map { martlet_isa(rawValue: $0) }
    .filter { martlet_language_for($0) != nil }

  /// The model with everything that there is, and where each of its tensors lies.
  private static func model(
    _ type: LanguageTensorType
  ) throws -> (file: [UInt8], tensors: [(kind: LanguageTensorKind, record: LanguageTensorRecord)], start: Int) {
    var source = TestLanguageModel.ornate()
    // A soft cap makes a number of a NaN.
    source.record.outputCap = 0
    let file = source.file(type)
    let language = try #require(TestFile.section(.language, in: file)).lowerBound
    let start = try #require(TestFile.section(.weights, in: file)).lowerBound
    return file.withUnsafeBytes { bytes in
      var tensors: [(LanguageTensorKind, LanguageTensorRecord)] = []
      var order = LanguageTensorOrder(bytes.loadUnaligned(fromByteOffset: language, as: LanguageRecord.self))
      while let (kind, _) = order.next() {
        let place = language + MemoryLayout<LanguageRecord>.size + 32 * tensors.count
        tensors.append((kind, bytes.loadUnaligned(fromByteOffset: place, as: LanguageTensorRecord.self)))
      }
      return (file, tensors, start)
    }
  }

  private static func scores(_ file: [UInt8], _ isa: martlet_isa) throws -> (bits: [UInt32], token: Int32?) {
    var test = try TestGenerator(file, context: 32, isa: isa)
    try test.append([1, 2, 3, 4, 5])
    let bits = test.bits
    return (bits, try test.generator.next(on: test.team))
  }

  @Test(arguments: types) func everyTensor(_ type: LanguageTensorType) throws {
    let (file, tensors, start) = try Self.model(type)
    var notNumbers = 0
    for (index, tensor) in tensors.enumerated() where tensor.kind != .frequencies && tensor.kind != .localFrequencies {
      let isQuantized =
        tensor.record.type == LanguageTensorType.blocksInt8.rawValue
        || tensor.record.type == LanguageTensorType.blocksInt4.rawValue
      for half in [0x7FC0, 0xFFC0, 0x7F80, 0xFF80] as [UInt16] {
        var damaged = file
        // The first scale, or the upper half of the first float.
        let place = start + Int(tensor.record.offset) + (isQuantized ? 0 : 2)
        damaged[place] = UInt8(truncatingIfNeeded: half)
        damaged[place + 1] = UInt8(half >> 8)
        let failure = damaged.withUnsafeMutableBytes { bytes -> ModelError? in
          FileRepair.repairHashes(bytes, weights: true)
          do throws(ModelError) { try Engine.verify(file: UnsafeRawBufferPointer(bytes)) } catch { return error }
          return nil
        }
        #expect(failure == ModelError(.notFinite, .language, index: index), "\(tensor.kind) \(half)")
        let expected = try Self.scores(damaged, MARTLET_ISA_SCALAR)
        let hasOneNaN = expected.bits.allSatisfy { !Float(bitPattern: $0).isNaN || $0 == 0x7FC0_0000 }
        #expect(hasOneNaN, "\(tensor.kind) \(half)")
        notNumbers += expected.bits.count { Float(bitPattern: $0).isNaN }
        for isa in Self.sets {
          let found = try Self.scores(damaged, isa)
          #expect(found.bits == expected.bits && found.token == expected.token, "\(tensor.kind) \(half) \(isa)")
        }
      }
    }
    #expect(notNumbers > 0)
  }

  /// What the number is, in a tensor of several blocks: the first scale of the second block, the last float.
  @Test func theirPlace() throws {
    let (file, tensors, start) = try Self.model(.blocksInt8)
    let embedding = tensors[0].record
    let blocks = (Int(embedding.rows) + 15) / 16
    var damaged = file
    damaged.replaceSubrange(
      (start + Int(embedding.offset) + Int(embedding.byteCount) / blocks)..<(start + Int(embedding.offset)
        + Int(embedding.byteCount) / blocks + 2), with: [0x80, 0x7F])
    let failure = damaged.withUnsafeMutableBytes { bytes -> ModelError? in
      FileRepair.repairHashes(bytes, weights: true)
      do throws(ModelError) { try Engine.verify(file: UnsafeRawBufferPointer(bytes)) } catch { return error }
      return nil
    }
    #expect(failure == ModelError(.notFinite, .language, index: 0, found: 16))
  }
}
