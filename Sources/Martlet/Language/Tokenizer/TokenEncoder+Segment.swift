/// Text between special tokens: normalized, divided into words, each word encoded.
extension TokenEncoder {
  mutating func encodeSegment(
    _ bytes: UnsafePointer<UInt8>, count: Int, parsesSpecial: Bool, hasPrefix: Bool
  ) throws(TokenizerError) {
    guard count > 0 else { return }
    let length = try normalize(bytes, count, hasPrefix: hasPrefix)
    let text = UnsafePointer(work.text)
    var start = 0
    var index = 0
    while index < length {
      let found = tokenizer.special(text + index, count: length - index, controls: parsesSpecial, normalized: true)
      guard let found else {
        index += 1
        continue
      }
      try encodeWords(text, start, index)
      try append(found.token)
      index += found.length
      start = index
    }
    try encodeWords(text, start, length)
  }

  private mutating func encodeWords(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int
  ) throws(TokenizerError) {
    var splitter = WordSplitter(tokenizer.words, text, from: start, to: end)
    while let word = splitter.next() {
      let bytes = text + word.lowerBound
      if tokenizer.model == .unigram {
        try encodeUnigram(bytes, count: word.count)
      } else if tokenizer.flags.contains(.ignoresMerges),
        case let token = tokenizer.find(bytes, count: word.count), token >= 0
      {
        try append(token)
      } else {
        try encodePairs(bytes, count: word.count)
      }
    }
  }

  /// Writes the text in the form in which the vocabulary has it to the work space; returns its bytes.
  private func normalize(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, hasPrefix: Bool
  ) throws(TokenizerError) -> Int {
    let flags = tokenizer.flags
    let collapses = flags.contains(.collapsesSpaces)
    let text = work.text
    var written = 0
    var isFirst = true
    var isAfterSpace = collapses
    var index = 0
    while index < count {
      let scalar = UTF8Scalar(bytes + index, count: count - index)
      index += scalar.length
      // Only real spaces collapse, not U+2581.
      if isAfterSpace, scalar.code == 0x20 { continue }
      isAfterSpace = collapses && scalar.code == 0x20
      let code = scalar.code == 0x2581 && flags.contains(.readsSpaceMark) ? 0x20 : scalar.code
      guard written + 5 <= work.capacity else { throw .textTooLong }
      if isFirst, hasPrefix, !(code == 0x20 && flags.contains(.prefixesUnlessPresent)) {
        text[written] = 0x20
        written += 1
      }
      isFirst = false
      written += UTF8Scalar.write(code, to: text + written)
    }
    while collapses, written > 0, text[written - 1] == 0x20 { written -= 1 }
    guard tokenizer.normalizer == .nfc, NormalizationFormC.isNeeded(text, count: written) else { return written }
    return try composed(written)
  }

  private func composed(_ count: Int) throws(TokenizerError) -> Int {
    // Canonical decomposition makes at most three characters of two bytes.
    let room = 2 * work.capacity
    var form = NormalizationFormC(codes: work.codes(0), scratch: work.codes(2), capacity: room)
    guard let length = form.normalize(work.text, count: count, room: work.capacity) else { throw .textTooLong }
    return length
  }
}
