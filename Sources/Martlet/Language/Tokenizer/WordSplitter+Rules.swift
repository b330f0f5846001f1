/// The rules, each written by hand after the regular expression that it stands for.
///
/// `\s` is Unicode's White_Space, `\p{..}` are general categories.
extension WordSplitter {
  /// Whether the rule matches at `start`. If so, `end` is the match's end; if not, where to try next.
  struct Match {
    var isMatch: Bool
    var end: Int
  }

  func match(_ rule: Rule, _ start: Int, _ end: Int) -> Match {
    guard let first = reader.character(start, end) else { return Match(isMatch: false, end: end) }
    switch rule {
    case .gpt2: return Match(isMatch: true, end: gpt2(first, start, end))
    case .threeDigitWords: return Match(isMatch: true, end: cased(first, start, end, digits: 3))
    case .oneDigitWords: return Match(isMatch: true, end: cased(first, start, end, digits: 1))
    case .tekken: return Match(isMatch: true, end: tekken(first, start, end))
    // [\r\n]
    case .newline: return Match(isMatch: first.isNewline, end: first.end)
    // \s?\p{L}+, \s?\p{P}+, \s? and a run of one of two printed sets of characters
    case .spacedLetters: return spaced(first, start, end) { $0.isIn(.letter) }
    case .spacedPunctuation: return spaced(first, start, end) { $0.isIn(.punctuation) }
    case .spacedCasedLetters: return spaced(first, start, end) { DeepSeekSets.isCasedLetter($0.code) }
    case .spacedMarks: return spaced(first, start, end) { DeepSeekSets.isMark($0.code) }
    // \s+$
    case .trailingSpace:
      let run = reader.run(.space, start, end)
      return run > start ? Match(isMatch: run == end, end: run) : Match(isMatch: false, end: first.end)
    // [一-龥ࠀ-一가-퟿]+
    case .ideographs:
      var index = start
      while let next = reader.character(index, end), DeepSeekSets.isIdeograph(next.code) { index = next.end }
      return Match(isMatch: index > start, end: max(index, first.end))
    // \p{N}
    case .digit: return Match(isMatch: first.isIn(.number), end: first.end)
    // \p{N}+
    case .digits: return run(first, start, end) { $0.isIn(.number) }
    // [0-9][0-9][0-9]
    case .threeDigits:
      var index = start
      while index < end, index < start + 3, reader.bytes[index] &- 0x30 < 10 { index += 1 }
      return Match(isMatch: index == start + 3, end: max(index, first.end))
    // [\p{P}$+<=>^~|]+
    case .signs: return run(first, start, end) { $0.isIn(.punctuation) || WordSplitter.isSign($0.code) }
    // A space and what follows up to the next one
    case .spaces:
      var index = first.end
      while index < end, reader.bytes[index] != 0x20 { index += 1 }
      return Match(isMatch: true, end: index)
    }
  }

  private func run(
    _ first: CharacterReader.Character, _ start: Int, _ end: Int, _ isIn: (CharacterReader.Character) -> Bool
  ) -> Match {
    var index = start
    while let next = reader.character(index, end), isIn(next) { index = next.end }
    return Match(isMatch: index > start, end: max(index, first.end))
  }

  /// A run after one white space, or without one: U+3000 is both white space and one of the marks.
  private func spaced(
    _ first: CharacterReader.Character, _ start: Int, _ end: Int, _ isIn: (CharacterReader.Character) -> Bool
  ) -> Match {
    if first.isIn(.space), let second = reader.character(first.end, end), isIn(second) {
      return run(second, first.end, end, isIn)
    }
    return run(first, start, end, isIn)
  }

  private static func isSign(_ code: UInt32) -> Bool {
    switch code {
    case 0x24, 0x2B, 0x3C, 0x3D, 0x3E, 0x5E, 0x7C, 0x7E: true
    default: false
    }
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  private func gpt2(_ first: CharacterReader.Character, _ start: Int, _ end: Int) -> Int {
    if let contraction = contraction(start, end, ignoringCase: false) { return contraction }
    var next = first
    var from = start
    if first.code == 0x20, let second = reader.character(first.end, end) {
      next = second
      from = first.end
    }
    if next.isIn(.letter) { return reader.run(.letter, from, end) }
    if next.isIn(.number) { return reader.run(.number, from, end) }
    if next.isIn(.rest) { return reader.run(.rest, from, end) }
    return whiteSpace(start, end)
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
  /// \s+(?!\S)|\s+`
  private func cased(_ first: CharacterReader.Character, _ start: Int, _ end: Int, digits: Int) -> Int {
    if let contraction = contraction(start, end, ignoringCase: true) { return contraction }
    if first.isIn(.letter) { return reader.run(.letter, start, end) }
    if first.isIn(.number) { return reader.run(.number, start, end, limit: digits) }
    if !first.isNewline, let second = reader.character(first.end, end), second.isIn(.letter) {
      return reader.run(.letter, first.end, end)
    }
    return signsOrSpace(first, start, end, slashes: false)
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, with `[\r\n/]*` if `slashes`
  func signsOrSpace(_ first: CharacterReader.Character, _ start: Int, _ end: Int, slashes: Bool) -> Int {
    let from = first.code == 0x20 ? first.end : start
    let signs = reader.run(.rest, from, end)
    if signs > from { return reader.newlines(signs, end, slashes: slashes) }
    // Up to the last line end of the white space.
    var index = start
    var afterNewline = start
    while let next = reader.character(index, end), next.isIn(.space) {
      index = next.end
      if next.isNewline { afterNewline = index }
    }
    return afterNewline > start ? afterNewline : whiteSpace(start, end)
  }

  /// `\s+(?!\S)|\s+`: the last space before a word stays with the word, unless it is the only one.
  private func whiteSpace(_ start: Int, _ end: Int) -> Int {
    var index = start
    var beforeLast = start
    while let next = reader.character(index, end), next.isIn(.space) {
      beforeLast = index
      index = next.end
    }
    return index == end || beforeLast == start ? index : beforeLast
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d`; U+017F is an s to those that ignore case.
  private func contraction(_ start: Int, _ end: Int, ignoringCase: Bool) -> Int? {
    let bytes = reader.bytes
    guard bytes[start] == 0x27, start + 1 < end else { return nil }
    let fold: UInt8 = ignoringCase ? 0x20 : 0
    let first = bytes[start + 1]
    switch first | fold {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    case 0xC5 | fold:
      return ignoringCase && start + 2 < end && first == 0xC5 && bytes[start + 2] == 0xBF ? start + 3 : nil
    case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
      guard start + 2 < end else { return nil }
      let wanted = first | fold == UInt8(ascii: "l") ? UInt8(ascii: "l") : UInt8(ascii: "e")
      return bytes[start + 2] | fold == wanted ? start + 3 : nil
    default: return nil
    }
  }
}
