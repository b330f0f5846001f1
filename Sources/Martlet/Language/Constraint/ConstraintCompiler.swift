/// Makes a program of a JSON Schema. Schemas inside schemas are put off and done in turn, so that nothing recurses.
struct ConstraintCompiler {
  var program: ConstraintProgram
  let tape: JSONTape
  let sourceCount: Int

  static func compile(
    _ source: UnsafeRawBufferPointer, into program: ConstraintProgram
  ) throws(ConstraintError) -> ConstraintProgram {
    let tape = try JSONTape(source, tokens: program.tokens, text: program.text)
    var compiler = ConstraintCompiler(program: program, tape: tape, sourceCount: source.count)
    _ = try compiler.node(ofSchema: 0)
    var index = 0
    while index < compiler.program.nodeCount {
      if compiler.program.nodes[index].kind == .pending { try compiler.compile(index) }
      index += 1
    }
    try compiler.summarize()
    try compiler.checkOneOfs()
    return compiler.program
  }

  func fail(_ kind: ConstraintError.Kind, _ token: Int, _ reason: StaticString) -> ConstraintError {
    ConstraintError(kind, at: Int(tape.tokens[token].position), reason)
  }

  /// The node of the schema at a token; a new one, still to be compiled, where there is none.
  mutating func node(ofSchema token: Int) throws(ConstraintError) -> UInt16 {
    let schema = try resolved(token)
    if tape.tokens[schema].node != JSONToken.none { return tape.tokens[schema].node }
    var node = ConstraintNode(.pending, position: tape.tokens[schema].position)
    node.first = UInt16(schema)
    let index = try program.add(node)
    tape.tokens[schema].node = index
    return index
  }

  /// Follows `$ref`s.
  private func resolved(_ start: Int) throws(ConstraintError) -> Int {
    var token = start
    for _ in 0..<ConstraintState.maxDepth {
      let keywords = try ConstraintKeywords(tape, token: token)
      guard let reference = keywords[.ref] else { return token }
      try keywords.allowOnly(.ref, .ref, tape)
      token = try target(of: reference)
    }
    throw fail(.unsupported, start, "a chain of $ref that is recursive or too long")
  }

  /// The definition that a `$ref` names.
  private func target(of reference: Int) throws(ConstraintError) -> Int {
    let text = tape.text + Int(tape.tokens[reference].text)
    let length = Int(tape.tokens[reference].textLength)
    for index in 0..<length where text[index] == UInt8(ascii: "~") || text[index] == UInt8(ascii: "%") {
      throw fail(.unsupported, reference, "escapes in $ref")
    }
    let root = try ConstraintKeywords(tape, token: 0)
    if let found = try definition(reference, after: "\"#/$defs/", in: root[.defs]) { return found }
    if let found = try definition(reference, after: "\"#/definitions/", in: root[.definitions]) { return found }
    throw fail(.unsupported, reference, "$ref to anything but #/$defs/NAME and #/definitions/NAME")
  }

  /// Nil if the reference does not begin with `prefix`.
  private func definition(
    _ reference: Int, after prefix: StaticString, in definitions: Int?
  ) throws(ConstraintError) -> Int? {
    let text = tape.text + Int(tape.tokens[reference].text)
    let length = Int(tape.tokens[reference].textLength)
    let prefixLength = prefix.utf8CodeUnitCount
    guard tape.tokens[reference].kind == .string, length > prefixLength else { return nil }
    for index in 0..<prefixLength where text[index] != prefix.utf8Start[index] { return nil }
    guard let definitions, tape.tokens[definitions].kind == .beginObject else {
      throw fail(.badValue, reference, "$ref to a definition that is not there")
    }
    var key = definitions + 1
    while key < Int(tape.tokens[definitions].next) {
      let name = tape.text + Int(tape.tokens[key].text) + 1
      var isEqual = Int(tape.tokens[key].textLength) - 1 == length - prefixLength
      // The closing quotes are compared too.
      for index in 0..<length - prefixLength where isEqual { isEqual = name[index] == text[prefixLength + index] }
      if isEqual { return key + 1 }
      key = tape.after(key)
    }
    throw fail(.badValue, reference, "$ref to a definition that is not there")
  }
}
