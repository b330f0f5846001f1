import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// What a language engine promises, whatever the weights: the same bits however a text is fed, exact memory, sessions.
@Suite struct LanguageEngineTests {
  private static let plain = TestLanguageModel.llama().file()
  private static let ornate = TestLanguageModel.ornate().file()
  private static let fourBits = TestLanguageModel.llama().file(.blocksInt4)
  private static let models = [plain, ornate, fourBits]

  /// More than two batches, each token below 250.
  private static let prompt: [Int32] = (0..<150).map { Int32($0 * $0 % 241) }

  private func reference(_ model: [UInt8], _ tokens: [Int32], isCacheFloat: Bool = false) throws -> [UInt32] {
    var test = try TestGenerator(model, isCacheFloat: isCacheFloat)
    try test.append(tokens)
    return test.bits
  }

  @Test(arguments: 0..<3, [false, true]) func anyCutGivesTheSameBits(index: Int, isCacheFloat: Bool) throws {
    let model = Self.models[index]
    let expected = try reference(model, Self.prompt, isCacheFloat: isCacheFloat)
    #expect(Set(expected).count > 100)
    for cuts in [Array(0..<150), [0, 1], [0, 63], [0, 64, 65], [0, 16, 33, 48, 129], [0, 149]] {
      var test = try TestGenerator(model, isCacheFloat: isCacheFloat)
      for (start, end) in zip(cuts, cuts.dropFirst() + [150]) { try test.append(Array(Self.prompt[start..<end])) }
      #expect(test.bits == expected, "cut at \(cuts.prefix(6))")
      #expect(test.region.isIntact)
    }
  }

  @Test(arguments: 0..<3) func sameBitsOnEveryInstructionSetAndThreadCount(index: Int) throws {
    let expected = try reference(Self.models[index], Self.prompt)
    let sets = (0..<MARTLET_ISA_COUNT.rawValue).map { martlet_isa(rawValue: $0) }
      .filter { martlet_language_for($0) != nil }
    for isa in sets {
      for threads in 1...3 {
        var test = try TestGenerator(Self.models[index], threads: threads, isa: isa)
        try test.append(Self.prompt)
        #expect(test.bits == expected, "isa \(isa.rawValue), \(threads) threads")
      }
    }
  }

  @Test func smallStepsAndAnotherEngineBetweenThem() throws {
    let expected = try [Self.plain, Self.ornate].map { try reference($0, Array(Self.prompt.prefix(60))) }
    for limit in [Int64(1), 20_000, 1_000_000] {
      var a = try TestGenerator(Self.plain, threads: 2)
      var b = try TestGenerator(Self.ornate)
      let tokens = Array(Self.prompt.prefix(60))
      tokens.withUnsafeBufferPointer {
        #expect(a.generator.engine.feed($0) == 60)
        #expect(b.generator.engine.feed($0) == 60)
      }
      var steps = 0
      var isDone = (a: false, b: false)
      while !isDone.a || !isDone.b {
        if !isDone.a { isDone.a = a.generator.engine.step(on: a.team, limit: limit) }
        if !isDone.b { isDone.b = b.generator.engine.step(on: a.team, limit: limit) }
        steps += 1
      }
      #expect([a.bits, b.bits] == expected)
      if limit == 1 { #expect(steps > 3 * 11) }
    }
  }

  @Test(arguments: 0..<3) func rewindForgets(index: Int) throws {
    let expected = try reference(Self.models[index], Self.prompt)
    var test = try TestGenerator(Self.models[index])
    for kept in [0, 1, 37, 64, 100, 149] {
      test.generator.rewind(to: kept)
      try test.append((test.generator.length..<150).map { $0 < kept ? Self.prompt[$0] : 7 })
      #expect(test.bits != expected)
      test.generator.rewind(to: kept)
      try test.append(Array(Self.prompt[test.generator.length...]))
      #expect(test.bits == expected, "kept \(kept)")
    }
  }

  /// The common beginning stays, whatever the new text is; the scores are those of a text that was read at once.
  @Test func replaceKeepsWhatIsTheSame() throws {
    let expected = try reference(Self.plain, Array(Self.prompt.prefix(90)))
    var test = try TestGenerator(Self.plain)
    try test.append(Array(Self.prompt.prefix(50)) + [3, 3, 3])
    for kept in [50, 90] {
      let found = try Self.prompt.prefix(90).withUnsafeBufferPointer { (tokens) throws(LanguageError) in
        try test.generator.replace(with: tokens, on: test.team)
      }
      #expect(found == kept)
      #expect(test.bits == expected)
    }
  }

  // MARK: Memory

  @Test(arguments: [false, true]) func budgetIsExact(isCacheFloat: Bool) throws {
    let file = TestMemory(copying: Self.plain)
    let view = UnsafeRawBufferPointer(file.bytes)
    for context in [1, 15, 16, 200] {
      let options = LanguageOptions(contextLength: context, threads: 2, isCacheFloat: isCacheFloat)
      let budget = try LanguageEngine.budget(of: view, options: options)
      // Three layers, keys and values, two heads of 8 in 16 elements with a scale of 2 bytes, tiles of 64 positions.
      let perPosition = 3 * 2 * 2 * (isCacheFloat ? 16 * 4 : 16 + 2)
      #expect(budget.cacheBytes == (context + 63) / 64 * 64 * perPosition)
      #expect(budget.logitsBytes == 4 * 270)
      let region = TestMemory(budget.arenaBytes)
      var engine = try LanguageEngine(file: view, region: region.bytes, options: options, isa: MARTLET_ISA_SCALAR)
      let team = Team(threads: 1, region: UnsafeMutableRawBufferPointer(start: nil, count: 0))
      Self.prompt.withUnsafeBufferPointer { #expect(engine.evaluate($0, on: team) == min(context, 150)) }
      #expect(region.isIntact)
      let small = UnsafeMutableRawBufferPointer(rebasing: region.bytes[..<(budget.arenaBytes - 64)])
      #expect(throws: ModelError.self) {
        _ = try LanguageEngine(file: view, region: small, options: options, isa: MARTLET_ISA_SCALAR).budget
      }
    }
  }

  @Test func moreContextThanTheModelHasIsRefused() throws {
    let file = TestMemory(copying: Self.plain)
    #expect(throws: ModelError.self) {
      _ = try LanguageEngine.budget(of: UnsafeRawBufferPointer(file.bytes), options: .init(contextLength: 513))
    }
  }

  // MARK: The end of the context

  @Test func fullContextStops() throws {
    var test = try TestGenerator(Self.plain, context: 40)
    #expect(throws: LanguageError.contextTooShort(41, room: 40)) { try test.append(Array(Self.prompt.prefix(41))) }
    try test.append(Array(Self.prompt.prefix(35)))
    #expect(throws: LanguageError.contextTooShort(6, room: 5)) { try test.append(Array(Self.prompt.prefix(6))) }
    // The last one is sampled behind a full cache, and has no place in it.
    #expect(try test.next(100).count == 6)
    #expect(test.generator.room == 0)
    #expect(try test.next(1).isEmpty)
    test.generator.rewind(to: 10)
    #expect(test.generator.room == 30)
  }

  @Test func slideKeepsTheFirstTokens() throws {
    var test = try TestGenerator(Self.plain, context: 40)
    test.generator.policy = .slide
    test.generator.kept = 5
    try test.append(Array(Self.prompt.prefix(30)))
    var text = Array(Self.prompt.prefix(30))
    var slides = 0
    for _ in 0..<100 {
      let before = test.generator.engine.position
      let token = try #require(try test.generator.next(on: test.team))
      if test.generator.engine.position < before {
        slides += 1
        // 35 behind the first five: the older 18 are gone, the token that waited is there.
        #expect(Array(test.generator.engine.tokens) == Array(text.prefix(5)) + Array(text.suffix(18)))
        let cache = Array(test.generator.engine.tokens)
        #expect(test.bits == (try reference(Self.plain, cache)))
        text = cache
      }
      text.append(token)
    }
    #expect(slides >= 4)
  }

  /// A question finds its room as an answer does.
  @Test func readingSlidesToo() throws {
    var test = try TestGenerator(Self.plain, context: 40)
    test.generator.policy = .slide
    test.generator.kept = 5
    let text = Array(Self.prompt.prefix(30)), more = Array(Self.prompt.suffix(20))
    try test.append(text)
    #expect(throws: LanguageError.contextTooShort(35, room: 10)) { try test.append(Array(Self.prompt.prefix(35))) }
    #expect(test.generator.length == 30)
    try test.append(more)
    let cache = Array(text.prefix(5)) + Array(text.suffix(12)) + more
    #expect(Array(test.generator.engine.tokens) == cache)
    #expect(test.bits == (try reference(Self.plain, cache)))
  }

  /// Wherever the mark stood, behind a slide it is where its token is now.
  @Test(arguments: 0...30) func theMarkSlidesToo(mark: Int) throws {
    var test = try TestGenerator(Self.plain, context: 40)
    test.generator.policy = .slide
    test.generator.kept = 5
    let text = (0..<30).map { Int32(100 + $0) }
    try test.append(text)
    test.generator.mark = mark
    try test.append((0..<20).map { Int32(200 + $0) })
    let tokens = Array(test.generator.engine.tokens)
    // 13 are gone; what was marked among them is marked by the end of those that are kept.
    #expect(test.generator.mark == (tokens.firstIndex { $0 == 100 + mark } ?? (mark == 30 ? 17 : 5)))
  }

  /// The scores are those behind the last token that there was room for.
  @Test func evaluatingMoreThanThereIsRoomFor() throws {
    var test = try TestGenerator(Self.plain, context: 64)
    let tokens = (0..<70).map { Int32($0) }
    let done = tokens.withUnsafeBufferPointer { test.generator.engine.evaluate($0, on: test.team) }
    let expected = try reference(Self.plain, Array(tokens.prefix(64)))
    #expect(done == 64 && test.bits == expected)
  }

  // MARK: Rows without tokens

  /// The model has seven rows more than there are tokens: sampled flat, they would come up in 400 draws.
  @Test func rowsWithoutTokensAreNeverChosen() throws {
    var sampling = SamplingOptions()
    sampling.temperature = 1000
    (sampling.topK, sampling.topP, sampling.minP) = (0, 1, 0)
    for (tokenizer, count) in [(TestTokenizer.bytes() as TestTokenizer?, 263), (nil, 257)] {
      let model = TestLanguageModel.llama(tokenizer: tokenizer).file()
      var test = try TestGenerator(model, context: 512, sampling: sampling)
      try test.append([1])
      let tokens = try test.next(500)
      #expect(tokens.count == 500)
      #expect(tokens.allSatisfy { $0 < count })
      // Without a tokenizer every row is a token.
      #expect(tokens.contains { $0 >= 250 })
      for row in 0..<test.generator.logits.count { test.generator.logits[row] = row >= count - 7 ? 50 : 0 }
      test.generator.sampler.options.temperature = 0
      test.generator.drop()
      #expect(try test.generator.next(on: test.team) == (tokenizer == nil ? 250 : 256))
    }
  }
}
