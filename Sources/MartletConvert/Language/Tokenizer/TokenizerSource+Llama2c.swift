import Martlet

extension TokenizerSource {
  /// llama2.c's `tokenizer.bin`: the length of the longest token, then a float32 score, a length and the bytes of each
  /// token, all little-endian. Tokens 0, 1 and 2 are unknown, BOS and EOS; those for bytes are written `<0xXX>`.
  public init(llama2c tokenizer: [UInt8], vocabularySize: Int) throws(ConversionError) {
    guard vocabularySize > 2, vocabularySize <= TokenizerFormat.maxTokens else {
      throw .badData("tokenizer: a vocabulary of \(vocabularySize) tokens, not 3 to \(TokenizerFormat.maxTokens)")
    }
    self.init(model: .scored)
    var position = 4
    func word(_ id: Int) throws(ConversionError) -> UInt32 {
      guard position + 4 <= tokenizer.count else {
        throw .badData("tokenizer: ends within token \(id) of \(vocabularySize)")
      }
      defer { position += 4 }
      return (0..<4).reduce(0) { $0 | UInt32(tokenizer[position + $1]) << UInt32(8 * $1) }
    }
    tokens.reserveCapacity(vocabularySize)
    for id in 0..<vocabularySize {
      let score = Float(bitPattern: try word(id))
      let length = Int(try word(id))
      guard length <= TokenizerFormat.maxTextBytes, position + length <= tokenizer.count else {
        throw .badData(
          "tokenizer: token \(id) has \(length) bytes, more than are there or over the limit of "
            + "\(TokenizerFormat.maxTextBytes)")
      }
      tokens.append(TokenizerSource.llama2cToken(id, Array(tokenizer[position..<position + length]), score))
      position += length
    }
    guard position == tokenizer.count else {
      throw .badData(
        "tokenizer: has \(tokenizer.count - position) bytes after token \(vocabularySize - 1); "
          + "is it for another vocabulary?")
    }
    // The space that begins a text stands behind its BOS.
    flags = .addsBeginning | .prefixesStart | .prefixesAfterControl | .fallsBackToBytes | .readsSpaceMark
    unknown = 0
    beginning = 1
    ends = [2]
    // llama2.c's own exporter writes "\n<s>\n" and "\n</s>\n" for these.
    tokens[1].text = Array("<s>".utf8)
    tokens[2].text = Array("</s>".utf8)
  }

  private static func llama2cToken(_ id: Int, _ text: [UInt8], _ score: Float) -> Token {
    if id < 3 {
      return Token(text: text, type: id == 0 ? .unknown : .control, score: score, isSearched: false, isSpecial: true)
    }
    if let byte = SpaceMark.byte(text) { return Token(text: [byte], type: .byte, score: score, isSearched: false) }
    // The exporter has already put spaces in place of U+2581.
    return Token(text: SpaceMark.decode(text), type: .normal, score: score, isSearched: !text.isEmpty)
  }
}
