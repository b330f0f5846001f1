import CMartletKernels
import Foundation
import Martlet
import MartletTestSupport
import Testing

/// Any bytes at all give a model or a typed error: never a trap, never a read outside the file. Reads outside are what
/// the fuzzer's sanitizer sees; here every place is tried.
@Suite struct HostileFileTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  /// The shipped model, all 255 other values for each byte if asked for, else three.
  private let file: [UInt8]
  private let flips: [UInt8]

  init() throws {
    let path = HostileFileTests.root.appendingPathComponent("Models/resnet8-cifar10/resnet8-cifar10.martlet")
    file = Array(try Data(contentsOf: path))
    let isExhaustive = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] != nil
    flips = isExhaustive ? Array(1...255) : [0x01, 0x80, 0xFF]
  }

  private enum Outcome { case model, refused }

  /// Loads as a command does: measures, then binds in a region of exactly the announced size.
  private func load(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    do throws(ModelError) {
      let budget = try Engine.budget(of: bytes, threads: 1)
      guard budget.arenaBytes <= 64 << 20 else { return .model }
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: 64)
      defer { region.deallocate() }
      _ = try Engine(file: bytes, region: region, threads: 1, isa: MARTLET_ISA_SCALAR)
      return .model
    } catch {
      return .refused
    }
  }

  private func withCopy<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyBytes(from: file)
    return body(copy)
  }

  /// Where everything but the weights lies: header, section table, records, names, labels.
  private func tables() -> [Range<Int>] {
    let kinds: [SectionKind] = [.manifest, .tensors, .operators, .plan, .names, .labels, .pixels, .provenance]
    return [TestFile.head(of: file)] + kinds.compactMap { TestFile.section($0, in: file) }
  }

  @Test func wholeFileIsAModel() {
    let outcome = withCopy { load(UnsafeRawBufferPointer($0)) }
    #expect(outcome == .model)
  }

  @Test func truncationAtEveryLengthIsRefused() {
    let models = withCopy { copy in
      (0..<file.count).filter { load(UnsafeRawBufferPointer(rebasing: copy[0..<$0])) == .model }
    }
    #expect(models.isEmpty)
  }

  /// With length and hashes made right again, the section table is what is left to notice it.
  @Test func truncationBehindTheHashesIsRefused() {
    let weightsStep = 64
    let starts = tables().map(\.upperBound)
    let near = Set(starts.flatMap { ($0 - 70)...($0 + 70) })
    let models = (0..<file.count).filter { $0 % weightsStep == 0 || near.contains($0) }.filter { length in
      withCopy { copy in
        let cut = UnsafeMutableRawBufferPointer(rebasing: copy[0..<length])
        FileRepair.repairHashes(cut)
        return load(UnsafeRawBufferPointer(cut)) == .model
      }
    }
    #expect(models.isEmpty)
  }

  @Test func everyChangedByteOfTheTablesIsNoticed() {
    let places = tables().flatMap { $0 }
    let models = withCopy { copy in
      places.filter { place in
        flips.contains { flip in
          copy[place] ^= flip
          defer { copy[place] ^= flip }
          return load(UnsafeRawBufferPointer(copy)) == .model
        }
      }
    }
    #expect(models.isEmpty)
  }

  /// Behind the hashes a change may well give another valid model; what must not happen is a trap.
  @Test func everyChangedByteBehindTheHashesIsAModelOrRefused() {
    let places = tables().flatMap { $0 }
    var refused = 0
    var models = 0
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 64)
    defer { scratch.deallocate() }
    scratch.copyBytes(from: file)
    for place in places {
      for flip in flips {
        let header = Array(scratch[0..<tables()[0].upperBound])
        scratch[place] ^= flip
        FileRepair.repairHashes(scratch)
        if load(UnsafeRawBufferPointer(scratch)) == .model { models += 1 } else { refused += 1 }
        // The repair wrote into header and section table; they go back to what they were.
        scratch[place] ^= flip
        UnsafeMutableRawBufferPointer(rebasing: scratch[0..<header.count]).copyBytes(from: header)
      }
    }
    #expect(models + refused == places.count * flips.count)
    #expect(refused > 0)
    #expect(models > 0)
  }

  /// One sentence for every other version, whatever else the file holds, and its number.
  @Test func otherVersionsAreRefused() {
    for version: UInt32 in [0, 1, 3, .max] {
      withCopy { copy in
        copy.storeBytes(of: version, toByteOffset: MemoryLayout<FileHeader>.offset(of: \.version)!, as: UInt32.self)
        for length in [file.count, 64] {
          let view = UnsafeRawBufferPointer(rebasing: copy[0..<length])
          do throws(ModelError) {
            try Engine.verify(file: view)
            Issue.record("version \(version) was accepted")
          } catch {
            #expect(error.kind == .wrongVersion && error.found == Int64(version) && error.expected == 2)
          }
        }
      }
    }
  }

  /// What a later format may put there must not go unnoticed.
  @Test func reservedFieldsAreZero() throws {
    let tensors = try #require(TestFile.section(.tensors, in: file)).lowerBound
    let section = MemoryLayout<FileHeader>.size + MemoryLayout<SectionRecord>.offset(of: \.reserved)!
    let places = [
      section, tensors + MemoryLayout<TensorRecord>.offset(of: \.reserved0)!,
    ]
    for place in places {
      withCopy { copy in
        copy[place] = 1
        FileRepair.repairHashes(copy)
        #expect(load(UnsafeRawBufferPointer(copy)) == .refused, "byte \(place)")
      }
    }
  }

  @Test func arenasThatDoNotFitAreRefused() throws {
    try withCopyThrowing { view in
      let need = try Engine.budget(of: view, threads: 1).arenaBytes
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: need + 64, alignment: 64)
      defer { region.deallocate() }
      let small = UnsafeMutableRawBufferPointer(rebasing: region[0..<need - 1])
      let crooked = UnsafeMutableRawBufferPointer(rebasing: region[8..<need + 8])
      #expect(throws: ModelError.self) { try Engine(file: view, region: small, threads: 1, isa: MARTLET_ISA_SCALAR) }
      #expect(throws: ModelError.self) { try Engine(file: view, region: crooked, threads: 1, isa: MARTLET_ISA_SCALAR) }
    }
  }

  private func withCopyThrowing(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyBytes(from: file)
    try body(UnsafeRawBufferPointer(copy))
  }
}
