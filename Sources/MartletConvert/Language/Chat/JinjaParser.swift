/// Builds statements from tokens. Nesting is limited, so that no file can exhaust the stack.
struct JinjaParser {
  private let tokens: [JinjaToken]
  var at = 0
  var depth = 0
  static let maxDepth = 64
  /// Operators, members and calls of one tag: each may nest its expression one deeper, and evaluating that takes stack.
  private static let maxOperators = 400
  private var operators = 0

  static func statements(of template: String) throws(JinjaError) -> [JinjaStatement] {
    var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: template))
    let statements = try parser.body(until: [])
    guard parser.at == parser.tokens.count else { throw .unsupported("a tag without its beginning") }
    return statements
  }

  private init(tokens: [JinjaToken]) {
    self.tokens = tokens
  }

  // MARK: Tokens

  var next: JinjaToken? { at < tokens.count ? tokens[at] : nil }

  func peek(_ distance: Int) -> JinjaToken? { at + distance < tokens.count ? tokens[at + distance] : nil }

  mutating func take(_ token: JinjaToken) -> Bool {
    guard next == token else { return false }
    at += 1
    return true
  }

  mutating func expect(_ token: JinjaToken) throws(JinjaError) {
    guard take(token) else { throw .unsupported("\(described(next)) where \(described(token)) should be") }
  }

  mutating func name() throws(JinjaError) -> String {
    guard case .name(let name)? = next else { throw .unsupported("\(described(next)) where a name should be") }
    at += 1
    return name
  }

  func described(_ token: JinjaToken?) -> String {
    switch token {
    case nil: "the end"
    case .text, .beginOutput, .endOutput, .beginStatement, .endStatement: "a tag's edge"
    case .name(let name): "'\(printable(name))'"
    case .string: "a string"
    case .integer(let value): "\(value)"
    case .symbol(let symbol): "'\(symbol)'"
    }
  }

  mutating func nested<T>(_ body: (inout JinjaParser) throws(JinjaError) -> T) throws(JinjaError) -> T {
    guard depth < JinjaParser.maxDepth else { throw .unsupported("nesting deeper than \(JinjaParser.maxDepth)") }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  mutating func countOperator() throws(JinjaError) {
    operators += 1
    guard operators <= JinjaParser.maxOperators else {
      throw .unsupported("more than \(JinjaParser.maxOperators) operators in a tag")
    }
  }

  // MARK: Statements

  /// Statements up to a tag that begins with one of the words, which is left where it is.
  private mutating func body(until ends: [String]) throws(JinjaError) -> [JinjaStatement] {
    try nested { parser throws(JinjaError) in
      var statements: [JinjaStatement] = []
      while let token = parser.next {
        parser.operators = 0
        if case .text(let text) = token {
          parser.at += 1
          statements.append(.text(text))
        } else if parser.take(.beginOutput) {
          statements.append(.output(try parser.expression()))
          try parser.expect(.endOutput)
        } else if token == .beginStatement, case .name(let word)? = parser.peek(1) {
          if ends.contains(word) { return statements }
          parser.at += 2
          statements.append(try parser.statement(word))
        } else {
          throw .unsupported(parser.described(token))
        }
      }
      guard ends.isEmpty else { throw .unsupported("no '\(ends[ends.count - 1])'") }
      return statements
    }
  }

  private mutating func statement(_ word: String) throws(JinjaError) -> JinjaStatement {
    switch word {
    case "if": return try branch()
    case "for": return try loop()
    case "set": return try assignment()
    case "macro":
      // Tools are written by macros. A call of one is refused, its name being undefined.
      _ = try skip(to: "endmacro", "")
      return .text("")
    case "generation", "endgeneration":
      try expect(.endStatement)
      return .text("")
    default: throw .unsupported("the statement '\(printable(word))'")
    }
  }

  private mutating func branch() throws(JinjaError) -> JinjaStatement {
    var branches: [(condition: JinjaExpression?, body: [JinjaStatement])] = []
    var condition: JinjaExpression? = try expression()
    while true {
      try expect(.endStatement)
      branches.append((condition, try body(until: ["elif", "else", "endif"])))
      try expect(.beginStatement)
      switch try name() {
      case "elif": condition = try expression()
      case "else": condition = nil
      default:
        try expect(.endStatement)
        return .branch(branches)
      }
    }
  }

  private mutating func loop() throws(JinjaError) -> JinjaStatement {
    var names = [try name()]
    while take(.symbol(",")) { names.append(try name()) }
    guard try name() == "in" else { throw .unsupported("a loop without 'in'") }
    let over = try disjunction()
    let only: JinjaExpression? = take(.name("if")) ? try expression() : nil
    try expect(.endStatement)
    let inner = try body(until: ["else", "endfor"])
    try expect(.beginStatement)
    var otherwise: [JinjaStatement] = []
    if try name() == "else" {
      try expect(.endStatement)
      otherwise = try body(until: ["endfor"])
      try expect(.beginStatement)
      _ = try name()
    }
    try expect(.endStatement)
    return .loop(names: names, over: over, only: only, body: inner, otherwise: otherwise)
  }

  private mutating func assignment() throws(JinjaError) -> JinjaStatement {
    let target = try name()
    let attribute: String? = take(.symbol(".")) ? try name() : nil
    guard take(.symbol("=")) else { return try skip(to: "endset", "a block that is set") }
    let value = try expression()
    try expect(.endStatement)
    return .set(name: target, attribute: attribute, value: value)
  }

  /// Reads over a whole block.
  private mutating func skip(to end: String, _ what: String) throws(JinjaError) -> JinjaStatement {
    while at + 2 < tokens.count {
      if tokens[at] == .beginStatement, tokens[at + 1] == .name(end) {
        at += 2
        while at < tokens.count, tokens[at] != .endStatement { at += 1 }
        try expect(.endStatement)
        return .refused(what)
      }
      at += 1
    }
    throw .unsupported("no '\(end)'")
  }
}
