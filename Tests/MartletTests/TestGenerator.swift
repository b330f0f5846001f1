import CMartletKernels
import MartletTestSupport

@testable import Martlet

/// A text generator with all that must outlive it.
struct TestGenerator: ~Copyable {
  let file: TestMemory
  let region: TestMemory
  let teamRegion: TestMemory
  let team: Team
  var generator: TextGenerator

  init(
    _ model: [UInt8], context: Int = 256, threads: Int = 1, isCacheFloat: Bool = false, batch: LanguageBatch = .of64,
    keepsAll: Bool = false, constraintBytes: Int = 0, sampling: SamplingOptions = SamplingOptions(),
    isa: martlet_isa = martlet_best_isa()
  ) throws {
    let file = TestMemory(copying: model)
    let view = UnsafeRawBufferPointer(file.bytes)
    var options = GeneratorOptions()
    options.language = LanguageOptions(
      contextLength: context, threads: threads, isCacheFloat: isCacheFloat, batch: batch)
    options.language.keepsAll = keepsAll
    options.constraintBytes = constraintBytes
    let region = TestMemory(try TextGenerator.budget(of: view, options: options).arenaBytes)
    let generator = try TextGenerator(
      file: view, region: region.bytes, options: options, sampling: sampling, isa: isa)
    let teamRegion = TestMemory(threads > 1 ? Team.byteCount(threads: threads) : 0, filledWith: 0)
    self.file = file
    self.region = region
    self.teamRegion = teamRegion
    self.generator = generator
    team = Team(threads: threads, region: teamRegion.bytes)
  }

  /// The bits of the scores behind the last token.
  var bits: [UInt32] { generator.logits.map(\.bitPattern) }

  mutating func append(_ tokens: [Int32], while goesOn: () -> Bool = { true }) throws {
    try tokens.withUnsafeBufferPointer { (tokens) throws(LanguageError) in
      try generator.append(tokens, on: team, while: goesOn)
    }
  }

  mutating func append(_ text: String) throws {
    let bytes = Array(text.utf8)
    _ = try bytes.withUnsafeBytes { (bytes) throws(LanguageError) in
      try generator.append(bytes, parsesSpecial: false, isStart: true, on: team)
    }
  }

  /// The scores behind a text that was taken up or taken back.
  mutating func score() throws { try generator.score(on: team) }

  /// Up to `count` tokens; fewer where the text ends.
  mutating func next(_ count: Int) throws -> [Int32] {
    var tokens: [Int32] = []
    while tokens.count < count, let token = try generator.next(on: team) { tokens.append(token) }
    return tokens
  }

  mutating func session() -> [UInt8] {
    var bytes: [UInt8] = []
    generator.save { bytes += $0 }
    return bytes
  }

  mutating func restore(_ session: [UInt8]) throws(SessionError) {
    var failure: SessionError?
    session.withUnsafeBytes { bytes in
      do throws(SessionError) { try generator.restore(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

extension LanguageBatch: CaseIterable {
  public static var allCases: [LanguageBatch] { [.of16, .of32, .of64] }
}
