/// Reads a list of choices.
enum ConstraintChoices {
  /// One node of literals.
  static func compile(
    _ source: UnsafeRawBufferPointer, into empty: ConstraintProgram
  ) throws(ConstraintError) -> ConstraintProgram {
    var program = empty
    let node = Int(try program.add(ConstraintNode(.literals, position: 0)))
    var offset = 0
    var end = 0
    repeat {
      let start = end
      let position = offset
      offset = try copyChoice(source, from: offset, to: program.text, &end)
      guard end > start else { throw ConstraintError(.badChoice, at: position, "an empty choice") }
      let literal = ConstraintLiteral(text: UInt16(start), length: UInt16(end - start))
      try program.add(literal, position: position)
    } while offset <= source.count
    program.sortLiterals(0..<program.literalCount)
    program.nodes[node].first = 0
    program.nodes[node].count = UInt16(program.literalCount)
    try refuseDuplicates(program, source)
    return program
  }

  /// - Returns: where the next choice begins; past the source's count if there is none.
  private static func copyChoice(
    _ source: UnsafeRawBufferPointer, from start: Int, to text: UnsafeMutablePointer<UInt8>, _ end: inout Int
  ) throws(ConstraintError) -> Int {
    var offset = start
    while offset < source.count, source[offset] != UInt8(ascii: ",") {
      if source[offset] == UInt8(ascii: "\\") {
        offset += 1
        guard offset < source.count, source[offset] == UInt8(ascii: "\\") || source[offset] == UInt8(ascii: ",") else {
          throw ConstraintError(.badChoice, at: offset - 1, "a backslash that is not before a comma or backslash")
        }
      }
      text[end] = source[offset]
      end += 1
      offset += 1
    }
    return offset + 1
  }

  private static func refuseDuplicates(
    _ program: ConstraintProgram, _ source: UnsafeRawBufferPointer
  ) throws(ConstraintError) {
    for index in 1..<max(program.literalCount, 1) {
      let one = program.literalBytes(index - 1)
      let other = program.literalBytes(index)
      guard TokenOrder.precedes(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer(other)) else {
        let later = max(program.literals[index - 1].text, program.literals[index].text)
        let position = try position(ofChoiceAt: Int(later), source, program.text)
        throw ConstraintError(.badChoice, at: position, "a choice that is there twice")
      }
    }
  }

  /// Reads the choices once more, up to the one whose text begins at `start`.
  private static func position(
    ofChoiceAt start: Int, _ source: UnsafeRawBufferPointer, _ text: UnsafeMutablePointer<UInt8>
  ) throws(ConstraintError) -> Int {
    var offset = 0
    var end = 0
    while end < start { offset = try copyChoice(source, from: offset, to: text, &end) }
    return offset
  }
}
