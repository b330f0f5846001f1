/// Operators, members, calls, filters and tests.
extension JinjaEvaluator {
  mutating func binary(
    _ symbol: String, _ leftSide: JinjaExpression, _ rightSide: JinjaExpression
  ) throws(JinjaError) -> JinjaValue {
    let left = try value(leftSide)
    if symbol == "and" { return left.isTrue ? try value(rightSide) : left }
    if symbol == "or" { return left.isTrue ? left : try value(rightSide) }
    let right = try value(rightSide)
    switch symbol {
    case "==": return .boolean(try equal(left, right))
    case "!=": return .boolean(try !equal(left, right))
    case "in": return .boolean(try contains(right, left))
    case "~":
      let text = try string(left) + (try string(right))
      try step(bytes: text.utf8.count)
      return .string(text)
    case "+":
      if case .string(let a) = left, case .string(let b) = right {
        try step(bytes: a.utf8.count + b.utf8.count)
        return .string(a + b)
      }
      if case .list(let a) = left, case .list(let b) = right {
        try step(bytes: 64 * (a.count + b.count))
        return .list(a + b)
      }
    default: break
    }
    guard case .integer(let a) = left, case .integer(let b) = right else {
      throw .unsupported("'\(symbol)' between these values")
    }
    switch symbol {
    case "+": return .integer(a &+ b)
    case "-": return .integer(a &- b)
    case "*": return .integer(a &* b)
    case "<": return .boolean(a < b)
    case ">": return .boolean(a > b)
    case "<=": return .boolean(a <= b)
    case ">=": return .boolean(a >= b)
    case "%" where b > 0: return .integer(a % b < 0 ? a % b + b : a % b)
    default: throw .unsupported("the operator '\(symbol)'")
    }
  }

  /// Equality, paid for by what is compared: lists that share their parts may be exponentially long.
  private mutating func equal(_ a: JinjaValue, _ b: JinjaValue, depth: Int = 0) throws(JinjaError) -> Bool {
    try step()
    guard depth < 64 else { throw .tooLong }
    switch (a, b) {
    case (.string(let x), .string(let y)):
      try step(bytes: min(x.utf8.count, y.utf8.count))
      return a == b
    case (.list(let x), .list(let y)):
      guard x.count == y.count else { return false }
      for (x, y) in zip(x, y) where try !equal(x, y, depth: depth + 1) { return false }
      return true
    case (.mapping(let x), .mapping(let y)):
      guard x.count == y.count else { return false }
      for (key, x) in x {
        guard let y = y[key], try equal(x, y, depth: depth + 1) else { return false }
      }
      return true
    default: return a == b
    }
  }

  private mutating func contains(_ whole: JinjaValue, _ part: JinjaValue) throws(JinjaError) -> Bool {
    switch (whole, part) {
    case (.string(let text), .string(let piece)):
      try step(searching: text, for: piece)
      return !JinjaText.ranges(of: piece, in: text, limit: 1).isEmpty
    case (.list(let values), _):
      for value in values where try equal(value, part) { return true }
      return false
    case (.mapping(let values), .string(let key)): return values[key] != nil
    default: throw .unsupported("'in' of what holds nothing")
    }
  }

  mutating func member(_ owner: JinjaValue, _ key: JinjaValue) throws(JinjaError) -> JinjaValue {
    switch (owner, key) {
    case (.mapping(let values), .string(let name)): return values[name] ?? .undefined
    case (.namespace(let index), .string(let name)): return namespaces[index][name] ?? .undefined
    case (.list(let values), .integer(let index)):
      let place = index < 0 ? values.count + index : index
      return values.indices.contains(place) ? values[place] : .undefined
    case (.string(let text), .integer(let index)):
      try step(bytes: text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      let place = index < 0 ? scalars.count + index : index
      return scalars.indices.contains(place) ? .string(String(scalars[place])) : .undefined
    case (.undefined, _): throw .unsupported("a member of what is undefined")
    default: return .undefined
    }
  }

  mutating func slice(
    _ owner: JinjaValue, _ start: Int?, _ end: Int?, _ stride: Int?
  ) throws(JinjaError) -> JinjaValue {
    func picked<T>(_ items: [T]) throws(JinjaError) -> [T] {
      func place(_ index: Int) -> Int {
        min(max(index < 0 ? items.count + max(index, -items.count) : index, 0), items.count)
      }
      let range = items[place(start ?? 0)..<max(place(start ?? 0), place(end ?? items.count))]
      switch stride ?? 1 {
      case 1: return Array(range)
      case -1 where start == nil && end == nil: return items.reversed()
      default: throw .unsupported("a slice with a stride")
      }
    }
    switch owner {
    case .list(let values):
      try step(bytes: 64 * values.count)
      return .list(try picked(values))
    case .string(let text):
      try step(bytes: text.utf8.count)
      return .string(JinjaText.string(try picked(Array(text.unicodeScalars))))
    default: throw .unsupported("a slice of what is no list")
    }
  }

  // MARK: Calls

  mutating func call(_ function: JinjaExpression, _ arguments: [JinjaArgument]) throws(JinjaError) -> JinjaValue {
    if case .member(let owner, .literal(.string(let method))) = function {
      let subject = try value(owner)
      if case .string(let text) = subject { return try self.method(method, of: text, try positional(arguments)) }
      if case .mapping(let values) = subject { return try self.method(method, of: values, try positional(arguments)) }
      throw .unsupported("the method '\(printable(method))'")
    }
    guard case .function(let name) = try value(function) else { throw .unsupported("a call of what is no function") }
    switch name {
    case "namespace":
      var variables: [String: JinjaValue] = [:]
      for argument in arguments {
        guard let label = argument.name else { throw .unsupported("a namespace of a mapping") }
        variables[label] = try value(argument.value)
      }
      namespaces.append(variables)
      return .namespace(namespaces.count - 1)
    case "raise_exception":
      let values = try positional(arguments)
      throw .raised(try string(values.first ?? .undefined))
    default: return try range(try positional(arguments))
    }
  }

  private mutating func positional(_ arguments: [JinjaArgument]) throws(JinjaError) -> [JinjaValue] {
    var values: [JinjaValue] = []
    for argument in arguments {
      guard argument.name == nil else { throw .unsupported("a named argument") }
      values.append(try value(argument.value))
    }
    return values
  }

  private func range(_ values: [JinjaValue]) throws(JinjaError) -> JinjaValue {
    var numbers: [Int] = []
    for value in values {
      guard case .integer(let number) = value else { throw .unsupported("a range of what is no number") }
      numbers.append(number)
    }
    guard numbers.count == 1 || numbers.count == 2, numbers.allSatisfy({ $0.magnitude < 1 << 12 }) else {
      throw .unsupported("this range")
    }
    let start = numbers.count == 2 ? numbers[0] : 0
    return .list((start..<max(start, numbers[numbers.count - 1])).map { .integer($0) })
  }

  private func method(
    _ name: String, of values: [String: JinjaValue], _ arguments: [JinjaValue]
  ) throws(JinjaError) -> JinjaValue {
    guard name == "get", case .string(let key)? = arguments.first else {
      throw .unsupported("the method '\(printable(name))'")
    }
    return values[key] ?? (arguments.count > 1 ? arguments[1] : .none)
  }

  private mutating func method(
    _ name: String, of text: String, _ arguments: [JinjaValue]
  ) throws(JinjaError) -> JinjaValue {
    try step(bytes: text.utf8.count)
    var texts: [String] = []
    for case .string(let argument) in arguments { texts.append(argument) }
    // Of what is no text only the limit of `split`.
    guard texts.count == arguments.count || (name == "split" && arguments.count == 2) else {
      throw .unsupported("the arguments of '\(printable(name))'")
    }
    switch (name, texts.count) {
    case ("strip", 0...1): return .string(JinjaText.trimmed(text, texts.first, start: true, end: true))
    case ("lstrip", 0...1): return .string(JinjaText.trimmed(text, texts.first, start: true, end: false))
    case ("rstrip", 0...1): return .string(JinjaText.trimmed(text, texts.first, start: false, end: true))
    case ("startswith", 1): return .boolean(text.unicodeScalars.starts(with: texts[0].unicodeScalars))
    case ("endswith", 1):
      return .boolean(text.unicodeScalars.reversed().starts(with: texts[0].unicodeScalars.reversed()))
    case ("split", 1) where !texts[0].isEmpty:
      var limit = Int.max
      if arguments.count > 1 {
        guard case .integer(let count) = arguments[1] else { throw .unsupported("the limit of a 'split'") }
        if count >= 0 { limit = count }
      }
      try step(searching: text, for: texts[0])
      return .list(JinjaText.split(text, at: texts[0], limit: limit).map { .string($0) })
    case ("replace", 2) where !texts[0].isEmpty:
      try step(searching: text, for: texts[0])
      let parts = JinjaText.split(text, at: texts[0], limit: .max)
      try step(bytes: text.utf8.count + parts.count * texts[1].utf8.count)
      return .string(parts.joined(separator: texts[1]))
    case ("upper", 0): return .string(text.uppercased())
    case ("lower", 0): return .string(text.lowercased())
    // Of one word; a role is one.
    case ("title", 0) where text.unicodeScalars.allSatisfy(\.properties.isAlphabetic):
      return .string(text.prefix(1).uppercased() + text.dropFirst().lowercased())
    default: throw .unsupported("the method '\(printable(name))'")
    }
  }

  // MARK: Filters and tests

  mutating func filter(
    _ input: JinjaValue, _ name: String, _ arguments: [JinjaArgument]
  ) throws(JinjaError) -> JinjaValue {
    if case .string(let text) = input { try step(bytes: text.utf8.count) }
    guard arguments.isEmpty || ["default", "selectattr", "rejectattr"].contains(name) else {
      throw .unsupported("the filter '\(printable(name))' with arguments")
    }
    switch (name, input) {
    case ("trim", _): return .string(JinjaText.trimmed(try string(input), nil, start: true, end: true))
    case ("string", _): return .string(try string(input))
    case ("list", .list): return input
    case ("length", .list(let values)), ("count", .list(let values)): return .integer(values.count)
    case ("length", .string(let text)): return .integer(text.unicodeScalars.count)
    case ("first", .list(let values)): return values.first ?? .undefined
    case ("last", .list(let values)): return values.last ?? .undefined
    case ("upper", .string(let text)): return .string(text.uppercased())
    case ("lower", .string(let text)): return .string(text.lowercased())
    case ("capitalize", .string(let text)): return .string(text.prefix(1).uppercased() + text.dropFirst().lowercased())
    case ("default", _):
      let other = try positional(arguments)
      if input == .undefined || (other.count > 1 && other[1].isTrue && !input.isTrue) {
        return other.first ?? .string("")
      }
      return input
    case ("selectattr", .list(let values)), ("rejectattr", .list(let values)):
      return .list(try selected(values, try positional(arguments), keeps: name == "selectattr"))
    default: throw .unsupported("the filter '\(printable(name))'")
    }
  }

  private mutating func selected(
    _ values: [JinjaValue], _ arguments: [JinjaValue], keeps: Bool
  ) throws(JinjaError) -> [JinjaValue] {
    guard arguments.count == 2 || arguments.count == 3, case .string(let name) = arguments[1] else {
      throw .unsupported("this 'selectattr'")
    }
    let operand = arguments.dropFirst(2).map { JinjaArgument(name: nil, value: .literal($0)) }
    var result: [JinjaValue] = []
    for value in values {
      try step()
      if try test(try member(value, arguments[0]), name, operand) == keeps { result.append(value) }
    }
    return result
  }

  mutating func test(
    _ input: JinjaValue, _ name: String, _ arguments: [JinjaArgument]
  ) throws(JinjaError) -> Bool {
    switch (name, input) {
    case ("defined", _): return input != .undefined
    case ("undefined", _): return input == .undefined
    case ("none", _): return input == .none
    case ("string", .string), ("mapping", .mapping), ("number", .integer), ("number", .boolean), ("boolean", .boolean):
      return true
    case ("string", _), ("mapping", _), ("number", _), ("boolean", _): return false
    // What is undefined is an empty list.
    case ("iterable", .list), ("iterable", .string), ("iterable", .mapping), ("iterable", .undefined): return true
    case ("sequence", .list), ("sequence", .string), ("sequence", .mapping), ("sequence", .undefined): return true
    case ("iterable", _), ("sequence", _): return false
    case ("true", _): return input == .boolean(true)
    case ("false", _): return input == .boolean(false)
    case ("equalto", _), ("eq", _), ("==", _):
      let operands = try positional(arguments)
      guard operands.count == 1 else { throw .unsupported("the arguments of '\(name)'") }
      return try equal(input, operands[0])
    default: throw .unsupported("the test '\(printable(name))'")
    }
  }
}
