import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A damaged file has one verdict: `verify` finds what opening for use finds, in the same words; what it passes runs.
/// Only the weights are `verify`'s alone, since opening does not read them.
@Suite struct VerdictTests {
  /// Counts, offsets and numbers that something overflows, ends or begins at.
  private static let words: [UInt32] = [
    0, 1, 2, 3, 7, 64, 255, 256, 0xFFFF, 0x1_0000, 0x3FFF_FFFF, 0x4000_0000, 0x7F80_0000, 0x7FFF_FFFF, 0x8000_0000,
    0xFFFF_FFFF,
  ]

  private static let pieces = TestLanguageModel.smallest().file()
  private static let bytePairs: [UInt8] = {
    var model = TestLanguageModel.smallest()
    model.tokenizer = .bytes()
    model.record.vocabularySize = UInt32(TestTokenizer.bytes().tokens.count)
    model.chat = ChatFormatTests.section()
    return model.file()
  }()

  // MARK: Verdicts

  private static func words(of error: ModelError) -> String {
    "\(error.kind) \(error.place) \(error.index) \(error.field) \(error.found) \(error.expected)"
  }

  private static func verdict(_ body: () throws(ModelError) -> Void) -> String? {
    do throws(ModelError) { try body() } catch { return words(of: error) }
    return nil
  }

  /// As the commands open a file for use: of what it says it is.
  private static func open(_ file: UnsafeRawBufferPointer) throws(ModelError) {
    if (try? ModelTask(file: file)) == .language { return try openLanguage(file) }
    let budget = try Engine.budget(of: file, threads: 1)
    // Its pages are touched by those who run only.
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: 64)
    defer { region.deallocate() }
    _ = try Engine(file: file, region: region, threads: 1, isa: MARTLET_ISA_SCALAR)
  }

  private static func openLanguage(_ file: UnsafeRawBufferPointer) throws(ModelError) {
    let description = try LanguageDescription(file: file)
    _ = try ChatFormat.of(file: file)
    var options = GeneratorOptions()
    options.language.contextLength = min(16, Int(description.record.contextLength))
    options.textBytes = 64
    options.constraintBytes = Constraint.workBytes(schemaBytes: 64)
    let region = TestMemory(try TextGenerator.budget(of: file, options: options).arenaBytes)
    let generator = try TextGenerator(
      file: file, region: region.bytes, options: options, sampling: SamplingOptions(), isa: MARTLET_ISA_SCALAR)
    try use(generator)
    precondition(region.isIntact)
  }

  /// What opens must read any text, and take any constraint: else something was damaged that nobody had found.
  private static func use(_ generator: consuming TextGenerator) throws(ModelError) {
    var generator = generator
    guard generator.tokenizer != nil else { return }
    let schema: StaticString = #"{"type":"string"}"#
    for text: StaticString in ["<s>abc aé\n \u{FFFF}cabab</s>", "the tetherd and", "\u{0}\u{7F}ÿ€𝄞"] {
      for parsesSpecial in [false, true] {
        do throws(LanguageError) {
          _ = try generator.encode(
            UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
            parsesSpecial: parsesSpecial, isStart: true)
        } catch {
          if error == .damagedTokenizer { throw ModelError(.changed, .tokenizer, field: "found while it was used") }
        }
      }
    }
    do throws(ConstraintError) {
      let constraint = try Constraint(
        jsonSchema: UnsafeRawBufferPointer(start: schema.utf8Start, count: schema.utf8CodeUnitCount),
        region: generator.constraintRegion)
      do throws(LanguageError) { try generator.constrain(by: constraint) } catch {
        throw ConstraintError(.badRegion, at: 0, "")
      }
    } catch {
      throw ModelError(.changed, .tokenizer, field: "found while it was constrained")
    }
  }

  /// What both say to a damaged file, which must be the same. `damage` is undone.
  private static func compare(_ copy: UnsafeMutableRawBufferPointer, _ what: @autoclosure () -> String) -> Bool {
    let view = UnsafeRawBufferPointer(copy)
    let opened = verdict { () throws(ModelError) in try open(view) }
    let verified = verdict { () throws(ModelError) in try Engine.verify(file: view) }
    // A tensor that now lies over other weights, or weights that are now packed for another shape.
    let said = verified ?? ""
    let isOfWeights = said.hasPrefix("notFinite language") || said.contains("padding of the weights")
    if opened == verified || opened == nil && isOfWeights { return true }
    Issue.record("\(what()): opening says \(opened ?? "ok"), verify says \(verified ?? "ok")")
    return false
  }

  /// Damages `file` at one place after another; gives up after the first few differences.
  private static func tryAll(_ file: [UInt8], _ name: String, _ sections: [SectionKind], step: Int) throws -> Int {
    let copy = TestMemory(copying: file)
    let header = TestFile.head(of: file).upperBound
    var differences = 0
    var count = 0
    for kind in sections {
      let section = try #require(TestFile.section(kind, in: file), "\(name) has no \(kind)")
      for place in stride(from: section.lowerBound, to: section.upperBound, by: step) where differences < 5 {
        let width = min(4, section.upperBound - place)
        let old = Array(file[place..<place + width])
        let word = words[count / 3 % words.count]
        let damages: [[UInt8]] = [
          [old[0] ^ 0xFF] + old[1...], [old[0] ^ 0x80] + old[1...],
          (0..<width).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) },
        ]
        for damage in damages where damage != old {
          copy.bytes.baseAddress!.advanced(by: place).copyMemory(from: damage, byteCount: width)
          FileRepair.repairHashes(copy.bytes)
          count += 1
          if !compare(copy.bytes, "\(name), \(kind), byte \(place - section.lowerBound): \(old) to \(damage)") {
            differences += 1
          }
          UnsafeMutableRawBufferPointer(rebasing: copy.bytes[place..<place + width]).copyBytes(from: old)
          UnsafeMutableRawBufferPointer(rebasing: copy.bytes[..<header]).copyBytes(from: file[..<header])
        }
      }
    }
    return count
  }

  @Test func ofWholeFiles() {
    for file in [shippedModel, Self.pieces, Self.bytePairs] {
      let copy = TestMemory(copying: file)
      let view = UnsafeRawBufferPointer(copy.bytes)
      #expect(Self.verdict { () throws(ModelError) in try Self.open(view) } == nil)
      #expect(Self.compare(copy.bytes, "whole"))
    }
  }

  @Test func ofDamagedLanguageModels() throws {
    var kinds: [SectionKind] = [.manifest, .language, .tokenizer, .provenance]
    #expect(try Self.tryAll(Self.pieces, "pieces", kinds, step: 1) > 4000)
    kinds.append(.chat)
    #expect(try Self.tryAll(Self.bytePairs, "byte pairs", kinds, step: 4) > 4000)
  }

  @Test func ofDamagedVisionModels() throws {
    let kinds: [SectionKind] = [.manifest, .tensors, .operators, .plan, .labels, .names, .provenance, .pixels]
    #expect(try Self.tryAll(shippedModel, "resnet8", kinds, step: 4) > 4000)
  }

  /// Cut short, and with the length and the hashes right again.
  @Test func ofFilesThatWereCut() {
    for (name, file) in [("resnet8", shippedModel), ("pieces", Self.pieces), ("byte pairs", Self.bytePairs)] {
      for length in stride(from: 0, to: file.count, by: max(file.count / 500, 1)) {
        let copy = TestMemory(copying: Array(file[..<length]))
        _ = Self.compare(copy.bytes, "\(name) cut to \(length)")
        FileRepair.repairHashes(copy.bytes)
        _ = Self.compare(copy.bytes, "\(name) cut to \(length) and repaired")
      }
    }
  }

  /// Sections of another model's kind, or with none of its own: every section in turn becomes every other kind.
  @Test func ofFilesWithOtherSections() throws {
    for (name, file) in [("resnet8", shippedModel), ("byte pairs", Self.bytePairs)] {
      for index in 0..<Int(file[12]) {
        for kind in UInt8(1)...14 {
          let copy = TestMemory(copying: file)
          copy.bytes[MemoryLayout<FileHeader>.size + 32 * index] = kind
          FileRepair.repairHashes(copy.bytes)
          _ = Self.compare(copy.bytes, "\(name), section \(index) as kind \(kind)")
        }
      }
    }
  }
}
