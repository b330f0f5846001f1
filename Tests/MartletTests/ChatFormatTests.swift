import Testing

@testable import Martlet

/// A format made by hand, and what hostile sections do to it.
@Suite struct ChatFormatTests {
  /// `[S]system[/S]`, `<u>` and `<a>` around texts, as a section.
  static func section(
    flags: ChatFlags = .nothing, prompt: String = "<a>", prefix: String = "<a>", suffix: String = "</a>\n"
  ) -> [UInt8] {
    let texts = ["start <u>", "[S]", "[/S]<u>", "<u>", "</u>\n", prefix, suffix, prompt]
    var record = ChatFormatRecord()
    record.flags = flags.rawValue
    var body: [UInt8] = []
    for (index, text) in texts.enumerated() {
      let bytes = Array(text.utf8)
      record.pieces[index].offset = UInt32(MemoryLayout<ChatFormatRecord>.size + body.count)
      record.pieces[index].length = UInt32(bytes.count)
      record.pieces[index].headLength = UInt32(bytes.firstIndex(of: UInt8(ascii: "<")) ?? bytes.count)
      let last = bytes.lastIndex(of: UInt8(ascii: ">"))
      record.pieces[index].tailLength = UInt32(last.map { bytes.count - 1 - $0 } ?? 0)
      body += bytes
    }
    record.stopCount = 1
    record.stops[0].offset = UInt32(MemoryLayout<ChatFormatRecord>.size + body.count)
    record.stops[0].length = 4
    return withUnsafeBytes(of: record) { Array($0) } + body + Array("</a>".utf8)
  }

  /// Every call there is, as one text in which segments with control tokens stand in braces.
  private static func everything(
    _ format: ChatFormat, system: String?, answer: String = " yes \n"
  ) throws(ChatError) -> String {
    var text = ""
    func show(_ segments: ChatSegments) {
      for index in 0..<segments.count {
        let shown = String(decoding: segments[index].bytes, as: UTF8.self)
        text += segments[index].parsesSpecial ? "{\(shown)}" : shown
      }
    }
    try withTexts(system, " hi ", answer) { system, question, answer throws(ChatError) in
      var segments = ChatSegments()
      try format.begin(system: system, into: &segments)
      try format.user(question, system: system, isFirst: true, isLast: false, into: &segments)
      if try !format.assistantEnd(answer: answer, into: &segments) {
        try format.assistant(format.historyText(of: answer), into: &segments)
      }
      try format.user(question, system: system, isFirst: false, isLast: true, into: &segments)
      try format.generationPrompt(into: &segments)
      show(segments)
    }
    return text
  }

  private static func withTexts(
    _ a: String?, _ b: String, _ c: String,
    _ body: (UnsafeRawBufferPointer?, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(ChatError) -> Void
  ) throws(ChatError) {
    let all = Array((a ?? "").utf8) + Array(b.utf8) + Array(c.utf8)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: all.count + 1, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: all)
    let first = (a ?? "").utf8.count
    let second = first + b.utf8.count
    try body(
      a == nil ? nil : UnsafeRawBufferPointer(rebasing: copy[0..<first]),
      UnsafeRawBufferPointer(rebasing: copy[first..<second]),
      UnsafeRawBufferPointer(rebasing: copy[second..<all.count]))
  }

  private static func shown(_ section: [UInt8], system: String? = nil, answer: String = " yes \n") throws -> String {
    try section.withUnsafeBytes { try everything(ChatFormat($0), system: system, answer: answer) }
  }

  @Test func recordsHaveTheirDocumentedSizes() {
    #expect(MemoryLayout<ChatPieceRecord>.size == 16)
    #expect(MemoryLayout<ChatFormatRecord>.size == 168)
    #expect(MemoryLayout<ChatFormatRecord>.offset(of: \.pieces) == 8)
    #expect(MemoryLayout<ChatFormatRecord>.offset(of: \.stops) == 136)
  }

  @Test func turnsFollowEachOther() throws {
    // The answer is in the cache already, and only its end comes.
    #expect(
      try ChatFormatTests.shown(ChatFormatTests.section()) == "start {<u>} hi {</u>}\n{</a>}\n{<u>} hi {</u>}\n{<a>}")
    let system = try ChatFormatTests.shown(ChatFormatTests.section(), system: " be <u> ")
    #expect(system == "[S] be <u> [/S]{<u>} hi {</u>}\n{</a>}\n{<u>} hi {</u>}\n{<a>}")
  }

  @Test func textsAreTrimmedAsTold() throws {
    let all = ChatFlags.trimsSystemStart.union(.trimsSystemEnd).union(.trimsUserStart).union(.trimsUserEnd)
    let flags = all.union(.trimsAssistantStart).union(.trimsAssistantEnd)
    // A user's text behind a system text has a flag of its own; the answer loses blanks, so it comes anew.
    #expect(
      try ChatFormatTests.shown(ChatFormatTests.section(flags: flags), system: "\u{A0}\u{2003} s \u{3000}\u{85}")
        == "[S]s[/S]{<u>} hi{</u>}\n{<a>}yes{</a>}\n{<u>}hi{</u>}\n{<a>}")
  }

  @Test func reasoningIsDropped() throws {
    let flags = ChatFlags.dropsReasoning.union(.dropsReasoningLines)
    let text = try ChatFormatTests.shown(
      ChatFormatTests.section(flags: flags), answer: "<think>a</think>b</think>\n\nyes")
    #expect(text == "start {<u>} hi {</u>}\n{<a>}yes{</a>}\n{<u>} hi {</u>}\n{<a>}")
  }

  @Test func systemTextMovesToTheLastTurn() throws {
    let text = try ChatFormatTests.shown(ChatFormatTests.section(flags: .systemInLastTurn), system: "s")
    #expect(text == "start {<u>} hi {</u>}\n{</a>}\n{<u>}s[/S]{<u>} hi {</u>}\n{<a>}")
  }

  @Test func aBlankThatThePromptLacksIsTheModelsOwn() throws {
    let section = ChatFormatTests.section(prompt: "A:", prefix: "A: ", suffix: "</a>")
    let own = "start {<u>} hi {</u>}\n{</a>}{<u>} hi {</u>}\nA:"
    #expect(try ChatFormatTests.shown(section, answer: " yes") == own)
    // Without it the history differs from what is in the cache.
    #expect(
      try ChatFormatTests.shown(section, answer: "yes") == "start {<u>} hi {</u>}\nA: yes{</a>}{<u>} hi {</u>}\nA:")
  }

  @Test func neighboursThatAreTokenizedAlikeAreOneRun() throws {
    try ChatFormatTests.section().withUnsafeBytes { bytes in
      let format = try ChatFormat(bytes)
      try ChatFormatTests.withTexts("s", "hi", "") { system, question, _ throws(ChatError) in
        var segments = ChatSegments()
        try format.begin(system: system, into: &segments)
        try format.user(question, system: system, isFirst: true, isLast: true, into: &segments)
        let work = UnsafeMutableRawBufferPointer.allocate(byteCount: segments.byteCount, alignment: 1)
        defer { work.deallocate() }
        var runs: [String] = []
        var position = 0
        while let run = try segments.run(from: &position, work: work) {
          runs.append((run.parsesSpecial ? "!" : "") + String(decoding: run.bytes, as: UTF8.self))
        }
        #expect(runs == ["[S]s[/S]", "!<u>", "hi", "!</u>", "\n"])
        position = 0
        #expect(throws: ChatError.textTooLong(8)) {
          try segments.run(from: &position, work: UnsafeMutableRawBufferPointer(rebasing: work[0..<7]))
        }
      }
    }
  }

  @Test func tooManySegmentsAreRefused() throws {
    try ChatFormatTests.section().withUnsafeBytes { bytes in
      let format = try ChatFormat(bytes)
      var segments = ChatSegments()
      #expect(throws: ChatError.tooManySegments) {
        for _ in 0...ChatSegments.capacity { try format.generationPrompt(into: &segments) }
      }
      #expect(segments.count == ChatSegments.capacity)
    }
  }

  // MARK: Hostile sections

  @Test func truncatedSectionsAreRefused() {
    let section = ChatFormatTests.section()
    let taken = (0..<section.count).filter { (try? ChatFormatTests.shown(Array(section[..<$0]))) != nil }
    #expect(taken.isEmpty)
  }

  /// Any change gives a format or an error, never a trap. The memory ends where the section does.
  @Test func everyChangedByteIsAFormatOrRefused() {
    var section = ChatFormatTests.section(flags: .dropsReasoning)
    var refused = 0
    var taken = 0
    for place in section.indices {
      for flip: UInt8 in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF] {
        section[place] ^= flip
        if (try? ChatFormatTests.shown(section, system: "s")) == nil { refused += 1 } else { taken += 1 }
        section[place] ^= flip
      }
    }
    #expect(refused > 500)
    #expect(taken > 500)
  }

  @Test func textsThatAreNotUTF8AreTrimmedWithoutHarm() {
    for length in 0...4 {
      for seed in 0..<2000 {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
        let bytes = (0..<length).map { _ -> UInt8 in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          let edges: [UInt8] = [0x20, 0x80, 0xC2, 0xA0, 0xE1, 0xE2, 0xE3, 0x9A, 0x81, 0x9F, 0x41, 0x85]
          return edges[Int(state >> 60) % edges.count]
        }
        bytes.withUnsafeBytes { text in
          let trimmed = ChatText.trimmed(text, start: true, end: true)
          #expect(trimmed.count <= text.count)
          // Trimming again changes nothing.
          #expect(ChatText.trimmed(trimmed, start: true, end: true).count == trimmed.count)
        }
      }
    }
  }
}
