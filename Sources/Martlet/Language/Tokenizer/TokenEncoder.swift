/// One call of `Tokenizer.encode`: divides the text at special tokens and passes what is between them on.
struct TokenEncoder {
  let tokenizer: Tokenizer
  let work: TokenizerWork
  private let output: UnsafeMutableBufferPointer<Int32>
  private(set) var count = 0
  /// The last token was the unknown one.
  private var endsUnknown = false

  init(_ tokenizer: Tokenizer, work: TokenizerWork, output: UnsafeMutableBufferPointer<Int32>) {
    self.tokenizer = tokenizer
    self.work = work
    self.output = output
  }

  mutating func append(_ token: Int32) throws(TokenizerError) {
    guard count < output.count else { throw .tooManyTokens }
    guard tokenizer.isToken(token) else { throw .damaged }
    output[count] = token
    count += 1
    endsUnknown = false
  }

  /// What is no token: its bytes' tokens if the model wants that and has them, else the unknown token, else nothing.
  mutating func appendUnknown(_ bytes: UnsafePointer<UInt8>, count byteCount: Int) throws(TokenizerError) {
    if tokenizer.flags.contains(.fallsBackToBytes), hasTokens(bytes, byteCount) {
      for index in 0..<byteCount { try append(tokenizer.byteTokens[Int(bytes[index])] ?? TokenizerFormat.none) }
      return
    }
    guard tokenizer.header.unknown >= 0 else { return }
    if endsUnknown && tokenizer.flags.contains(.fusesUnknown) { return }
    try append(tokenizer.header.unknown)
    endsUnknown = true
  }

  private func hasTokens(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    for index in 0..<count where (tokenizer.byteTokens[Int(bytes[index])] ?? -1) < 0 { return false }
    return true
  }

  mutating func encode(
    _ text: UnsafeRawBufferPointer, parsesSpecial: Bool, isStart: Bool, addsBeginning: Bool, after token: Int32
  ) throws(TokenizerError) {
    guard text.count <= work.capacity else { throw .textTooLong }
    // An empty text has no address: that of the work space will do.
    let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(work.text)
    let flags = tokenizer.flags
    if isStart, addsBeginning, let beginning = tokenizer.beginning,
      !(parsesSpecial && starts(with: beginning, bytes, text.count))
    {
      try append(beginning)
    }
    var hasPrefix = isStart ? flags.contains(.prefixesStart) : tokenizer.prefixes(after: token)
    var start = 0
    var index = 0
    while index < text.count {
      let found = tokenizer.special(
        bytes + index, count: text.count - index, controls: parsesSpecial, normalized: false)
      guard let found else {
        index += 1
        continue
      }
      let end = found.flags.contains(.stripsLeft) ? spaceStart(bytes, start, index) : index
      try encodeSegment(bytes + start, count: end - start, parsesSpecial: parsesSpecial, hasPrefix: hasPrefix)
      try append(found.token)
      index += found.length
      if found.flags.contains(.stripsRight) { index = spaceEnd(bytes, index, text.count) }
      start = index
      hasPrefix = flags.contains(found.isControl ? .prefixesAfterControl : .prefixesAfterUserDefined)
    }
    try encodeSegment(
      bytes + start, count: text.count - start, parsesSpecial: parsesSpecial, hasPrefix: hasPrefix)
  }

  private func starts(with token: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    tokenizer.special(bytes, count: count, controls: true, normalized: false)?.token == token
  }

  private func spaceEnd(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    CharacterReader(bytes: bytes).run(.space, start, end)
  }

  /// Where the white space begins that ends at `end`.
  private func spaceStart(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var index = end
    while index > start {
      var before = index - 1
      while before > start, index - before < 4, bytes[before] & 0xC0 == 0x80 { before -= 1 }
      let scalar = UTF8Scalar(bytes + before, count: index - before)
      guard scalar.length == index - before, CharacterClass(of: scalar.code) == .space else { break }
      index = before
    }
    return index
  }
}

extension Tokenizer {
  /// Bytes of work space that `encode` needs for a text of at most `textBytes` bytes.
  ///
  /// Normalized, a text has at most three times its bytes (an invalid byte becomes U+FFFD; normalization form C grows
  /// UTF-8 no further than that), and a space before it.
  public func workBytes(textBytes: Int) -> Int {
    let (bytes, overflow) = max(textBytes, 0).multipliedReportingOverflow(by: 3)
    return overflow || bytes > .max - 8 ? .max : TokenizerWork.byteCount(capacity: bytes + 8)
  }

  /// Token ids of a text; returns how many.
  ///
  /// Invalid UTF-8 becomes U+FFFD as in Python's `errors="replace"`.
  /// - Parameters:
  ///   - text: need not be UTF-8.
  ///   - parsesSpecial: control tokens that are written in the text become those tokens. User-defined ones always do,
  ///     unless the model's chat format is made of them.
  ///   - isStart: the text is the beginning of what the model reads: BOS is put before it, if the model wants one and
  ///     the text does not begin with it as a control token; and a space, if the model was trained so.
  ///   - addsBeginning: false: no BOS, whatever the model wants.
  ///   - token: what the text stands behind, if it is not the start and the token is known: some models have a space
  ///     behind control tokens, too.
  ///   - work: at least `workBytes(textBytes:)` for the text's bytes.
  ///   - tokens: where the ids go.
  @inline(never)
  public func encode(
    _ text: UnsafeRawBufferPointer, parsesSpecial: Bool, isStart: Bool, addsBeginning: Bool = true,
    after token: Int32 = -1, work: UnsafeMutableRawBufferPointer, into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(TokenizerError) -> Int {
    var encoder = TokenEncoder(self, work: TokenizerWork(work), output: tokens)
    try encoder.encode(text, parsesSpecial: parsesSpecial, isStart: isStart, addsBeginning: addsBeginning, after: token)
    return encoder.count
  }
}
