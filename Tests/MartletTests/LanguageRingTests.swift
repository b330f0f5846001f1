import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// Layers with a window keep a ring. Whatever happens to a text, its scores are those of a cache that keeps everything.
@Suite struct LanguageRingTests {
  /// Two of three layers with a window of 20: rings of 64 or 128 positions in a context of 400.
  private static let ornate = TestLanguageModel.ornate().file()
  private static let context = 400

  /// Windows on all sides of a block, a tile and a batch.
  private static func model(window: Int) -> [UInt8] {
    var model = TestLanguageModel.ornate()
    model.record.window = UInt32(window)
    return model.file()
  }

  private static func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * $0 * (2 * seed + 1) + 7 * $0 + seed) % 251) }
  }

  private func generator(
    _ batch: LanguageBatch, _ model: [UInt8] = ornate, context: Int = context, isCacheFloat: Bool = false,
    keepsAll: Bool = false
  ) throws -> TestGenerator {
    try TestGenerator(model, context: context, isCacheFloat: isCacheFloat, batch: batch, keepsAll: keepsAll)
  }

  /// By a new cache that keeps everything.
  private func bits(_ text: [Int32], _ model: [UInt8] = ornate, isCacheFloat: Bool = false) throws -> [UInt32] {
    var test = try generator(.of64, model, context: text.count, isCacheFloat: isCacheFloat, keepsAll: true)
    try test.append(text)
    return test.bits
  }

  @Test(arguments: LanguageBatch.allCases, [false, true])
  func sameBits(batch: LanguageBatch, isCacheFloat: Bool) throws {
    let text = Self.text(390)
    for length in [1, 64, 65, 127, 128, 129, 200, 390] {
      let expected = try bits(Array(text.prefix(length)), isCacheFloat: isCacheFloat)
      for cut in [length, 1, 33] {
        var test = try generator(batch, isCacheFloat: isCacheFloat)
        #expect(test.generator.budget.ringPositions == (batch == .of64 ? 128 : 64))
        var rest = text[..<length]
        while !rest.isEmpty {
          try test.append(Array(rest.prefix(cut)))
          rest = rest.dropFirst(cut)
        }
        #expect(test.bits == expected, "\(length) tokens, \(cut) at a time")
        #expect(test.region.isIntact)
      }
    }
  }

  @Test(arguments: [1, 2, 15, 16, 17, 31, 47, 48, 49, 63, 64, 65, 100, 128, 300, 512])
  func everyWindow(window: Int) throws {
    let model = Self.model(window: window)
    let text = Self.text(380)
    let expected = try bits(text, model)
    for batch in LanguageBatch.allCases {
      var test = try generator(batch, model)
      #expect(test.generator.budget.ringPositions == min(448, (window + batch.rawValue + 63) / 64 * 64))
      try test.append(Array(text.prefix(190)))
      for token in text[190..<210] { try test.append([token]) }
      try test.append(Array(text[210...]))
      #expect(test.bits == expected)
    }
  }

  @Test func everyInstructionSet() throws {
    let text = Self.text(300)
    let expected = try bits(text)
    for raw in 0..<MARTLET_ISA_COUNT.rawValue where martlet_language_for(martlet_isa(rawValue: raw)) != nil {
      for threads in [1, 3] {
        var test = try TestGenerator(
          Self.ornate, context: Self.context, threads: threads, batch: .of16, isa: martlet_isa(rawValue: raw))
        try test.append(text)
        #expect(test.bits == expected, "isa \(raw), \(threads) threads")
      }
    }
  }

  // MARK: What is taken back

  /// Back to any place, near or forgotten, and on with other tokens.
  @Test(arguments: LanguageBatch.allCases) func rewind(batch: LanguageBatch) throws {
    let text = Self.text(300)
    let other = Self.text(30, seed: 5)
    for back in [1, 2, 15, 16, 17, 43, 44, 45, 63, 64, 65, 66, 108, 109, 200, 299, 300] {
      var test = try generator(batch)
      try test.append(text)
      test.generator.rewind(to: 300 - back)
      // And once more, before anything was evaluated.
      if back == 44 { test.generator.rewind(to: 250) }
      let kept = Array(text.prefix(test.generator.length))
      try test.append(other)
      #expect(test.bits == (try bits(kept + other)), "\(back) back")
      #expect(Array(test.generator.engine.tokens) == kept + other)
    }
  }

  /// Batches that were begun and given up overwrite a ring's oldest positions, and no more.
  @Test(arguments: LanguageBatch.allCases) func givenUp(batch: LanguageBatch) throws {
    for window in [1, 16, 20, 48, 64] {
      let model = Self.model(window: window)
      let text = Self.text(200)
      let expected = try bits(text, model)
      var test = try generator(batch, model)
      try test.append(Array(text.prefix(199)))
      for steps in [0, 1, 5, 20] {
        Self.text(batch.rawValue, seed: 9).withUnsafeBufferPointer { _ = test.generator.engine.feed($0) }
        for _ in 0..<steps { _ = test.generator.engine.step(on: test.team, limit: 1) }
        test.generator.engine.cancel()
        let session = test.session()
        var fresh = try generator(batch, model)
        try fresh.append(Array(text.prefix(199)))
        #expect(session == fresh.session())
      }
      try test.append([text[199]])
      #expect(test.bits == expected)
    }
  }

  @Test func replace() throws {
    var test = try generator(.of16)
    try test.append(Self.text(300))
    let new = Array(Self.text(150)) + Self.text(100, seed: 3)
    let common = try new.withUnsafeBufferPointer { (new) throws(LanguageError) in
      try test.generator.replace(with: new, on: test.team)
    }
    #expect(common == 150)
    #expect(test.bits == (try bits(new)))
    // A shorter text, all of which is there: its scores are not.
    let short = Array(new.prefix(120))
    _ = try short.withUnsafeBufferPointer { (short) throws(LanguageError) in
      try test.generator.replace(with: short, on: test.team)
    }
    #expect(test.bits == (try bits(short)))
  }

  @Test(arguments: LanguageBatch.allCases) func sliding(batch: LanguageBatch) throws {
    var test = try generator(batch, context: 200)
    test.generator.policy = .slide
    test.generator.kept = 30
    var text = Self.text(150)
    try test.append(text)
    var slides = 0
    for _ in 0..<300 {
      let before = test.generator.engine.position
      let token = try #require(try test.generator.next(on: test.team))
      if test.generator.engine.position < before {
        slides += 1
        let rest = text.count - 1 - 30
        text = Array(text.prefix(30)) + text.dropFirst(30 + (rest + 1) / 2)
      }
      #expect(Array(test.generator.engine.tokens) == text)
      if slides > 0 && text.count % 16 == 0 { #expect(test.bits == (try bits(text))) }
      text.append(token)
    }
    #expect(slides >= 3)
  }

  /// Interrupted wherever it is, a text is read again from there.
  @Test func interruptedWhileItIsReadAgain() throws {
    let text = Self.text(300)
    var steps = 0
    var whole = try generator(.of16)
    try whole.append(text)
    whole.generator.rewind(to: 100)
    try whole.append([5]) {
      steps += 1
      return true
    }
    let expected = try bits(Array(text.prefix(100)) + [5])
    #expect(whole.bits == expected && steps > 1)
    for last in 0..<steps {
      var test = try generator(.of16)
      try test.append(text)
      test.generator.rewind(to: 100)
      var asked = 0
      #expect(throws: LanguageError.interrupted) {
        try test.append([5]) {
          asked += 1
          return asked <= last
        }
      }
      #expect(test.generator.length == 100)
      // What is there of it is saved, and goes on.
      var other = try generator(.of32)
      try other.restore(test.session())
      #expect(other.generator.length == 100)
      try other.append([5])
      try test.append([5])
      #expect(test.bits == expected && other.bits == expected)
    }
  }

  // MARK: Anything

  /// Everything that can happen to a text, in any order.
  @Test(arguments: 1...12) func anyOrder(seed: Int) throws {
    var random = UInt64(seed)
    func pick(_ count: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % count
    }
    let model = Self.model(window: [5, 16, 20, 40, 64, 90][seed % 6])
    let batches = LanguageBatch.allCases
    var text: [Int32] = []
    var test = try generator(batches[seed % 3], model)
    for turn in 0..<25 {
      switch pick(5) {
      case 0, 1:
        let more = Self.text(min(1 + pick(90), Self.context - text.count), seed: turn)
        try test.append(more)
        text += more
      case 2:
        let kept = pick(text.count + 1)
        test.generator.rewind(to: kept)
        text = Array(text.prefix(kept))
      case 3:
        let start = pick(text.count + 1)
        let end = start + pick(text.count - start + 1)
        test.generator.engine.remove(start..<end)
        test.generator.hasScores = false
        text.removeSubrange(start..<end)
      default:
        let session = test.session()
        test = try generator(batches[pick(3)], model)
        try test.restore(session)
      }
      guard !text.isEmpty, pick(3) == 0 else { continue }
      try test.score()
      #expect(test.bits == (try bits(text, model)), "turn \(turn)")
    }
  }
}
