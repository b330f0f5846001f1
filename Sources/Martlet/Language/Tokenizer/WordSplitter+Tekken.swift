/// Mistral Nemo's pattern, in which words end where a capital follows a small letter.
extension WordSplitter {
  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
  private static var capitals: CharacterClass { .upper | .title | both }
  /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
  private static var smalls: CharacterClass { .lower | both }
  private static var both: CharacterClass { .modifierLetter | .otherLetter | .mark }

  /// With C and S for these two sets:
  /// `[^\r\n\p{L}\p{N}]?C*S+|[^\r\n\p{L}\p{N}]?C+S*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  func tekken(_ first: CharacterReader.Character, _ start: Int, _ end: Int) -> Int {
    let canLead = !first.isNewline && !first.isIn(.letter | .number)
    // A mark can be the leading character as well as the first of the word: leading is tried first.
    if canLead, let small = endingSmall(first.end, end) { return small }
    if let small = endingSmall(start, end) { return small }
    if canLead {
      let word = reader.run(WordSplitter.capitals, first.end, end)
      if word > first.end { return reader.run(WordSplitter.smalls, word, end) }
    }
    let word = reader.run(WordSplitter.capitals, start, end)
    if word > start { return reader.run(WordSplitter.smalls, word, end) }
    if first.isIn(.number) { return first.end }
    return signsOrSpace(first, start, end, slashes: true)
  }

  /// `C*S+` from `start`: the end of its match. Where no S follows the longest C*, it gives back characters up to the
  /// last one that is an S too.
  private func endingSmall(_ start: Int, _ end: Int) -> Int? {
    var index = start
    var afterLastBoth: Int?
    while let next = reader.character(index, end), next.isIn(WordSplitter.capitals) {
      index = next.end
      if next.isIn(WordSplitter.smalls) { afterLastBoth = index }
    }
    let smalls = reader.run(WordSplitter.smalls, index, end)
    return smalls > index ? smalls : afterLastBoth
  }
}
