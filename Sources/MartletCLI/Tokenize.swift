import CMartletLinux
import Martlet
import MartletDevice

/// `martlet tokenize MODEL [FILE|-] [--decode] [--special] [--lines] [--null]`: text to token ids, or back.
enum Tokenize {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.decode, .special, .lines, .null])
    if arguments.has(.help) { return try report(Help.tokenize) }
    guard let model = arguments.paths.first else { throw .usage("which model? give the path of a .martlet file") }
    guard arguments.paths.count <= 2 else { throw .usage("\(arguments.paths[2].text): one file at a time") }
    let file = try ModelOpener.file(model, verb: "tokenize")
    try ModelOpener.require(language: true, file)
    let session: TokenizeSession
    do throws(ModelError) {
      session = TokenizeSession(
        try Tokenizer(file: file.bytes), separator: separator(arguments), parsesSpecial: arguments.has(.special))
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
    let input = try Input.bytes(arguments.paths.count > 1 ? arguments.paths[1] : nil)
    if arguments.has(.decode) {
      try session.decode(input)
    } else {
      try session.encode(input)
    }
  }

  /// What ends a text, if there are several.
  private static func separator(_ arguments: Arguments) -> UInt8? {
    arguments.has(.null) ? 0 : arguments.has(.lines) ? UInt8(ascii: "\n") : nil
  }
}

/// Texts of one input, one after another.
struct TokenizeSession {
  private let tokenizer: Tokenizer
  private let separator: UInt8?
  private let parsesSpecial: Bool

  init(_ tokenizer: Tokenizer, separator: UInt8?, parsesSpecial: Bool) {
    self.tokenizer = tokenizer
    self.separator = separator
    self.parsesSpecial = parsesSpecial
  }

  /// One line of ids for each text.
  func encode(_ input: [UInt8]) throws(CommandError) {
    let texts = texts(in: input)
    let longest = texts.reduce(0) { max($0, $1.count) }
    let work: MappedMemory
    do throws(ModelError) {
      work = try MappedMemory(byteCount: tokenizer.workBytes(textBytes: longest))
    } catch {
      throw CommandError("a text of \(longest) bytes is too long", exitCode: ExitCode.system)
    }
    // A byte is at most three tokens (U+FFFD in bytes); BOS and a space before the text are two more.
    var tokens = [Int32](repeating: 0, count: 3 * longest + 2)
    var output: [UInt8] = []
    for text in texts {
      var count = 0
      do throws(TokenizerError) {
        count = try encode(input, text, work, &tokens)
      } catch {
        throw CommandError("the model's tokenizer is damaged; martlet verify says more", exitCode: ExitCode.data)
      }
      for index in 0..<count {
        if index > 0 { output.append(UInt8(ascii: " ")) }
        TokenizeSession.append(tokens[index], to: &output)
      }
      output.append(UInt8(ascii: "\n"))
    }
    try Input.write(output)
  }

  private func encode(
    _ input: [UInt8], _ range: Range<Int>, _ work: borrowing MappedMemory, _ tokens: inout [Int32]
  ) throws(TokenizerError) -> Int {
    try input.withUnsafeBufferPointer { bytes throws(TokenizerError) in
      try tokens.withUnsafeMutableBufferPointer { target throws(TokenizerError) in
        try tokenizer.encode(
          UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range])), parsesSpecial: parsesSpecial,
          isStart: true, work: work.bytes,
          into: target)
      }
    }
  }

  /// One text for each line of ids, each followed by the separator; a whole input is one text with nothing after it.
  func decode(_ input: [UInt8]) throws(CommandError) {
    var output: [UInt8] = []
    for line in Input.lines(input, separator == nil ? nil : UInt8(ascii: "\n")) {
      var isFirst = true
      for word in Input.words(input, line) {
        guard let id = TokenizeSession.number(input[word]), Int(id) < tokenizer.count else {
          let text = input[word].withUnsafeBytes { String(utf8: $0) }
          throw CommandError("\(text): is not one of the \(tokenizer.count) tokens", exitCode: ExitCode.data)
        }
        var bytes = tokenizer.bytes(of: id, special: parsesSpecial)
        if isFirst, id != tokenizer.beginning {
          isFirst = false
          if tokenizer.stripsLeadingSpace, bytes.first == UInt8(ascii: " ") {
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
          }
        }
        output.append(contentsOf: bytes)
      }
      if let separator { output.append(separator) }
    }
    try Input.write(output)
  }

  private func texts(in input: [UInt8]) -> [Range<Int>] { Input.lines(input, separator) }

  private static func append(_ number: Int32, to output: inout [UInt8]) {
    var text = String(number)
    text.withUTF8 { output.append(contentsOf: $0) }
  }

  static func number(_ digits: ArraySlice<UInt8>) -> Int32? {
    guard !digits.isEmpty, digits.count < 10 else { return nil }
    var value: Int32 = 0
    for digit in digits {
      guard digit &- 0x30 < 10 else { return nil }
      value = value * 10 + Int32(digit - 0x30)
    }
    return value
  }
}
