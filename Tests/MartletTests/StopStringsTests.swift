import Testing

@testable import Martlet

/// Stop texts against a search in the whole answer.
@Suite struct StopStringsTests {
  /// Stop texts with their memory.
  private final class TestStops {
    var stops = StopStrings()
    private var memory: [UnsafeMutableRawBufferPointer] = []

    init(_ texts: [[UInt8]]) {
      for text in texts { #expect(add(text)) }
    }

    convenience init(_ texts: String...) { self.init(texts.map { Array($0.utf8) }) }

    func add(_ text: [UInt8]) -> Bool {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
      copy.copyBytes(from: text)
      memory.append(copy)
      return stops.add(UnsafeRawBufferPointer(copy))
    }

    deinit { memory.forEach { $0.deallocate() } }

    /// What comes out for one token's bytes, and whether a text is complete.
    func push(_ bytes: [UInt8]) -> (text: [UInt8], isStopped: Bool) {
      var text: [UInt8] = []
      for byte in bytes where stops.push(byte, release: { text.append($0) }) { return (text, true) }
      return (text, false)
    }

    func finish() -> [UInt8] {
      var text: [UInt8] = []
      stops.finish { text.append($0) }
      return text
    }

    /// The answer of these tokens.
    func answer(_ tokens: [String]) -> (text: String, isStopped: Bool) {
      var text: [UInt8] = []
      for token in tokens {
        let (more, isStopped) = push(Array(token.utf8))
        text += more
        if isStopped { return (String(decoding: text, as: UTF8.self), true) }
      }
      return (String(decoding: text + finish(), as: UTF8.self), false)
    }
  }

  @Test func endsInFrontOfTheText() {
    #expect(TestStops("END").answer(["one ", "two END three"]) == ("one two ", true))
    #expect(TestStops("END").answer(["END"]) == ("", true))
    #expect(TestStops("END").answer(["EN", "EEND"]) == ("ENE", true))
    #expect(TestStops("END").answer(["EN", "DLESS"]) == ("", true))
  }

  @Test func acrossTheBordersOfTokens() {
    #expect(TestStops("\nUser:").answer(["a", "\n", "Us", "er", ":", " b"]) == ("a", true))
    #expect(TestStops("\nUser:").answer(["a", "\n", "Us", "age", ":"]) == ("a\nUsage:", false))
  }

  @Test func whatIsHeldBackComesAtTheEnd() {
    let stops = TestStops("abcd")
    #expect(stops.push(Array("xabc".utf8)) == (Array("x".utf8), false))
    #expect(stops.push(Array("a".utf8)) == (Array("abc".utf8), false))
    #expect(stops.push(Array("bc".utf8)) == ([], false))
    #expect(stops.finish() == Array("abc".utf8))
    #expect(stops.finish() == [])
  }

  @Test func severalAndTheLongest() {
    #expect(TestStops("foo", "bar").answer(["x bar foo"]) == ("x ", true))
    // Both end at the same byte.
    #expect(TestStops("bc", "abc").answer(["xabc"]) == ("x", true))
    // One ends inside what may become another.
    #expect(TestStops("abcd", "bc").answer(["abcx"]) == ("a", true))
    #expect(TestStops("abcd", "bc").answer(["abcd"]) == ("a", true))
    #expect(TestStops("aab", "ab").answer(["aaab"]) == ("a", true))
  }

  @Test func charactersOfSeveralBytes() {
    let stops = TestStops("é。")
    // Another character that begins with the same byte.
    #expect(stops.push([0xC3]) == ([], false))
    #expect(stops.push([0xA8]) == ([0xC3, 0xA8], false))
    #expect(stops.push([0xC3, 0xA9, 0xE3]) == ([], false))
    #expect(stops.push([0x80]) == ([], false))
    #expect(stops.push([0x82]) == ([], true))
  }

  @Test func limits() {
    let stops = TestStops([[UInt8](repeating: 7, count: 256)])
    #expect(!stops.add([]))
    #expect(!stops.add([UInt8](repeating: 7, count: 257)))
    #expect(stops.push([UInt8](repeating: 7, count: 255) + [8]).text.count == 256)
    #expect(stops.push([UInt8](repeating: 7, count: 256)) == ([], true))
    for index in 1..<StopStrings.capacity { #expect(stops.add([UInt8(index)])) }
    #expect(!stops.add([99]))
    #expect(TestStops().answer(["anything"]) == ("anything", false))
  }

  /// Two letters, so that everything overlaps with everything.
  @Test func equalsASearchInTheWholeAnswer() {
    var generator = Sampler.Generator(seed: 6)
    func random(_ bound: Int) -> Int { Int(generator.next() >> 33) % bound }
    func letters(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(97 + random(2)) } }
    var stopped = 0
    for _ in 0..<4000 {
      let texts = (0..<1 + random(4)).map { _ in letters(1 + random(9)) }
      let answer = letters(random(40))
      let stops = TestStops(texts)
      var released: [UInt8] = []
      var isStopped = false
      for end in 1..<answer.count + 1 {
        let so = answer.prefix(end)
        let found = texts.filter { so.count >= $0.count && so.suffix($0.count).elementsEqual($0) }.map(\.count).max()
        let held = (0..<end).first { start in
          texts.contains { $0.count > end - start && $0.starts(with: so[start...]) }
        }
        let (more, isComplete) = stops.push([answer[end - 1]])
        released += more
        #expect(isComplete == (found != nil))
        #expect(released == Array(so.prefix(found.map { end - $0 } ?? held ?? end)))
        isStopped = isComplete
        if isComplete { break }
      }
      if isStopped { stopped += 1 } else { #expect(released + stops.finish() == answer) }
    }
    #expect(stopped > 500 && stopped < 3900)
  }
}
