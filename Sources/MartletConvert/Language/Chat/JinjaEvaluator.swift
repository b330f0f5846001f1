/// Runs a chat template, with limits on steps and on the length of its output.
struct JinjaEvaluator {
  private static let maxSteps = 200_000
  private static let maxOutput = 1 << 20
  private var steps = 0
  private var output = ""
  /// Innermost scope last. A loop's body and a branch's body of the same loop share one.
  var scopes: [[String: JinjaValue]]
  var namespaces: [[String: JinjaValue]] = []

  /// - Parameter variables: `messages`, `add_generation_prompt` and the like.
  static func render(
    _ statements: [JinjaStatement], variables: [String: JinjaValue]
  ) throws(JinjaError) -> String {
    var evaluator = JinjaEvaluator(scopes: [variables])
    try evaluator.run(statements)
    return evaluator.output
  }

  private init(scopes: [[String: JinjaValue]]) {
    self.scopes = scopes
  }

  mutating func step() throws(JinjaError) {
    steps += 1
    guard steps <= JinjaEvaluator.maxSteps else { throw .tooLong }
  }

  /// Text that a step is about to make counts as steps too.
  mutating func step(bytes: Int) throws(JinjaError) {
    steps += 1 + bytes / 256
    guard steps <= JinjaEvaluator.maxSteps, bytes <= JinjaEvaluator.maxOutput else { throw .tooLong }
  }

  /// Searching may compare each byte of the text with each of the piece.
  mutating func step(searching text: String, for piece: String) throws(JinjaError) {
    steps += 1 + text.utf8.count * (1 + piece.utf8.count) / 256
    guard steps <= JinjaEvaluator.maxSteps else { throw .tooLong }
  }

  // MARK: Statements

  private mutating func run(_ statements: [JinjaStatement]) throws(JinjaError) {
    for statement in statements {
      try step()
      switch statement {
      case .text(let text): try write(text)
      case .output(let expression): try write(try string(try value(expression)))
      case .branch(let branches): try run(branches)
      case .loop(let names, let over, let only, let body, let otherwise):
        try loop(names, over: try items(try value(over)), only: only, body: body, otherwise: otherwise)
      case .set(let name, let attribute, let expression):
        try assign(name, attribute, try value(expression))
      case .refused(let what): throw .unsupported(what)
      }
    }
  }

  private mutating func write(_ text: String) throws(JinjaError) {
    guard output.utf8.count + text.utf8.count <= JinjaEvaluator.maxOutput else { throw .tooLong }
    output += text
  }

  private mutating func run(
    _ branches: [(condition: JinjaExpression?, body: [JinjaStatement])]
  ) throws(JinjaError) {
    for branch in branches {
      if let condition = branch.condition, try !value(condition).isTrue { continue }
      return try run(branch.body)
    }
  }

  private mutating func assign(_ name: String, _ attribute: String?, _ value: JinjaValue) throws(JinjaError) {
    guard let attribute else {
      scopes[scopes.count - 1][name] = value
      return
    }
    guard case .namespace(let index) = lookUp(name) else { throw .unsupported("setting a member of no namespace") }
    namespaces[index][attribute] = value
  }

  func lookUp(_ name: String) -> JinjaValue {
    for scope in scopes.reversed() {
      if let value = scope[name] { return value }
    }
    return ["namespace", "raise_exception", "range"].contains(name) ? .function(name) : .undefined
  }

  private mutating func loop(
    _ names: [String], over: [JinjaValue], only: JinjaExpression?, body: [JinjaStatement],
    otherwise: [JinjaStatement]
  ) throws(JinjaError) {
    var values = over
    if let only {
      values = []
      for item in over {
        try step()
        scopes.append(try bindings(names, item))
        defer { scopes.removeLast() }
        if try value(only).isTrue { values.append(item) }
      }
    }
    for (index, item) in values.enumerated() {
      try step()
      var scope = try bindings(names, item)
      scope["loop"] = .mapping([
        "index": .integer(index + 1), "index0": .integer(index), "first": .boolean(index == 0),
        "last": .boolean(index == values.count - 1), "length": .integer(values.count),
        "revindex": .integer(values.count - index), "revindex0": .integer(values.count - 1 - index),
        "previtem": index > 0 ? values[index - 1] : .undefined,
        "nextitem": index + 1 < values.count ? values[index + 1] : .undefined,
      ])
      scopes.append(scope)
      defer { scopes.removeLast() }
      try run(body)
    }
    if values.isEmpty { try run(otherwise) }
  }

  private func bindings(_ names: [String], _ item: JinjaValue) throws(JinjaError) -> [String: JinjaValue] {
    if names.count == 1 { return [names[0]: item] }
    guard case .list(let parts) = item, parts.count == names.count else {
      throw .unsupported("a loop of several names")
    }
    return Dictionary(zip(names, parts)) { $1 }
  }

  func items(_ value: JinjaValue) throws(JinjaError) -> [JinjaValue] {
    switch value {
    case .list(let values): return values
    case .undefined: return []
    default: throw .unsupported("a loop over what is no list")
    }
  }

  func string(_ value: JinjaValue) throws(JinjaError) -> String {
    guard let text = value.text else { throw .unsupported("printing a list or a mapping") }
    return text
  }

  // MARK: Expressions

  mutating func value(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
    try step()
    switch expression {
    case .literal(let value): return value
    case .name(let name): return lookUp(name)
    // Dear, so that not so many go into each other that freeing them takes all the stack.
    case .list(let items):
      try step(bytes: 8192)
      return .list(try values(items))
    case .mapping(let entries):
      try step(bytes: 8192)
      return try mapping(entries)
    case .member(let owner, let key):
      // Before the call, which would look at the namespaces from before `owner` made one.
      let container = try value(owner)
      let name = try value(key)
      return try member(container, name)
    case .slice(let owner, let start, let end, let stride):
      return try slice(try value(owner), try index(start), try index(end), try index(stride))
    case .call(let function, let arguments): return try call(function, arguments)
    case .filter(let input, let name, let arguments): return try filter(try value(input), name, arguments)
    case .test(let input, let name, let arguments, let isNegated):
      return .boolean(try test(try value(input), name, arguments) != isNegated)
    case .not(let operand): return .boolean(try !value(operand).isTrue)
    case .negative(let operand):
      guard case .integer(let number) = try value(operand) else { throw .unsupported("minus what is no number") }
      return .integer(0 &- number)
    case .binary(let symbol, let left, let right): return try binary(symbol, left, right)
    case .conditional(let first, let condition, let otherwise):
      if try value(condition).isTrue { return try value(first) }
      return try otherwise.map { other throws(JinjaError) in try value(other) } ?? .undefined
    }
  }

  private mutating func values(_ expressions: [JinjaExpression]) throws(JinjaError) -> [JinjaValue] {
    var result: [JinjaValue] = []
    for expression in expressions { result.append(try value(expression)) }
    return result
  }

  private mutating func mapping(_ entries: [(JinjaExpression, JinjaExpression)]) throws(JinjaError) -> JinjaValue {
    var result: [String: JinjaValue] = [:]
    for (key, entry) in entries { result[try string(try value(key))] = try value(entry) }
    return .mapping(result)
  }

  private mutating func index(_ expression: JinjaExpression?) throws(JinjaError) -> Int? {
    guard let expression else { return nil }
    guard case .integer(let number) = try value(expression) else { throw .unsupported("a slice by what is no number") }
    return number
  }
}
