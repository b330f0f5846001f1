import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// A saved text holds a window of the layers that have one, in one form, whatever ring or whole cache it came from.
@Suite struct LanguageRingSessionTests {
  /// Two of three layers with a window of 20: rings of 64 or 128 positions in a context of 400.
  private static let ornate = TestLanguageModel.ornate().file()
  private static let context = 400

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

  /// The same text gives the same file, in whatever cache it was written, and goes on in any other.
  @Test(arguments: [false, true]) func sessionsAreCanonical(isCacheFloat: Bool) throws {
    for length in [1, 19, 20, 21, 36, 37, 100, 144, 250] {
      let text = Self.text(length)
      var first = try generator(.of64, context: length + 3, isCacheFloat: isCacheFloat, keepsAll: true)
      try first.append(text)
      let session = first.session()
      let more = Self.text(50, seed: 4)
      let expected = try bits(text + more, isCacheFloat: isCacheFloat)
      for batch in LanguageBatch.allCases {
        var test = try generator(batch, isCacheFloat: isCacheFloat)
        try test.append(text + Self.text(25, seed: 2))
        test.generator.rewind(to: length)
        #expect(test.session() == session, "\(length) tokens, batch \(batch)")
        var other = try generator(batch, context: 300, isCacheFloat: isCacheFloat)
        try other.append(Self.text(120, seed: 8))
        try other.restore(session)
        #expect(other.session() == session)
        try other.score()
        try first.score()
        #expect(other.bits == first.bits && other.session() == session)
        try other.append(more)
        #expect(other.bits == expected)
        // Nothing is there in front of the window.
        try other.restore(session)
        other.generator.rewind(to: length / 2)
        try other.append(Array(text[(length / 2)...]) + more)
        #expect(other.bits == expected)
      }
    }
  }

  /// A file holds a window of the windowed layers, whatever the text's length is.
  @Test func sessionsHoldAWindow() throws {
    func bytes(_ length: Int) throws -> Int {
      var test = try generator(.of16)
      try test.append(Self.text(length))
      return test.session().count
    }
    // Four bytes of the id; of one layer in three two heads of 16 elements in keys and values, with a scale of 2 bytes.
    #expect(try bytes(320) - bytes(160) == 160 * (4 + 2 * 2 * (16 + 2)))
  }

  @Test func damagedSessions() throws {
    var test = try generator(.of16)
    try test.append(Self.text(150))
    let session = test.session()
    for length in stride(from: 0, to: session.count, by: 31) {
      #expect(throws: SessionError.self) { try test.restore(Array(session.prefix(length))) }
    }
    var changed = session
    for place in stride(from: 0, to: session.count, by: 23) {
      changed[place] ^= 0x40
      #expect(throws: SessionError.self) { try test.restore(changed) }
      changed[place] ^= 0x40
    }
    #expect(test.generator.length == 0)
    try test.append(Self.text(150))
    #expect(test.session() == session)
  }
}
