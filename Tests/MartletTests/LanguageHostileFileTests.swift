import CMartletKernels
import Foundation
import MartletTestSupport
import Testing

@testable import Martlet

/// Any bytes at all give a language model or a typed error, and a model that loads reads texts and runs: never a trap.
@Suite struct LanguageHostileFileTests {
  private static let file = TestLanguageModel.smallest().file()
  private static let bytePairs = TestLanguageModel.llama().file()
  private static let isExhaustive = ProcessInfo.processInfo.environment["MARTLET_EXHAUSTIVE"] != nil

  private enum Outcome: Equatable { case model, refused(ModelError.Place) }

  /// Loads as a command does, tokenizes, and writes two tokens where that is not too much work.
  ///
  /// - Parameter change: what happens to the file once it is loaded.
  private static func load(_ bytes: UnsafeRawBufferPointer, change: () -> Void = {}) -> Outcome {
    do throws(ModelError) {
      let description = try LanguageDescription(file: bytes)
      var options = GeneratorOptions()
      options.language.contextLength = min(32, Int(description.record.contextLength))
      options.textBytes = 64
      let budget = try TextGenerator.budget(of: bytes, options: options)
      guard budget.arenaBytes <= 16 << 20 else { return .model }
      let region = TestMemory(budget.arenaBytes)
      var sampling = SamplingOptions()
      sampling.temperature = 1
      var generator = try TextGenerator(
        file: bytes, region: region.bytes, options: options, sampling: sampling, isa: martlet_best_isa())
      change()
      write(&generator)
      precondition(region.isIntact)
      return .model
    } catch {
      return .refused(error.place)
    }
  }

  private static func write(_ generator: inout TextGenerator) {
    let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    let text: StaticString = "<s>abc aé\n \u{FFFF}cabab</s>"
    let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    do throws(LanguageError) {
      for parsesSpecial in [false, true] {
        generator.rewind(to: 0)
        _ = try generator.append(bytes, parsesSpecial: parsesSpecial, isStart: true, on: team)
      }
      for _ in 0..<2 {
        guard let token = try generator.next(on: team) else { break }
        _ = generator.tokenizer?.bytes(of: token, special: false)
      }
    } catch {}
  }

  private static func withCopy<R>(_ file: [UInt8] = file, _ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    let copy = TestMemory(copying: file)
    return body(copy.bytes)
  }

  /// Where everything but the weights lies.
  private static func tables(_ file: [UInt8] = file) -> [Range<Int>] {
    let kinds: [SectionKind] = [.manifest, .language, .tokenizer, .chat, .provenance]
    return [TestFile.head(of: file)] + kinds.compactMap { TestFile.section($0, in: file) }
  }

  @Test func wholeFilesAreModels() {
    for file in [Self.file, Self.bytePairs] {
      #expect(Self.withCopy(file) { Self.load(UnsafeRawBufferPointer($0)) } == .model)
    }
  }

  @Test func truncationIsRefused() {
    let step = Self.isExhaustive ? 1 : 7
    let models = Self.withCopy { copy in
      stride(from: 0, to: Self.file.count, by: step).filter { length in
        let cut = UnsafeMutableRawBufferPointer(rebasing: copy[0..<length])
        let outcome = Self.load(UnsafeRawBufferPointer(cut))
        return outcome == .model
      }
    }
    #expect(models.isEmpty)
    // With the hashes made right again, the section table is what is left to notice it.
    for length in stride(from: 1, to: Self.file.count, by: step * 9) {
      Self.withCopy { copy in
        let cut = UnsafeMutableRawBufferPointer(rebasing: copy[0..<length])
        FileRepair.repairHashes(cut)
        #expect(Self.load(UnsafeRawBufferPointer(cut)) != .model)
      }
    }
  }

  /// Behind the hashes a change may well give another valid model; what must not happen is a trap.
  @Test func everyChangedByteIsAModelOrRefused() {
    var counts = (models: 0, refused: 0)
    let flips: [UInt8] = Self.isExhaustive ? Array(1...255) : [0x01, 0x80, 0xFF]
    let scratch = TestMemory(copying: Self.file)
    let header = Array(Self.file[Self.tables()[0]])
    for (number, place) in Self.tables().flatMap({ $0 }).enumerated() {
      for (turn, flip) in flips.enumerated() where Self.isExhaustive || turn == number % 3 {
        scratch.bytes[place] ^= flip
        FileRepair.repairHashes(scratch.bytes)
        let outcome = Self.load(UnsafeRawBufferPointer(scratch.bytes))
        if outcome == .model { counts.models += 1 } else { counts.refused += 1 }
        scratch.bytes[place] ^= flip
        UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[..<header.count]).copyBytes(from: header)
      }
    }
    #expect(counts.models > 100)
    #expect(counts.refused > 100)
  }

  private static let recordBytes = MemoryLayout<LanguageRecord>.size
  private static let headerBytes = MemoryLayout<TokenizerHeader>.size

  // MARK: Words of records

  /// The outcome with one 32-bit word of a section changed, and the hashes made right again.
  private static func outcome(
    _ kind: SectionKind, _ changes: [Int: UInt32], in file: [UInt8] = file
  ) throws -> Outcome {
    let start = try #require(TestFile.section(kind, in: file)).lowerBound
    return withCopy(file) { copy in
      for (place, value) in changes { copy.storeBytes(of: value, toByteOffset: start + place, as: UInt32.self) }
      FileRepair.repairHashes(copy)
      return load(UnsafeRawBufferPointer(copy))
    }
  }

  private static let words: [UInt32] = [
    0, 1, 2, 3, 7, 15, 31, 33, 255, 257, 0xFFFF, 0x1_0000, 0x10_0001, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF,
    0x8000_0000, 0xFFFF_FFC0, 0xFFFF_FFFF,
  ]

  /// Every word of the shape and of the tokenizer's header, to what sizes overflow at.
  @Test func everyWordOfTheHeads() throws {
    var refused = 0
    for (kind, bytes) in [(SectionKind.language, 64), (.tokenizer, Self.headerBytes)] {
      for place in stride(from: 0, to: bytes, by: 4) {
        for word in Self.words where try Self.outcome(kind, [place: word]) != .model { refused += 1 }
      }
    }
    #expect(refused > 300)
  }

  /// Every word of every tensor's record.
  @Test func everyWordOfTheTensors() throws {
    let count = (try #require(TestFile.section(.language, in: Self.file)).count - Self.recordBytes) / 32
    #expect(count == 9)
    for place in stride(from: Self.recordBytes, to: Self.recordBytes + 32 * count, by: 4) {
      for word in Self.words {
        let outcome = try Self.outcome(.language, [place: word])
        // Other sizes, misplaced weights, something in the reserved word. Offset 0 is where weights begin.
        if word > 0x10_0000 { #expect(outcome == .refused(.language), "word \(place): \(word)") }
      }
    }
  }

  @Test func shapesThatNoModelHas() throws {
    // vocabulary, hidden, layers, heads, key-value heads, head size, feed-forward, context.
    for place in stride(from: 0, to: 32, by: 4) {
      #expect(try Self.outcome(.language, [place: 0]) == .refused(.language))
      #expect(try Self.outcome(.language, [place: .max]) == .refused(.language))
    }
    for size: UInt32 in [1, 7, 513, 514, 0x8000_0000] {
      #expect(try Self.outcome(.language, [20: size]) == .refused(.language), "head size \(size)")
    }
    // Products that would wrap around in 32 and in 64 bits.
    let huge: [Int: UInt32] = [0: 1 << 20, 4: 1 << 16, 8: 1024, 12: 1024, 16: 1024, 20: 512, 24: 1 << 18, 28: 1 << 20]
    #expect(try Self.outcome(.language, huge) == .refused(.language))
    #expect(try Self.outcome(.language, [12: 1 << 16, 20: 1 << 16]) == .refused(.language))
    #expect(try Self.outcome(.language, [12: 3, 16: 2]) == .refused(.language))
    // Norms' epsilon, scale of attention, caps, scale of the embedding.
    for place in [44, 48, 52, 56, 60] {
      for real in [Float.nan, .infinity, -1] {
        #expect(try Self.outcome(.language, [place: real.bitPattern]) == .refused(.language))
      }
    }
  }

  // MARK: Weights

  /// Weights, scales and norms are only numbers: NaN in all of them too. Rotary frequencies become angles, and are
  /// checked.
  @Test func weightsOfAnyBits() throws {
    let weights = try #require(TestFile.section(.weights, in: Self.file))
    let language = try #require(TestFile.section(.language, in: Self.file)).lowerBound
    for pattern in [0x7FC0_0000, 0xFF80_0000, 0x7F7F_FFFF, 0x8080_8080, .max] as [UInt32] {
      for keepsFrequencies in [true, false] {
        let outcome = Self.withCopy { copy in
          // The third tensor: the embedding, the final norm, then the frequencies.
          let third = language + Self.recordBytes + 64
          let record = copy.loadUnaligned(fromByteOffset: third, as: LanguageTensorRecord.self)
          let first = weights.lowerBound + Int(record.offset)
          let frequencies = first..<first + Int(record.byteCount)
          for place in stride(from: weights.lowerBound, to: weights.upperBound - 3, by: 4) {
            if keepsFrequencies && frequencies.contains(place) { continue }
            copy.storeBytes(of: pattern, toByteOffset: place, as: UInt32.self)
          }
          return Self.load(UnsafeRawBufferPointer(copy))
        }
        #expect(outcome == (keepsFrequencies ? .model : .refused(.language)), "\(pattern)")
      }
    }
  }

  // MARK: Vocabularies

  /// Tokens, hash tables, merges and lists that lead nowhere, in circles, or all to the same place: refused where no
  /// token is there. A mapped file can also come to that while it is in use, which must not trap either.
  @Test func vocabulariesThatContradictThemselves() throws {
    var refused = 0
    for file in [Self.file, Self.bytePairs] {
      let section = try #require(TestFile.section(.tokenizer, in: file))
      let header = file.withUnsafeBytes {
        $0.loadUnaligned(fromByteOffset: section.lowerBound, as: TokenizerHeader.self)
      }
      let arrays: [(offset: UInt32, bytes: Int)] = [
        (header.tokens, Int(header.tokenCount) * 12), (header.texts, Int(header.textBytes)),
        (header.tokenTable, Int(header.tokenSlots) * 4), (header.merges, Int(header.mergeCount) * 12),
        (header.mergeTable, Int(header.mergeSlots) * 4), (header.bytes, 1024),
        (header.specials, Int(header.specialCount) * 4), (header.ends, Int(header.endCount) * 4),
      ]
      for array in arrays {
        for word in [0, 1, 2, 5, header.tokenCount, header.textBytes, 0x7FFF_FFFF, .max] as [UInt32] {
          // The whole array, then every third word of it.
          for step in [4, 12] {
            for first in stride(from: 0, to: step, by: 4) {
              Self.withCopy(file) { copy in
                let start = section.lowerBound + Int(array.offset)
                for place in stride(from: start + first, to: start + array.bytes - 3, by: step) {
                  copy.storeBytes(of: word, toByteOffset: place, as: UInt32.self)
                }
                let damaged = Array(copy[section])
                FileRepair.repairHashes(copy)
                let outcome = Self.load(UnsafeRawBufferPointer(copy))
                #expect(outcome == .model || outcome == .refused(.tokenizer))
                refused += outcome == .model ? 0 : 1
                copy.copyBytes(from: file)
                let changed = Self.load(UnsafeRawBufferPointer(copy)) {
                  UnsafeMutableRawBufferPointer(rebasing: copy[section]).copyBytes(from: damaged)
                }
                #expect(changed == .model)
              }
            }
          }
        }
      }
    }
    #expect(refused > 100)
  }

  /// A vocabulary that is larger than the model's, and arrays that end behind the section.
  @Test func countsOfTheVocabulary() throws {
    for count: UInt32 in [0, 23, 1 << 20, .max] {
      #expect(try Self.outcome(.tokenizer, [8: count]) == .refused(.tokenizer), "\(count)")
    }
    let section = try #require(TestFile.section(.tokenizer, in: Self.file))
    let first = try #require(MemoryLayout<TokenizerHeader>.offset(of: \.tokens))
    for place in stride(from: first, through: first + 32, by: 4) {
      for offset in [UInt32(section.count) + 1, 0x7FFF_FFFF, .max] {
        #expect(try Self.outcome(.tokenizer, [place: offset]) == .refused(.tokenizer), "word \(place): \(offset)")
      }
    }
  }
}
