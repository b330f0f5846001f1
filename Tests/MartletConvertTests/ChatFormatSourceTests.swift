import Foundation
import Martlet
import Testing

@testable import MartletConvert

/// Templates of known models compiled. That the texts are those of real Jinja is shown by Tests/Oracle/oracle/chat.py.
@Suite struct ChatFormatSourceTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/chat")

  static let names = [
    "chatml", "deepseek-r1-distill", "deepseek-v2-lite", "gemma-2", "gemma-3", "llama-2", "llama-3", "llama-3.1",
    "llama-3.2", "mistral-nemo", "mistral-v0.1", "mistral-v0.3", "mistral-v1", "qwen2.5", "qwen3", "smollm2", "zephyr",
  ]

  private static func source(_ name: String) throws -> ChatFormatSource {
    let text = try String(contentsOf: folder.appendingPathComponent("\(name).jinja"), encoding: .utf8)
    return try ChatFormatSource(template: text, beginning: "<s>", end: "</s>")
  }

  private static func text(_ source: ChatFormatSource, _ messages: [ChatMessage]) throws -> String {
    String(decoding: try ChatConversation(messages).rendered(by: source.section(), name: "test"), as: UTF8.self)
  }

  @Test(arguments: names) func templateCompiles(_ name: String) throws {
    let source = try ChatFormatSourceTests.source(name)
    let family = ["qwen2.5": "chatml", "qwen3": "chatml", "smollm2": "chatml", "llama-2": "llama2"][name]
    let known = family ?? ["llama-3": "llama3", "llama-3.1": "llama3", "llama-3.2": "llama3"][name]
    #expect(source.family.rawValue == known ?? name.split(separator: "-").first.map(String.init))
    #expect(!source.stops.isEmpty)
  }

  /// What a talk puts into the cache turn by turn is what the template makes of the whole.
  @Test(arguments: names, [nil, "Be brief."]) func turnsAreAPrefixOfTheNext(_ name: String, _ system: String?) throws {
    let source = try ChatFormatSourceTests.source(name)
    let answers = [" Yes. ", "No", "<think>\nHm.\n</think>\n\nWell"]
    var messages = system.map { [ChatMessage(.system, $0)] } ?? []
    var cache: [UInt8] = []
    var marks: (turn: Int, prompt: Int) = (0, 0)
    for turn in 0..<3 {
      messages.append(ChatMessage(.user, " question \(turn)"))
      try source.section().withUnsafeBytes { bytes in
        let format = try ChatFormat(bytes)
        let given = turn > 0 ? answers[turn - 1] : ""
        try ChatTexts(system, given, messages[messages.count - 1].content, messages.dropLast(2).last?.content).with {
          (system, answer, question, earlier) throws(ChatError) in
          var segments = ChatSegments()
          func flush() {
            for index in 0..<segments.count { cache += Array(segments[index].bytes) }
            segments.removeAll()
          }
          if turn == 0 {
            try format.begin(system: system, into: &segments)
            flush()
            marks.turn = cache.count
          } else if format.movesSystem, system != nil, let earlier {
            cache.removeLast(cache.count - marks.turn)
            try format.user(earlier, system: system, isFirst: turn == 1, isLast: false, into: &segments)
            try format.assistant(format.historyText(of: answer), into: &segments)
          } else if try !format.assistantEnd(answer: answer, into: &segments) {
            cache.removeLast(cache.count - marks.prompt)
            try format.assistant(format.historyText(of: answer), into: &segments)
          }
          flush()
          if turn > 0 { marks.turn = cache.count }
          try format.user(question, system: system, isFirst: turn == 0, isLast: true, into: &segments)
          flush()
          marks.prompt = cache.count
          try format.generationPrompt(into: &segments)
          flush()
        }
      }
      let whole = try ChatFormatSourceTests.text(source, messages)
      #expect(String(decoding: cache, as: UTF8.self) == whole)
      cache += Array(answers[turn].utf8)
      messages.append(ChatMessage(.assistant, try ChatFormatSourceTests.historyText(source, answers[turn])))
    }
  }

  private static func historyText(_ source: ChatFormatSource, _ answer: String) throws -> String {
    try source.section().withUnsafeBytes { section in
      let format = try ChatFormat(section)
      return Array(answer.utf8).withUnsafeBytes { String(decoding: format.historyText(of: $0), as: UTF8.self) }
    }
  }

  @Test func defaultSystemTextsAreKept() throws {
    let smol = try ChatFormatSourceTests.text(ChatFormatSourceTests.source("smollm2"), [ChatMessage(.user, "Hi")])
    #expect(
      smol == """
        <|im_start|>system
        You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant

        """)
    let given = try ChatFormatSourceTests.text(
      ChatFormatSourceTests.source("smollm2"), [ChatMessage(.system, "S"), ChatMessage(.user, "Hi")])
    #expect(given.hasPrefix("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n"))
  }

  @Test func namedFormatsAreOfTheirFamily() throws {
    for family in ChatFormatSource.Family.allCases {
      let source = try ChatFormatSource(named: family.rawValue, beginning: "<s>", end: "</s>")
      #expect(source.family == family)
      let text = try ChatFormatSourceTests.text(source, [ChatMessage(.user, "Hi")])
      #expect(family == .none ? text == "Hi" : text.contains("Hi") && text.count > 4)
    }
    #expect(throws: ConversionError.self) { try ChatFormatSource(named: "chatgpt", beginning: "", end: "") }
  }

  /// `[INST]` is a token of Mistral's third tokenizer, and mere letters in that of Llama 2.
  @Test func whatIsNoTokenIsRunningText() throws {
    let url = ChatFormatSourceTests.folder.appendingPathComponent("mistral-v0.3.jinja")
    let text = try String(contentsOf: url, encoding: .utf8)
    func heads(_ isToken: @escaping @Sendable (String) -> Bool) throws -> UInt32 {
      let source = try ChatFormatSource(template: text, beginning: "<s>", end: "</s>", isToken: isToken)
      return source.section().withUnsafeBytes { $0.loadUnaligned(as: ChatFormatRecord.self).pieces[0].headLength }
    }
    #expect(try heads { $0 == "[INST]" || $0 == "[/INST]" } == 0)
    #expect(try heads { _ in false } == 7)
  }

  @Test(arguments: [
    "", "{{ messages[0].content }}", "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}",
    "{% for m in messages %}", "{% endif %}", "{{ 'x", "{{ 1 +", "{% include 'x' %}", "{{ \u{0} }}", "{{ a.b.c }}",
    "{{ raise_exception('no') }}", "{% set x = [1] * 9 %}", "{{ messages[99999999999999999999] }}", "{{ {1: }} }}",
  ])
  func unknownTemplatesAreRefused(_ template: String) {
    let error = #expect(throws: ConversionError.self) {
      try ChatFormatSource(template: template, beginning: "<s>", end: "</s>")
    }
    #expect(error?.lines.count == 1)
    #expect(error?.description.contains("--chat-format (chatml, llama2") == true)
  }

  @Test func hugeTemplatesEndSoon() {
    let deep = String(repeating: "(", count: 30_000) + "1" + String(repeating: ")", count: 30_000)
    let long = "1" + String(repeating: "+1", count: 30_000)
    let minus = String(repeating: "-", count: 60_000) + "1"
    let blocks = String(repeating: "{% if 1 %}", count: 6_000)
    let doubling = "{% set s = 'ab' %}" + String(repeating: "{% set s = s + s %}", count: 60) + "{{ s }}"
    let loops = "{% for a in range(4000) %}{% for b in range(4000) %}x{% endfor %}{% endfor %}"
    for template in ["{{ \(deep) }}", "{{ \(long) }}", "{{ \(minus) }}", blocks, doubling, loops] {
      #expect(throws: ConversionError.self) { try ChatFormatSource(template: template, beginning: "", end: "") }
    }
  }

  /// A template with bytes changed is compiled or refused, never a trap.
  @Test func changedTemplatesAreCompiledOrRefused() throws {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var refused = 0
    for name in ["smollm2", "qwen2.5", "mistral-nemo", "llama-2"] {
      let text = try Array(Data(contentsOf: ChatFormatSourceTests.folder.appendingPathComponent("\(name).jinja")))
      for _ in 0..<60 {
        var changed = text
        for _ in 0...random(3) {
          let place = random(changed.count)
          if random(2) == 0 {
            changed[place] = UInt8(random(128))
          } else {
            changed.removeSubrange(place...min(place + random(9), changed.count - 1))
          }
        }
        let template = String(decoding: changed, as: UTF8.self)
        if (try? ChatFormatSource(template: template, beginning: "<s>", end: "</s>")) == nil { refused += 1 }
      }
    }
    #expect(refused > 60)
  }

  @Test func conversationsMustTakeTurns() throws {
    let hi = ChatMessage(.user, "Hi")
    #expect(throws: ConversionError.self) { try ChatConversation([]) }
    #expect(throws: ConversionError.self) { try ChatConversation([hi, hi]) }
    #expect(throws: ConversionError.self) { try ChatConversation([hi, ChatMessage(.assistant, "Yes")]) }
    #expect(throws: ConversionError.self) { try ChatConversation(json: Array("[{\"role\":1}]".utf8), name: "x") }
    let json = #"{"messages": [{"role": "user", "content": "Hi"}]}"#
    #expect(try ChatConversation(json: Array(json.utf8), name: "x").turns == [hi])
  }
}

/// Four texts in memory while a closure runs.
private struct ChatTexts {
  private let texts: [String?]

  init(_ texts: String?...) { self.texts = texts }

  func with(
    _ body: (UnsafeRawBufferPointer?, UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer?)
      throws(ChatError) -> Void
  ) throws(ChatError) {
    let copies = texts.map { text -> UnsafeMutableRawBufferPointer in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: (text ?? "").utf8.count, alignment: 1)
      copy.copyBytes(from: (text ?? "").utf8)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    let views = zip(texts, copies).map { $0 == nil ? nil : UnsafeRawBufferPointer($1) }
    try body(views[0], views[1]!, views[2]!, views[3])
  }
}
