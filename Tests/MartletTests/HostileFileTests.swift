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
    file.withUnsafeBytes { bytes in
      let header = bytes.loadUnaligned(as: FileHeader.self)
      let tableEnd = 64 + Int(header.sectionCount) * 32
      var ranges = [0..<tableEnd]
      for place in stride(from: 64, to: tableEnd, by: 32) {
        let record = bytes.loadUnaligned(fromByteOffset: place, as: SectionRecord.self)
        guard record.kind != SectionKind.weights.rawValue else { continue }
        ranges.append(Int(record.offset)..<Int(record.offset + record.length))
      }
      return ranges
    }
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
    // Reserved fields of the header are not hashed.
    #expect(models.allSatisfy { (32..<64).contains($0) })
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
