/// Cuts a text into the words in which byte-pair encoding merges, one after another.
///
/// A pattern is a sequence of up to five rules. The first divides the text into matches and the gaps between them; each
/// further rule divides the pieces that the one before it left, and sees nothing beyond its piece. That is how the
/// pre-tokenizers of Hugging Face's `tokenizers` (`Sequence` of isolating `Split`s) and of llama.cpp are put together.
struct WordSplitter {
  /// A rule by which pieces are divided. The regular expressions are in `WordSplitter+Rules.swift`.
  enum Rule {
    case gpt2, threeDigitWords, oneDigitWords, tekken
    case newline, spacedLetters, spacedPunctuation, spacedCasedLetters, spacedMarks, trailingSpace, ideographs
    case digit, digits, threeDigits, signs, spaces
  }

  let reader: CharacterReader
  private let pattern: WordPattern
  /// ends[0] is the text's end, ends[i] that of the piece which rule i - 1 made.
  private var ends: InlineArray<7, Int>
  private(set) var position: Int

  init(_ pattern: WordPattern, _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) {
    reader = CharacterReader(bytes: bytes)
    self.pattern = pattern
    ends = InlineArray(repeating: start)
    ends[0] = end
    position = start
  }

  /// The end of the next word, which begins at `position`; nil at the text's end. Moves `position` there.
  mutating func next() -> Range<Int>? {
    let start = position
    guard start < ends[0] else { return nil }
    var level = WordSplitter.ruleCount(pattern)
    let deepest = level
    while ends[level] <= start { level -= 1 }
    while level < deepest {
      ends[level + 1] = pieceEnd(WordSplitter.rule(pattern, level), start, ends[level])
      level += 1
    }
    position = ends[deepest]
    return start..<position
  }

  /// The end of the piece at `start`: of a match, or of the gap before the next one. Always beyond `start`.
  private func pieceEnd(_ rule: Rule, _ start: Int, _ end: Int) -> Int {
    var index = start
    while index < end {
      let found = match(rule, index, end)
      if found.isMatch { return index == start ? found.end : index }
      index = found.end
    }
    return end
  }

  private static func ruleCount(_ pattern: WordPattern) -> Int {
    switch pattern {
    case .none: 0
    case .gpt2, .llama3, .qwen2, .tekken, .spaces: 1
    case .smollm: 2
    case .plain: 4
    case .deepseekCoder: 5
    case .deepseekLLM: 6
    }
  }

  private static func rule(_ pattern: WordPattern, _ index: Int) -> Rule {
    switch (pattern, index) {
    case (.llama3, _): .threeDigitWords
    case (.qwen2, _): .oneDigitWords
    case (.tekken, _): .tekken
    case (.spaces, _): .spaces
    case (.smollm, 0): .digit
    case (.plain, 0): .signs
    case (.plain, 2): .digits
    case (.plain, 3): .threeDigits
    case (.deepseekCoder, 0), (.deepseekLLM, 0): .newline
    case (.deepseekCoder, 1): .spacedLetters
    case (.deepseekCoder, 2): .spacedPunctuation
    case (.deepseekCoder, 3), (.deepseekLLM, 4): .ideographs
    case (.deepseekCoder, _), (.deepseekLLM, 5): .digit
    case (.deepseekLLM, 1): .spacedCasedLetters
    case (.deepseekLLM, 2): .spacedMarks
    case (.deepseekLLM, _): .trailingSpace
    default: .gpt2
    }
  }
}
