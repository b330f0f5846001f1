extension ConstraintCompiler {
  /// Compiles the pending node `index`.
  mutating func compile(_ index: Int) throws(ConstraintError) {
    let token = Int(program.nodes[index].first)
    let keywords = try ConstraintKeywords(tape, token: token)
    if token != 0, let inner = keywords[.defs] ?? keywords[.definitions] {
      throw fail(.unsupported, inner - 1, "definitions anywhere but in the outermost schema")
    }
    if let anyOf = keywords[.anyOf] {
      try keywords.allowOnly(.anyOf, .anyOf, tape)
      return try compileUnion(index, anyOf)
    }
    if let oneOf = keywords[.oneOf] {
      try keywords.allowOnly(.oneOf, .oneOf, tape)
      try compileUnion(index, oneOf)
      program.nodes[index].isRequired = true
      return
    }
    let types = try types(keywords)
    if let values = keywords[.enum] {
      try keywords.allowOnly(.enum, .type, tape)
      return try compileLiterals(index, values, types)
    }
    if let value = keywords[.const] {
      try keywords.allowOnly(.const, .type, tape)
      return try compileLiterals(index, value, types)
    }
    if types.isSingle { return try compile(index, as: types, keywords) }
    try compileTypes(index, types, keywords)
  }

  /// The types that a schema allows. A schema without `type` gets the one that its keywords are about, which is
  /// stricter than the specification: there any other type would do too.
  private func types(_ keywords: ConstraintKeywords) throws(ConstraintError) -> ConstraintTypes {
    if let token = keywords[.type] { return try ConstraintTypes(tape, token: token) }
    if keywords[.enum] != nil || keywords[.const] != nil { return .all }
    if keywords[.properties] != nil { return .object }
    if keywords[.items] != nil { return .array }
    throw fail(.unsupported, keywords.token, "a schema without type, enum, const, anyOf or $ref")
  }

  private mutating func compileTypes(
    _ index: Int, _ types: ConstraintTypes, _ keywords: ConstraintKeywords
  ) throws(ConstraintError) {
    let position = program.nodes[index].position
    program.nodes[index].kind = .union
    program.nodes[index].first = ConstraintNode.none
    var last = -1
    for bit in 0..<ConstraintTypes.count {
      let type = ConstraintTypes(rawValue: 1 << UInt8(bit))
      guard types.contains(type) else { continue }
      let node = Int(try program.add(ConstraintNode(.literals, position: position)))
      try compile(node, as: type, keywords)
      last = try addAlternative(UInt16(node), to: index, after: last)
    }
  }

  /// Appends to the union; `last` is its latest alternative or -1.
  private mutating func addAlternative(_ node: UInt16, to union: Int, after last: Int) throws(ConstraintError) -> Int {
    var alternative = ConstraintNode(.alternative, position: program.nodes[Int(node)].position)
    alternative.first = node
    let index = try program.add(alternative)
    if last < 0 { program.nodes[union].first = index } else { program.nodes[last].next = index }
    return Int(index)
  }

  private mutating func compileUnion(_ index: Int, _ list: Int) throws(ConstraintError) {
    guard tape.tokens[list].kind == .beginArray, Int(tape.tokens[list].next) > list + 1 else {
      throw fail(.badValue, list, "anyOf and oneOf want an array of schemas")
    }
    program.nodes[index].kind = .union
    program.nodes[index].first = ConstraintNode.none
    var last = -1
    var token = list + 1
    while token < Int(tape.tokens[list].next) {
      last = try addAlternative(try node(ofSchema: token), to: index, after: last)
      token = Int(tape.tokens[token].next)
    }
  }

  private mutating func compile(
    _ index: Int, as type: ConstraintTypes, _ keywords: ConstraintKeywords
  ) throws(ConstraintError) {
    switch type {
    case .object: try compileObject(index, keywords)
    case .array: try compileArray(index, keywords)
    case .string:
      program.nodes[index].kind = .string
      try setRange(
        index, keywords[.minLength], keywords[.maxLength], limit: Constraint.defaultStringLength)
    case .number: try compileNumber(index, keywords, fractionDigits: 6)
    case .integer: try compileNumber(index, keywords, fractionDigits: 0)
    case .boolean: try compileWords(index, isBoolean: true)
    default: try compileWords(index, isBoolean: false)
    }
  }

  /// `low...high` from two counts; without the greater one `limit` or the lesser one.
  private mutating func setRange(
    _ index: Int, _ least: Int?, _ most: Int?, limit: Int64
  ) throws(ConstraintError) {
    var low: Int64 = 0
    if let least { low = try count(least) }
    var high = max(limit, low)
    if let most { high = try count(most) }
    guard low <= Constraint.maxCount else {
      throw fail(.overLimit, least ?? 0, "a least length or count over 65535")
    }
    guard low <= high else {
      throw fail(.nothingAllowed, most ?? 0, "the greatest length or count is under the least")
    }
    program.nodes[index].low = low
    program.nodes[index].high = min(high, Constraint.maxCount)
  }

  private func count(_ token: Int) throws(ConstraintError) -> Int64 {
    guard tape.tokens[token].kind == .number else { throw fail(.badValue, token, "expected a count") }
    let value = DecimalBound(tokenText(token), fractionDigits: 0)
    guard value.isWhole, value.floor >= 0 else { throw fail(.badValue, token, "expected a count") }
    return value.floor
  }

  func tokenText(_ token: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: tape.text + Int(tape.tokens[token].text), count: Int(tape.tokens[token].textLength))
  }

  private mutating func compileArray(_ index: Int, _ keywords: ConstraintKeywords) throws(ConstraintError) {
    guard let items = keywords[.items] else {
      throw fail(.unsupported, keywords.token, "an array without items")
    }
    program.nodes[index].kind = .array
    try setRange(index, keywords[.minItems], keywords[.maxItems], limit: Constraint.defaultArrayCount)
    program.nodes[index].first = try node(ofSchema: items)
  }

  private mutating func compileNumber(
    _ index: Int, _ keywords: ConstraintKeywords, fractionDigits: UInt8
  ) throws(ConstraintError) {
    let limit = DecimalBound.limit - 1
    var low = -limit
    var high = limit
    var wrong = keywords.token
    if let token = keywords[.minimum] { low = max(low, try bound(token, fractionDigits).ceiling) }
    if let token = keywords[.exclusiveMinimum] { low = max(low, try bound(token, fractionDigits).floor + 1) }
    if let token = keywords[.maximum] {
      high = min(high, try bound(token, fractionDigits).floor)
      wrong = token
    }
    if let token = keywords[.exclusiveMaximum] {
      high = min(high, try bound(token, fractionDigits).ceiling - 1)
      wrong = token
    }
    guard low <= high else { throw fail(.nothingAllowed, wrong, "no number of the supported length is in the range") }
    let isFree =
      fractionDigits > 0 && keywords[.minimum] == nil && keywords[.maximum] == nil
      && keywords[.exclusiveMinimum] == nil && keywords[.exclusiveMaximum] == nil
    program.nodes[index].kind = isFree ? .anyNumber : .number
    program.nodes[index].fractionDigits = fractionDigits
    program.nodes[index].low = low
    program.nodes[index].high = high
  }

  private func bound(_ token: Int, _ fractionDigits: UInt8) throws(ConstraintError) -> DecimalBound {
    guard tape.tokens[token].kind == .number else { throw fail(.badValue, token, "expected a number") }
    return DecimalBound(tokenText(token), fractionDigits: Int(fractionDigits))
  }
}
