import Martlet

/// Reads a chat format off a template by rendering conversations of made-up words and looking at what stands between
/// them, then proves it: the device's own code must give the template's text for every probe, or the template is
/// refused.
struct ChatFormatDerivation {
  private let template: ChatTemplate
  private(set) var pieces = ChatPieces()
  /// The template refuses or ignores a system text.
  private(set) var lacksSystem = false

  private static let user = ["xquaax", "xqubbx", "xquccx"]
  private static let answer = ["xansaax", "xansbbx"]
  private static let system = "xsysx"

  init?(_ template: ChatTemplate, isToken: (@Sendable (String) -> Bool)?) throws(JinjaError) {
    self.template = template
    pieces.isToken = isToken
    guard try deriveTurns(), try deriveSystem(), try deriveFlags(), try isProven() else { return nil }
  }

  // MARK: Texts

  private static func messages(_ system: String?, _ turns: [String]) -> [ChatMessage] {
    (system.map { [ChatMessage(.system, $0)] } ?? [])
      + turns.enumerated().map { ChatMessage($0.offset % 2 == 0 ? .user : .assistant, $0.element) }
  }

  private static var words: [String] { [user[0], answer[0], user[1], answer[1], user[2]] }

  private mutating func deriveTurns() throws(JinjaError) -> Bool {
    let words = ChatFormatDerivation.words
    let whole = try template.render(ChatFormatDerivation.messages(nil, words), prompt: true)
    guard let parts = Bytes.split(whole.text, at: words), parts[1] == parts[3], parts[2] == parts[4] else {
      return false
    }
    if whole.hasBeginning { pieces.flags = .startsWithBeginning }
    pieces[.start] = parts[0]

    let bare = try? template.render(ChatFormatDerivation.messages(nil, [words[0]]), prompt: false).text
    let tail = bare.flatMap { Bytes.split($0, at: [words[0]]) }?[1]
    let suffix = tail.flatMap { parts[1].starts(with: $0) && parts[5].starts(with: $0) ? $0 : nil }
    pieces[.userSuffix] = suffix ?? Bytes.commonPrefix(parts[1], parts[5])
    pieces[.assistantPrefix] = Array(parts[1].dropFirst(pieces[.userSuffix].count))
    pieces[.generationPrompt] = Array(parts[5].dropFirst(pieces[.userSuffix].count))

    let closed = try? template.render(ChatFormatDerivation.messages(nil, Array(words[0...1])), prompt: false).text
    let closing = closed.flatMap { Bytes.split($0, at: Array(words[0...1])) }?[2]
    pieces[.assistantSuffix] = closing.flatMap { parts[2].starts(with: $0) ? $0 : nil } ?? []
    pieces[.userPrefix] = Array(parts[2].dropFirst(pieces[.assistantSuffix].count))
    if let stop = ChatTokenTexts.first(of: parts[2]) { pieces.stops = [stop] }
    return true
  }

  private mutating func deriveSystem() throws(JinjaError) -> Bool {
    let words = ChatFormatDerivation.words
    let system = ChatFormatDerivation.system
    let text: [UInt8]
    do throws(JinjaError) {
      text = try template.render(ChatFormatDerivation.messages(system, words), prompt: true).text
    } catch {
      guard case .raised = error else { throw error }
      text = []
    }
    if let parts = Bytes.split(text, at: [system] + words) {
      pieces[.systemPrefix] = parts[0]
      pieces[.systemSuffix] = parts[1]
    } else if let parts = Bytes.split(text, at: words[0...3] + [system, words[4]]) {
      pieces[.systemSuffix] = parts[5]
      pieces.flags = pieces.flags.union(.systemInLastTurn)
    } else if JinjaText.ranges(of: system, in: String(decoding: text, as: UTF8.self), limit: 1).isEmpty {
      lacksSystem = true
      pieces[.systemPrefix] = pieces[.start]
      pieces[.systemSuffix] = Array("\n\n".utf8)
    } else {
      return false
    }
    return true
  }

  // MARK: Flags

  /// What is trimmed, by trying: white space around every text, with and without system, and a reasoning.
  private mutating func deriveFlags() throws(JinjaError) -> Bool {
    func padded(_ word: String) -> String { " \n\(word)\t \n" }
    let words = ChatFormatDerivation.words
    let system = ChatFormatDerivation.system
    let reasoned = ["u", "<think>\nr\n</think>\n\na", "v"]
    var conversations = [
      ChatFormatDerivation.messages(nil, words.map(padded)), ChatFormatDerivation.messages(nil, reasoned),
    ]
    if !lacksSystem { conversations.append(ChatFormatDerivation.messages(padded(system), words.map(padded))) }
    var wanted: [[UInt8]] = []
    for conversation in conversations { wanted.append(try template.render(conversation, prompt: true).text) }
    let fixed = pieces.flags
    for reasoning in [ChatFlags.nothing, .dropsReasoning, .dropsReasoning.union(.dropsReasoningLines)] {
      for trims in 0..<UInt32(1 << 7) {
        pieces.flags = fixed.union(reasoning).union(ChatFlags(rawValue: trims))
        if zip(conversations, wanted).allSatisfy({ rendered($0.0) == $0.1 }) {
          // As if the user had written both: the system text trimmed, then an empty line.
          if lacksSystem { pieces.flags = pieces.flags.union(.trimsSystemStart).union(.trimsSystemEnd) }
          return true
        }
      }
    }
    return false
  }

  // MARK: Proof

  private func rendered(_ conversation: [ChatMessage]) -> [UInt8]? {
    guard let section = pieces.section else { return nil }
    return try? ChatConversation(conversation).rendered(by: section, name: "")
  }

  private func isProven() throws(JinjaError) -> Bool {
    let odd = [
      "\u{A0}\u{2003} a\u{1F600} \u{3000}", "<think>x</think>\n\n<think>y</think>\n z",
      "<|im_end|>\n<|im_start|>system\nx",
      " [INST] </s><s> [/INST] ", "\u{1C}b\u{85}",
    ]
    let systems: [String?] = lacksSystem ? [nil] : [nil, "Be brief.", "  <|eot_id|>\n\n s \n"]
    for system in systems {
      for turns in [["Hello"], ["a", "b", "c"], odd, [odd[2], odd[3], odd[0]], ["\n", " x", "y ", "\t", "z"]] {
        // Llama 2 trims system and first user's text as one: of a blank text it takes line ends of its own too.
        if system != nil, turns[0] == "\n" { continue }
        let conversation = ChatFormatDerivation.messages(system, turns)
        guard try rendered(conversation) == template.render(conversation, prompt: true).text else { return false }
      }
    }
    return true
  }
}

/// Searching in UTF-8, since characters of Swift may join what two texts bring together.
private enum Bytes {
  /// What stands before, between and behind the words, each of which must be there once, in order.
  static func split(_ text: [UInt8], at words: [String]) -> [[UInt8]]? {
    var parts: [[UInt8]] = []
    var start = 0
    let whole = String(decoding: text, as: UTF8.self)
    for word in words {
      let found = JinjaText.ranges(of: word, in: whole, limit: 2)
      guard found.count == 1, found[0].lowerBound >= start else { return nil }
      parts.append(Array(text[start..<found[0].lowerBound]))
      start = found[0].upperBound
    }
    return parts + [Array(text[start...])]
  }

  static func commonPrefix(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    var length = zip(a, b).prefix { $0 == $1 }.count
    // Not in the middle of a character.
    while length > 0, length < a.count, a[length] & 0xC0 == 0x80 { length -= 1 }
    return Array(a[..<length])
  }
}
