extension ConstraintCompiler {
  /// `oneOf` runs like `anyOf`, which is right only if no value satisfies two alternatives. That is shown by their
  /// first bytes, by disjoint `const` or `enum`, or by disjoint `const` or `enum` of a property that both require.
  func checkOneOfs() throws(ConstraintError) {
    for index in 0..<program.nodeCount where program.nodes[index].kind == .union && program.nodes[index].isRequired {
      var one = program.nodes[index].first
      while one != ConstraintNode.none {
        var other = program.nodes[Int(one)].next
        while other != ConstraintNode.none {
          guard areDisjoint(program.nodes[Int(one)].first, program.nodes[Int(other)].first) else {
            throw ConstraintError(
              .unsupported, at: Int(program.nodes[Int(other)].position), "oneOf with alternatives that may overlap")
          }
          other = program.nodes[Int(other)].next
        }
        one = program.nodes[Int(one)].next
      }
    }
  }

  private func areDisjoint(_ a: UInt16, _ b: UInt16) -> Bool {
    let one = program.nodes[Int(a)]
    let other = program.nodes[Int(b)]
    if one.classes & other.classes == 0 || areDisjointLiterals(one, other) { return true }
    guard one.kind == .object, other.kind == .object else { return false }
    var property = one.first
    while property != ConstraintNode.none {
      let mine = program.nodes[Int(property)]
      if mine.isRequired, let theirs = required(like: mine, in: other) {
        let first = program.nodes[Int(mine.first)]
        let second = program.nodes[Int(theirs.first)]
        if first.classes & second.classes == 0 || areDisjointLiterals(first, second) { return true }
      }
      property = mine.next
    }
    return false
  }

  private func required(like property: ConstraintNode, in object: ConstraintNode) -> ConstraintNode? {
    var index = object.first
    while index != ConstraintNode.none {
      let other = program.nodes[Int(index)]
      if other.isRequired, areEqual((property.text, property.textLength), (other.text, other.textLength)) {
        return other
      }
      index = other.next
    }
    return nil
  }

  private func areEqual(_ a: (start: UInt16, length: UInt16), _ b: (start: UInt16, length: UInt16)) -> Bool {
    guard a.length == b.length else { return false }
    for index in 0..<Int(a.length) where program.text[Int(a.start) + index] != program.text[Int(b.start) + index] {
      return false
    }
    return true
  }

  /// Numbers are never shown to be disjoint: 1 and 1.0 are equal.
  private func areDisjointLiterals(_ a: ConstraintNode, _ b: ConstraintNode) -> Bool {
    guard a.kind == .literals, b.kind == .literals, a.classes & b.classes & ValueClass.number.rawValue == 0 else {
      return false
    }
    // Both are sorted.
    var i = Int(a.first)
    var j = Int(b.first)
    while i < Int(a.first) + Int(a.count), j < Int(b.first) + Int(b.count) {
      let one = UnsafeRawBufferPointer(program.literalBytes(i))
      let other = UnsafeRawBufferPointer(program.literalBytes(j))
      if TokenOrder.precedes(one, other) {
        i += 1
      } else if TokenOrder.precedes(other, one) {
        j += 1
      } else {
        return false
      }
    }
    return true
  }
}
