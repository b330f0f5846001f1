extension ChatFormat {
  /// All that comes before the first user's text: default or given system text, and the header of the user's turn.
  /// - Parameter system: the system text; nil: the format's own, if it has one.
  public func begin(
    system: UnsafeRawBufferPointer?, into segments: inout ChatSegments
  ) throws(ChatError) {
    guard let system, !movesSystem else { return try append(.start, into: &segments) }
    try append(.systemPrefix, into: &segments)
    try segments.append(trimmedSystem(system), parsesSpecial: false)
    try append(.systemSuffix, into: &segments)
  }

  /// A user's turn. The header of the first one is in `begin`.
  /// - Parameters:
  ///   - system: the conversation's system text, if there is one.
  ///   - isLast: the answer to this text is to be generated.
  public func user(
    _ text: UnsafeRawBufferPointer, system: UnsafeRawBufferPointer?, isFirst: Bool, isLast: Bool,
    into segments: inout ChatSegments
  ) throws(ChatError) {
    if !isFirst { try append(.userPrefix, into: &segments) }
    var followsSystem = isFirst && system != nil && !movesSystem
    if let system, movesSystem, isLast {
      try segments.append(trimmedSystem(system), parsesSpecial: false)
      try append(.systemSuffix, into: &segments)
      followsSystem = true
    }
    let start: ChatFlags = followsSystem ? .trimsUserStartAfterSystem : .trimsUserStart
    let kept = ChatText.trimmed(text, start: flags.contains(start), end: flags.contains(.trimsUserEnd))
    try segments.append(kept, parsesSpecial: false)
    try append(.userSuffix, into: &segments)
  }

  /// Where the answer is to begin.
  public func generationPrompt(into segments: inout ChatSegments) throws(ChatError) {
    try append(.generationPrompt, into: &segments)
  }

  /// An answer of the history, whole.
  public func assistant(_ text: UnsafeRawBufferPointer, into segments: inout ChatSegments) throws(ChatError) {
    try append(.assistantPrefix, into: &segments)
    try segments.append(kept(text), parsesSpecial: false)
    try append(.assistantSuffix, into: &segments)
  }

  /// What must follow an answer that was just generated, so that the next turn can come.
  ///
  /// - Parameter answer: all that was generated behind the generation prompt, without the end token.
  /// - Returns: false if the history differs before the answer's end; then nothing was appended, and the turn must be
  ///   rendered from its generation prompt on, by `assistant(historyText(of: answer))`.
  public func assistantEnd(
    answer: UnsafeRawBufferPointer, into segments: inout ChatSegments
  ) throws(ChatError) -> Bool {
    let prompt = text(.generationPrompt)
    let prefix = text(.assistantPrefix)
    let suffix = text(.assistantSuffix)
    let content = kept(historyText(of: answer))
    let present = prompt.count + answer.count
    guard present <= prefix.count + content.count + suffix.count else { return false }
    for index in 0..<present {
      let held = index < prompt.count ? prompt[index] : answer[index - prompt.count]
      let place = index - prefix.count
      let wanted =
        place < 0 ? prefix[index] : place < content.count ? content[place] : suffix[place - content.count]
      guard held == wanted else { return false }
    }
    if present < prefix.count { try append(.assistantPrefix, skipping: present, into: &segments) }
    let rest = ChatText.slice(content, max(present - prefix.count, 0), content.count)
    try segments.append(rest, parsesSpecial: false)
    try append(.assistantSuffix, skipping: max(present - prefix.count - content.count, 0), into: &segments)
    return true
  }

  /// The answer as the history counts it. A format may ask for an answer with `Assistant:` and write `Assistant: ` in
  /// front of it later: the blank that the model made itself is then not part of the answer.
  public func historyText(of answer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let prompt = text(.generationPrompt)
    let prefix = text(.assistantPrefix)
    guard ChatText.starts(prefix, with: prompt) else { return answer }
    let rest = ChatText.slice(prefix, prompt.count, prefix.count)
    return ChatText.starts(answer, with: rest) ? ChatText.slice(answer, rest.count, answer.count) : answer
  }

  private func trimmedSystem(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    ChatText.trimmed(text, start: flags.contains(.trimsSystemStart), end: flags.contains(.trimsSystemEnd))
  }

  /// An answer without its reasoning and without the white space that the format takes away.
  private func kept(_ answer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var text = answer
    if flags.contains(.dropsReasoning), let end = ChatText.endOfReasoning(text) {
      text = ChatText.slice(text, end, text.count)
      if flags.contains(.dropsReasoningLines) {
        var start = 0
        while start < text.count, text[start] == UInt8(ascii: "\n") { start += 1 }
        text = ChatText.slice(text, start, text.count)
      }
    }
    return ChatText.trimmed(
      text, start: flags.contains(.trimsAssistantStart), end: flags.contains(.trimsAssistantEnd))
  }
}
