extension ConstraintCompiler {
  mutating func compileObject(_ index: Int, _ keywords: ConstraintKeywords) throws(ConstraintError) {
    if let others = keywords[.additionalProperties], !isWord(others, "false") {
      throw fail(.unsupported, others, "additionalProperties that is not false")
    }
    program.nodes[index].kind = .object
    program.nodes[index].first = ConstraintNode.none
    if let list = keywords[.properties] { try addProperties(index, list) }
    guard let required = keywords[.required] else { return }
    guard tape.tokens[required].kind == .beginArray else {
      throw fail(.badValue, required, "required wants an array of names")
    }
    var token = required + 1
    while token < Int(tape.tokens[required].next) {
      try require(index, token)
      token = Int(tape.tokens[token].next)
    }
  }

  private func isWord(_ token: Int, _ word: StaticString) -> Bool {
    tape.tokens[token].kind == .word && tape.matches(token, word.utf8Start, word.utf8CodeUnitCount)
  }

  private mutating func addProperties(_ index: Int, _ list: Int) throws(ConstraintError) {
    guard tape.tokens[list].kind == .beginObject else {
      throw fail(.badValue, list, "properties wants an object of schemas")
    }
    var last = -1
    var key = list + 1
    while key < Int(tape.tokens[list].next) {
      var property = ConstraintNode(.property, position: tape.tokens[key].position)
      property.text = tape.tokens[key].text
      property.textLength = tape.tokens[key].textLength
      property.first = try node(ofSchema: key + 1)
      let added = try program.add(property)
      if last < 0 { program.nodes[index].first = added } else { program.nodes[last].next = added }
      last = Int(added)
      key = tape.after(key)
    }
  }

  private func require(_ index: Int, _ name: Int) throws(ConstraintError) {
    guard tape.tokens[name].kind == .string else { throw fail(.badValue, name, "required wants an array of names") }
    var property = program.nodes[index].first
    while property != ConstraintNode.none {
      let node = program.nodes[Int(property)]
      if tape.matches(name, program.text + Int(node.text), Int(node.textLength)) {
        program.nodes[Int(property)].isRequired = true
        return
      }
      property = node.next
    }
    throw fail(.unsupported, name, "a required property that properties does not describe")
  }

  /// - Parameter values: the value of `const`, or the array of `enum`.
  mutating func compileLiterals(
    _ index: Int, _ values: Int, _ types: ConstraintTypes
  ) throws(ConstraintError) {
    let isList = tape.isNamed(values - 1, "enum")
    guard !isList || tape.tokens[values].kind == .beginArray else {
      throw fail(.badValue, values, "enum wants an array of values")
    }
    let first = program.literalCount
    var token = isList ? values + 1 : values
    while token < Int(tape.tokens[values].next) {
      let value = tape.tokens[token]
      guard value.kind == .string || value.kind == .number || value.kind == .word else {
        throw fail(.unsupported, token, "an object or array as value of enum or const")
      }
      if isLiteral(token, of: types) {
        try program.add(ConstraintLiteral(text: value.text, length: value.textLength), position: Int(value.position))
      }
      token = Int(value.next)
    }
    guard program.literalCount > first else {
      throw fail(.nothingAllowed, values, "no value of enum or const is of the type")
    }
    program.nodes[index].kind = .literals
    program.nodes[index].first = UInt16(first)
    program.nodes[index].count = UInt16(program.literalCount - first)
    program.sortLiterals(first..<program.literalCount)
  }

  private func isLiteral(_ token: Int, of types: ConstraintTypes) -> Bool {
    switch tape.tokens[token].kind {
    case .string: return types.contains(.string)
    case .word: return types.contains(isWord(token, "null") ? .null : .boolean)
    default:
      if types.contains(.number) { return true }
      let text = tokenText(token)
      for index in text.indices where text[index] != UInt8(ascii: "-") {
        guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return false }
      }
      return types.contains(.integer)
    }
  }

  /// One or two words of the program's own text, which begins with false, null, true in this order.
  mutating func compileWords(_ index: Int, isBoolean: Bool) throws(ConstraintError) {
    let base = UInt16(sourceCount)
    let position = Int(program.nodes[index].position)
    program.nodes[index].kind = .literals
    program.nodes[index].first = UInt16(program.literalCount)
    program.nodes[index].count = isBoolean ? 2 : 1
    if isBoolean {
      try program.add(ConstraintLiteral(text: base, length: 5), position: position)
      try program.add(ConstraintLiteral(text: base + 9, length: 4), position: position)
    } else {
      try program.add(ConstraintLiteral(text: base + 5, length: 4), position: position)
    }
  }
}
