/// The parts of a template: text, and the tokens inside its tags. White space around tags is taken away as
/// `transformers` has Jinja do it (`trim_blocks`, `lstrip_blocks`, and a minus sign).
enum JinjaToken: Equatable {
  case text(String)
  case beginOutput, endOutput
  case beginStatement, endStatement
  case name(String)
  case string(String)
  case integer(Int)
  case symbol(String)
}

struct JinjaLexer {
  private let source: [Unicode.Scalar]
  private var at = 0
  private var tokens: [JinjaToken] = []
  /// The text begins at a line's start, so that blanks before a block may go.
  private var isLineStart = true
  /// The tag before ended with a minus sign.
  private var trimsNext = false

  static func tokens(of template: String) throws(JinjaError) -> [JinjaToken] {
    var lexer = JinjaLexer(template)
    try lexer.run()
    return lexer.tokens
  }

  private init(_ template: String) {
    var scalars = Array(template.unicodeScalars)
    // As Jinja: line ends become \n, and one at the very end is dropped.
    var clean: [Unicode.Scalar] = []
    clean.reserveCapacity(scalars.count)
    for (index, scalar) in scalars.enumerated() {
      if scalar == "\r" {
        if index + 1 < scalars.count, scalars[index + 1] == "\n" { continue }
        clean.append("\n")
      } else {
        clean.append(scalar)
      }
    }
    scalars = clean
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
  }

  private mutating func run() throws(JinjaError) {
    while at < source.count {
      let start = at
      while at < source.count, !isTag(at) { at += 1 }
      addText(source[start..<at])
      guard at < source.count else { break }
      let kind = source[at + 1]
      at += 2
      if at < source.count, source[at] == "-" || source[at] == "+" { at += 1 }
      if kind == "#" {
        try skipComment()
      } else {
        tokens.append(kind == "{" ? .beginOutput : .beginStatement)
        try readTag(closing: kind == "{" ? "}" : "%")
      }
    }
  }

  private func isTag(_ place: Int) -> Bool {
    guard source[place] == "{", place + 1 < source.count else { return false }
    return source[place + 1] == "{" || source[place + 1] == "%" || source[place + 1] == "#"
  }

  private mutating func addText(_ slice: ArraySlice<Unicode.Scalar>) {
    var text = slice
    if trimsNext { text = text.drop { JinjaLexer.isSpace($0) } }
    trimsNext = false
    if at < source.count {
      let sign: Unicode.Scalar = at + 2 < source.count ? source[at + 2] : " "
      if sign == "-" {
        while let last = text.last, JinjaLexer.isSpace(last) { text.removeLast() }
      } else if sign != "+", source[at + 1] != "{" {
        let line = text.lastIndex(of: "\n").map { $0 + 1 } ?? text.startIndex
        let isBlank = text[line...].allSatisfy { JinjaLexer.isSpace($0) }
        if isBlank, line > text.startIndex || isLineStart { text = text[..<line] }
      }
    }
    if !text.isEmpty { tokens.append(.text(JinjaLexer.string(text))) }
  }

  /// Behind a statement or a comment one line end goes; a minus sign takes all white space.
  private mutating func endTag(minus: Bool, isBlock: Bool) {
    isLineStart = false
    if minus {
      trimsNext = true
      var place = at
      while place < source.count, JinjaLexer.isSpace(source[place]) { place += 1 }
      isLineStart = place > at && source[place - 1] == "\n"
    } else if isBlock, at < source.count, source[at] == "\n" {
      at += 1
      isLineStart = true
    }
  }

  private mutating func skipComment() throws(JinjaError) {
    while at + 1 < source.count {
      if source[at] == "#", source[at + 1] == "}" {
        let minus = source[at - 1] == "-"
        at += 2
        return endTag(minus: minus, isBlock: true)
      }
      at += 1
    }
    throw .unsupported("a comment that does not end")
  }

  private mutating func readTag(closing: Unicode.Scalar) throws(JinjaError) {
    while at < source.count {
      let scalar = source[at]
      if JinjaLexer.isSpace(scalar) {
        at += 1
      } else if let minus = endOfTag(closing) {
        at += minus ? 3 : 2
        tokens.append(closing == "%" ? .endStatement : .endOutput)
        return endTag(minus: minus, isBlock: closing == "%")
      } else if scalar == "\"" || scalar == "'" {
        try readString(scalar)
      } else if scalar.properties.numericType == .decimal, scalar.isASCII {
        try readInteger()
      } else if JinjaLexer.isName(scalar) {
        let start = at
        while at < source.count, JinjaLexer.isName(source[at]) { at += 1 }
        tokens.append(.name(JinjaLexer.string(source[start..<at])))
      } else {
        try readSymbol()
      }
    }
    throw .unsupported("a tag that does not end")
  }

  private func endOfTag(_ closing: Unicode.Scalar) -> Bool? {
    func matches(_ place: Int) -> Bool {
      // `}}` of a mapping inside an output does not occur in chat templates.
      place + 1 < source.count && source[place] == closing && source[place + 1] == "}"
    }
    if matches(at) { return false }
    return source[at] == "-" && matches(at + 1) ? true : nil
  }

  private mutating func readString(_ quote: Unicode.Scalar) throws(JinjaError) {
    var text = String.UnicodeScalarView()
    at += 1
    while at < source.count, source[at] != quote {
      if source[at] == "\\", at + 1 < source.count {
        at += 1
        switch source[at] {
        case "n": text.append("\n")
        case "t": text.append("\t")
        case "r": text.append("\r")
        case "\\", "'", "\"": text.append(source[at])
        case "u": text.append(try readEscape())
        case "x", "N", "U", "a", "b", "f", "v", "\n", "0"..."7": throw .unsupported("an escape in a string")
        default: text.append(contentsOf: ["\\", source[at]])
        }
      } else {
        text.append(source[at])
      }
      at += 1
    }
    guard at < source.count else { throw .unsupported("a string that does not end") }
    at += 1
    tokens.append(.string(String(text)))
  }

  /// `\uXXXX`; leaves `at` on its last digit.
  private mutating func readEscape() throws(JinjaError) -> Unicode.Scalar {
    guard at + 4 < source.count, let value = UInt32(JinjaLexer.string(source[(at + 1)...(at + 4)]), radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw .unsupported("a \\u escape") }
    at += 4
    return scalar
  }

  private mutating func readInteger() throws(JinjaError) {
    var value = 0
    while at < source.count, source[at].isASCII, let digit = Int(String(source[at])) {
      value = min(value &* 10 &+ digit, 1 << 40)
      at += 1
    }
    if at + 1 < source.count, source[at] == ".", ("0"..."9").contains(source[at + 1]) {
      throw .unsupported("a number that is not whole")
    }
    tokens.append(.integer(value))
  }

  private mutating func readSymbol() throws(JinjaError) {
    let two = at + 1 < source.count ? JinjaLexer.string(source[at...(at + 1)]) : ""
    if ["==", "!=", "<=", ">=", "//", "**"].contains(two) {
      tokens.append(.symbol(two))
      at += 2
    } else if "()[]{}.,:|+-*/%~<>=".unicodeScalars.contains(source[at]) {
      tokens.append(.symbol(String(source[at])))
      at += 1
    } else {
      throw .unsupported("the character '\(printable(String(source[at])))' in a tag")
    }
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { JinjaText.isSpace(scalar) }

  private static func isName(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || (scalar.isASCII && scalar.properties.isAlphabetic)
      || (scalar.isASCII && scalar.properties.numericType == .decimal)
  }
}
