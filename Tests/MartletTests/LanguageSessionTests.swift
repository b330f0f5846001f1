import MartletTestSupport
import Testing

@testable import Martlet

/// A saved cache is taken up bit by bit, and nothing but that is taken up.
@Suite struct LanguageSessionTests {
  private static let model = TestLanguageModel.llama().file()
  private static let ornate = TestLanguageModel.ornate().file()
  private static let prompt: [Int32] = (0..<75).map { Int32($0 * 7 % 250) }

  private static var sampling: SamplingOptions {
    var options = SamplingOptions()
    options.temperature = 2
    options.repeatPenalty = 1.2
    options.seed = 9
    return options
  }

  /// The prompt and a few tokens behind it.
  private func generator(_ model: [UInt8] = model, isCacheFloat: Bool = false) throws -> TestGenerator {
    var test = try TestGenerator(model, isCacheFloat: isCacheFloat, sampling: Self.sampling)
    try test.append(Self.prompt)
    _ = try test.next(10)
    try test.generator.flush(on: test.team)
    return test
  }

  @Test(arguments: [false, true], [false, true])
  func goesOnAsIfNothingHadBeen(isOrnate: Bool, isCacheFloat: Bool) throws {
    let model = isOrnate ? Self.ornate : Self.model
    var test = try generator(model, isCacheFloat: isCacheFloat)
    let session = test.session()
    let expected = test.bits
    let tokens = try test.next(40)
    // Other room, another seed, and a text that was there before.
    var sampling = Self.sampling
    sampling.seed = 77
    var other = try TestGenerator(model, context: 140, threads: 2, isCacheFloat: isCacheFloat, sampling: sampling)
    try other.append([5, 4, 3, 2, 1])
    try other.restore(session)
    #expect(other.session() == session)
    try other.score()
    #expect(other.bits == expected)
    #expect(other.session() == session)
    #expect(try other.next(40) == tokens)
    #expect(Set(tokens).count > 10)
  }

  @Test func equalCachesGiveEqualSessions() throws {
    var test = try TestGenerator(Self.model, sampling: Self.sampling)
    try test.append(Self.prompt + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    test.generator.rewind(to: Self.prompt.count)
    var fresh = try TestGenerator(Self.model, context: 90, sampling: Self.sampling)
    try fresh.append(Self.prompt)
    #expect(test.session() == fresh.session())
  }

  /// Cut anywhere and taken up, a text is the one that was not cut: its last token, which has not been evaluated, goes
  /// with it, and so does what sliding keeps.
  @Test(arguments: [ContextPolicy.stop, .slide]) func cutAnywhere(policy: ContextPolicy) throws {
    func begin() throws -> TestGenerator {
      var test = try TestGenerator(Self.model, context: 40, sampling: Self.sampling)
      test.generator.policy = policy
      try test.append(Array(Self.prompt.prefix(12)))
      test.generator.kept = 12
      return test
    }
    var whole = try begin()
    let expected = try whole.next(90)
    #expect(expected.count == (policy == .stop ? 29 : 90))
    for length in 1...expected.count {
      var first = try begin()
      let half = try first.next(length)
      var second = try TestGenerator(Self.model, context: 40)
      second.generator.sampler.options.temperature = Self.sampling.temperature
      second.generator.sampler.options.repeatPenalty = Self.sampling.repeatPenalty
      second.generator.policy = policy
      try second.restore(first.session())
      #expect(second.session() == first.session())
      #expect(half + (try second.next(90 - length)) == expected, "cut behind token \(length)")
    }
  }

  /// A constraint is where the text behind the prompt has brought it.
  @Test func constrainedAndCutAnywhere() throws {
    let schema = Array(#"{"type": "array", "items": {"enum": ["bird", 12, null]}, "minItems": 9, "maxItems": 9}"#.utf8)
    func begin(_ schema: [UInt8]) throws -> TestGenerator {
      var test = try TestGenerator(
        Self.model, constraintBytes: Constraint.workBytes(schemaBytes: schema.count), sampling: Self.sampling)
      let region = test.generator.constraintRegion
      try test.generator.constrain(by: try schema.withUnsafeBytes { try Constraint(jsonSchema: $0, region: region) })
      return test
    }
    func prompted() throws -> TestGenerator {
      var test = try begin(schema)
      try test.append(Array(Self.prompt.prefix(12)))
      test.generator.kept = 12
      return test
    }
    var whole = try prompted()
    let expected = try whole.next(200)
    #expect(whole.generator.isComplete && expected.count > 30)
    for length in 1...expected.count {
      var first = try prompted()
      let half = try first.next(length)
      var second = try begin(schema)
      try second.restore(first.session())
      let isResumed = second.generator.resumeConstraint(), rest = try second.next(200)
      #expect(isResumed && half + rest == expected, "cut behind token \(length)")
      var other = try begin(Array(#"{"type": "object"}"#.utf8))
      try other.restore(first.session())
      let isTaken = other.generator.resumeConstraint()
      #expect(!isTaken)
    }
  }

  /// A context that was full may be larger when the text is taken up.
  @Test func fullAndTakenUpWithMoreRoom() throws {
    var whole = try TestGenerator(Self.model, context: 80, sampling: Self.sampling)
    try whole.append(Array(Self.prompt.prefix(12)))
    let expected = try whole.next(60)
    var full = try TestGenerator(Self.model, context: 40, sampling: Self.sampling)
    try full.append(Array(Self.prompt.prefix(12)))
    let half = try full.next(60)
    var large = try TestGenerator(Self.model, context: 80, sampling: Self.sampling)
    try large.restore(full.session())
    #expect(half + (try large.next(60 - half.count)) == expected)
  }

  @Test func emptySession() throws {
    var test = try TestGenerator(Self.model)
    let session = test.session()
    #expect(session.count == 80)
    var other = try generator()
    try other.restore(session)
    #expect(other.generator.length == 0)
  }

  // MARK: What is refused

  private func refusal(_ session: [UInt8], _ test: inout TestGenerator) -> SessionError? {
    do throws(SessionError) {
      try test.restore(session)
      return nil
    } catch {
      return error
    }
  }

  /// After a refusal the cache is empty and reads a text as a new one does.
  private func isUsable(_ test: inout TestGenerator) throws -> Bool {
    var fresh = try TestGenerator(Self.model)
    try fresh.append(Array(Self.prompt.prefix(9)))
    guard test.generator.length == 0 else { return false }
    try test.append(Array(Self.prompt.prefix(9)))
    return test.bits == fresh.bits
  }

  @Test func everyTruncationIsRefused() throws {
    var test = try generator()
    let session = test.session()
    for length in 0..<session.count where length < 200 || length % 97 == 0 || session.count - length < 70 {
      let error = refusal(Array(session.prefix(length)), &test)
      #expect(error == (length < 80 ? .wrongMagic : .damaged), "\(length)")
    }
    #expect(refusal(session + [0], &test) == .damaged)
    #expect(try isUsable(&test))
    #expect(refusal(session, &test) == nil)
  }

  @Test func everyChangedByteIsRefused() throws {
    var test = try generator()
    var session = test.session()
    for place in session.indices where place < 500 || place % 61 == 0 {
      for flip: UInt8 in [1, 0x80] {
        session[place] ^= flip
        #expect(refusal(session, &test) != nil, "byte \(place)")
        session[place] ^= flip
      }
    }
    #expect(try isUsable(&test))
    #expect(refusal(session, &test) == nil)
  }

  @Test func whatIsForeignIsRefused() throws {
    var test = try generator()
    var other = try generator(TestLanguageModel.llama(seed: 2).file())
    #expect(refusal(other.session(), &test) == .otherModel)
    var float = try generator(isCacheFloat: true)
    #expect(refusal(float.session(), &test) == .otherModel)
    #expect(refusal(Self.model, &test) == .wrongMagic)
    #expect(refusal([UInt8](repeating: 0, count: 4096), &test) == .wrongMagic)
    #expect(try isUsable(&test))
    var small = try TestGenerator(Self.model, context: 50)
    var long = try generator()
    #expect(refusal(long.session(), &small) == .tooLong(85, room: 50))
    #expect(try isUsable(&small))
  }

  /// Somebody who writes a session can also write its hash: then tokens are looked at, and keys are only numbers.
  @Test func repairedHashes() throws {
    var test = try generator()
    let session = test.session()
    let wrong: [(Int, Int32)] = [
      (80, -1), (84, 270), (88, .max), (80 + 84 * 4, .min), (64, 86), (64, -1), (68, 270), (68, -2), (76, 1),
    ]
    for (place, value) in wrong {
      #expect(refusal(repaired(session, place, value, count: 85), &test) == .damaged)
    }
    // Scales and keys of any bits: NaN and infinities among them.
    for place in stride(from: 80 + 85 * 4, to: session.count - 4, by: 404) {
      for value in [Int32(bitPattern: 0x7FC0_0000), Int32(bitPattern: 0xFF80_0000), -1] {
        #expect(refusal(repaired(session, place, value, count: 85), &test) == nil)
        #expect(try test.next(2).count == 2)
      }
    }
  }

  private func repaired(_ session: [UInt8], _ place: Int, _ value: Int32, count: Int) -> [UInt8] {
    var bytes = session
    bytes.withUnsafeMutableBytes { bytes in
      bytes.storeBytes(of: value, toByteOffset: place, as: Int32.self)
      var header = bytes.loadUnaligned(as: SessionHeader.self)
      var hash = header.headHash
      // Token ids; then for each of three layers and two heads keys, values and the scales of both, all in blocks of 16
      // positions.
      let blocks = (count + 15) / 16
      var at = 80
      func add(_ size: Int) {
        hash = XXH64.hash(UnsafeRawBufferPointer(rebasing: bytes[at..<at + size]), seed: hash)
        at += size
      }
      add(count * 4)
      for _ in 0..<6 { for size in [256, 256, 32, 32] { for _ in 0..<blocks { add(size) } } }
      precondition(at == bytes.count)
      header.hash = hash
      bytes.storeBytes(of: header, as: SessionHeader.self)
    }
    return bytes
  }
}
