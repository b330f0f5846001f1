/// Expressions, loosest binding first.
extension JinjaParser {
  mutating func expression() throws(JinjaError) -> JinjaExpression {
    try nested { parser throws(JinjaError) in
      let value = try parser.disjunction()
      guard parser.take(.name("if")) else { return value }
      let condition = try parser.disjunction()
      let otherwise: JinjaExpression? = parser.take(.name("else")) ? try parser.expression() : nil
      return .conditional(value, condition: condition, otherwise: otherwise)
    }
  }

  mutating func disjunction() throws(JinjaError) -> JinjaExpression {
    var left = try conjunction()
    while take(.name("or")) {
      try countOperator()
      left = .binary("or", left, try conjunction())
    }
    return left
  }

  private mutating func conjunction() throws(JinjaError) -> JinjaExpression {
    var left = try negation()
    while take(.name("and")) {
      try countOperator()
      left = .binary("and", left, try negation())
    }
    return left
  }

  private mutating func negation() throws(JinjaError) -> JinjaExpression {
    guard take(.name("not")) else { return try comparison() }
    return try nested { parser throws(JinjaError) in .not(try parser.negation()) }
  }

  private mutating func comparison() throws(JinjaError) -> JinjaExpression {
    var left = try sum()
    while true {
      try countOperator()
      if case .symbol(let symbol)? = next, ["==", "!=", "<", ">", "<=", ">="].contains(symbol) {
        at += 1
        left = .binary(symbol, left, try sum())
      } else if take(.name("in")) {
        left = .binary("in", left, try sum())
      } else if next == .name("not"), peek(1) == .name("in") {
        at += 2
        left = .not(.binary("in", left, try sum()))
      } else {
        return left
      }
    }
  }

  private mutating func sum() throws(JinjaError) -> JinjaExpression {
    var left = try product()
    while case .symbol(let symbol)? = next, ["+", "-", "~"].contains(symbol) {
      try countOperator()
      at += 1
      left = .binary(symbol, left, try product())
    }
    return left
  }

  private mutating func product() throws(JinjaError) -> JinjaExpression {
    var left = try unary()
    while case .symbol(let symbol)? = next, ["*", "/", "%", "//"].contains(symbol) {
      try countOperator()
      at += 1
      left = .binary(symbol, left, try unary())
    }
    return left
  }

  private mutating func unary() throws(JinjaError) -> JinjaExpression {
    if take(.symbol("-")) {
      return try nested { parser throws(JinjaError) in .negative(try parser.unary()) }
    }
    return try suffixed(try primary())
  }

  private mutating func primary() throws(JinjaError) -> JinjaExpression {
    guard let token = next else { throw .unsupported("the end of the template in a tag") }
    at += 1
    switch token {
    case .string(var text):
      // Neighbours are one string.
      while case .string(let more)? = next {
        text += more
        at += 1
      }
      return .literal(.string(text))
    case .integer(let value): return .literal(.integer(value))
    case .name(let name):
      switch name {
      case "true", "True": return .literal(.boolean(true))
      case "false", "False": return .literal(.boolean(false))
      case "none", "None": return .literal(.none)
      default: return .name(name)
      }
    case .symbol("("):
      let inner = try expression()
      guard next == .symbol(",") else {
        try expect(.symbol(")"))
        return inner
      }
      at += 1
      return .list([inner] + (try items(until: ")")))
    case .symbol("["): return .list(try items(until: "]"))
    case .symbol("{"): return .mapping(try entries())
    default: throw .unsupported(described(token))
    }
  }

  private mutating func items(until end: String) throws(JinjaError) -> [JinjaExpression] {
    var values: [JinjaExpression] = []
    while !take(.symbol(end)) {
      values.append(try expression())
      if !take(.symbol(",")) {
        try expect(.symbol(end))
        break
      }
    }
    return values
  }

  private mutating func entries() throws(JinjaError) -> [(JinjaExpression, JinjaExpression)] {
    var values: [(JinjaExpression, JinjaExpression)] = []
    while !take(.symbol("}")) {
      let key = try expression()
      try expect(.symbol(":"))
      values.append((key, try expression()))
      if !take(.symbol(",")) {
        try expect(.symbol("}"))
        break
      }
    }
    return values
  }

  /// Members, slices, calls, filters and tests behind a value.
  private mutating func suffixed(_ start: JinjaExpression) throws(JinjaError) -> JinjaExpression {
    var value = start
    while true {
      try countOperator()
      if take(.symbol(".")) {
        if case .integer(let index)? = next {
          at += 1
          value = .member(value, .literal(.integer(index)))
        } else {
          value = .member(value, .literal(.string(try name())))
        }
      } else if take(.symbol("[")) {
        value = try subscripted(value)
      } else if take(.symbol("(")) {
        value = .call(value, try arguments())
      } else if take(.symbol("|")) {
        let filter = try name()
        value = .filter(value, filter, take(.symbol("(")) ? try arguments() : [])
      } else if take(.name("is")) {
        let isNegated = take(.name("not"))
        let test = try name()
        value = .test(value, test, take(.symbol("(")) ? try arguments() : [], isNegated: isNegated)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(_ value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
    var parts: [JinjaExpression?] = [nil, nil, nil]
    var part = 0
    while !take(.symbol("]")) {
      if take(.symbol(":")) {
        part += 1
        guard part < 3 else { throw .unsupported("a slice of four parts") }
      } else {
        guard parts[part] == nil else { throw .unsupported("a subscript") }
        parts[part] = try expression()
      }
    }
    if part > 0 { return .slice(value, parts[0], parts[1], parts[2]) }
    guard let index = parts[0] else { throw .unsupported("an empty subscript") }
    return .member(value, index)
  }

  private mutating func arguments() throws(JinjaError) -> [JinjaArgument] {
    var values: [JinjaArgument] = []
    while !take(.symbol(")")) {
      var label: String?
      if case .name(let name)? = next, peek(1) == .symbol("=") {
        label = name
        at += 2
      }
      values.append(JinjaArgument(name: label, value: try expression()))
      if !take(.symbol(",")) {
        try expect(.symbol(")"))
        break
      }
    }
    return values
  }
}
