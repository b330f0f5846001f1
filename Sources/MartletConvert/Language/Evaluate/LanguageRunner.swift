import CMartletKernels
import CMartletPlatform
import Foundation
import Martlet
import MartletDevice

/// A `.martlet` language model that runs on the workstation, by the device's own code.
public final class LanguageRunner {
  private let file: MappedFile
  private let region: UnsafeMutableRawBufferPointer
  private let teamRegion: UnsafeMutableRawPointer?
  private var engine: LanguageEngine
  private let team: Team
  private let tokenizer: Tokenizer?
  let name: String

  public init(path: String, options: LanguageOptions) throws(ConversionError) {
    let file = try MappedFile(path)
    let threads = options.threads
    do throws(ModelError) {
      let isa = InstructionSet.chosenOrBest()
      tokenizer = try LanguageDescription(file: file.bytes).tokenizer
      let budget = try LanguageEngine.budget(of: file.bytes, options: options)
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: 64)
      region.initializeMemory(as: UInt8.self, repeating: 0)
      self.region = region
      engine = try LanguageEngine(file: file.bytes, region: region, options: options, isa: isa)
    } catch {
      throw .badData("\(file.name): \(error.sentence(look: ModelFile.Look(file.bytes)))")
    }
    let bytes = threads > 1 ? Team.byteCount(threads: threads) : 0
    teamRegion = bytes > 0 ? martlet_map_memory(bytes) : nil
    team = Team(
      threads: teamRegion == nil ? 1 : threads,
      region: UnsafeMutableRawBufferPointer(start: teamRegion, count: teamRegion == nil ? 0 : bytes))
    self.file = file
    name = file.name
  }

  deinit { region.deallocate() }

  var vocabulary: Int { Int(engine.record.vocabularySize) }
  var beginning: Int32? { tokenizer?.beginning }

  /// The ids of a whole text.
  func tokens(of text: [UInt8]) throws(ConversionError) -> [Int32] {
    guard let tokenizer else { throw .badData("\(name): has no tokenizer") }
    return try tokenizer.ids(of: text, name: name)
  }

  /// Evaluates `ids` from an empty cache and hands over the logits behind each from `first` on.
  func evaluate(_ ids: [Int32], from first: Int, _ each: (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    engine.rewind(to: 0)
    ids.withUnsafeBufferPointer { _ = engine.evaluate($0, from: first, on: team, each: each) }
  }

  /// Float32, little-endian, [ids, vocabulary].
  public func logits(behind ids: [Int32]) throws(ConversionError) -> [UInt8] {
    for id in ids where id < 0 || Int(id) >= vocabulary {
      throw ConversionError(.badRequest, "\(id) is not one of the model's \(vocabulary) tokens")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(ids.count * vocabulary * 4)
    evaluate(ids, from: 0) { _, logits in bytes += UnsafeRawBufferPointer(logits) }
    return bytes
  }
}

extension InstructionSet {
  /// What MARTLET_ISA asks for; where it asks for nonsense, the best.
  fileprivate static func chosenOrBest() -> martlet_isa {
    do throws(InstructionSet.Failure) {
      return try chosen()
    } catch {
      return martlet_best_isa()
    }
  }
}
