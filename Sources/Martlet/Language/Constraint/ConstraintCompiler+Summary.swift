extension ConstraintCompiler {
  private static let maxAlternatives = 32
  private static let endless: UInt32 = 1 << 30

  /// Works out what each node is in total (classes, width, depth, alternatives, fewest bytes) from what it refers to,
  /// and again until nothing changes: schemas that `$ref` shares may come in any order. A recursive schema grows
  /// without end, which the limits catch: each round settles one more level of what is not recursive.
  mutating func summarize() throws(ConstraintError) {
    for index in 0..<program.nodeCount { summarizeScalar(&program.nodes[index]) }
    var changed = true
    while changed {
      changed = false
      for index in stride(from: program.nodeCount - 1, through: 0, by: -1) {
        let old = program.nodes[index]
        let new = summarized(old)
        program.nodes[index] = new
        try checkLimits(new)
        changed =
          changed || new.classes != old.classes || new.width != old.width || new.depth != old.depth
          || new.unions != old.unions || new.alternatives != old.alternatives || new.minimum != old.minimum
      }
    }
    for index in 0..<program.nodeCount where Int(program.nodes[index].width) > ConstraintState.maxWays {
      throw ConstraintError(
        .overLimit, at: Int(program.nodes[index].position), "over 8 alternatives that begin alike")
    }
  }

  private func checkLimits(_ node: ConstraintNode) throws(ConstraintError) {
    let position = Int(node.position)
    guard Int(node.depth) <= ConstraintState.maxDepth else {
      throw ConstraintError(.unsupported, at: position, "a recursive schema, or over 32 levels of objects and arrays")
    }
    guard Int(node.unions) <= Constraint.maxUnions, Int(node.alternatives) <= ConstraintCompiler.maxAlternatives else {
      throw ConstraintError(.unsupported, at: position, "a recursive schema, or over 32 alternatives at one place")
    }
  }

  private func summarizeScalar(_ node: inout ConstraintNode) {
    switch node.kind {
    case .literals: summarizeLiterals(&node)
    case .string:
      node.classes = ValueClass.string.rawValue
      node.minimum = 2 + UInt32(node.low)
    case .number, .anyNumber:
      node.classes = ValueClass.number.rawValue
      node.minimum = ConstraintNumber.fewestBytes(node)
    default: break
    }
  }

  private func summarized(_ old: ConstraintNode) -> ConstraintNode {
    var node = old
    switch node.kind {
    case .pending, .literals, .string, .number, .anyNumber: break
    case .object: summarizeObject(&node)
    case .property: summarizeProperty(&node)
    case .array: summarizeArray(&node)
    case .alternative:
      let target = program.nodes[Int(node.first)]
      (node.classes, node.width, node.depth) = (target.classes, target.width, target.depth)
      (node.alternatives, node.minimum, node.unions) = (target.alternatives, target.minimum, target.unions)
    case .union: summarizeUnion(&node)
    }
    return node
  }

  private func summarizeLiterals(_ node: inout ConstraintNode) {
    var classes: UInt8 = 0
    var fewest = UInt32.max
    for index in Int(node.first)..<Int(node.first) + Int(node.count) {
      let text = program.literalBytes(index)
      if text.count > 0 { classes |= ValueClass(of: text[0]).rawValue }
      fewest = min(fewest, UInt32(text.count))
    }
    node.classes = classes
    node.minimum = fewest
  }

  private func summarizeObject(_ node: inout ConstraintNode) {
    node.classes = ValueClass.object.rawValue
    node.depth = 1
    node.minimum = 2
    guard node.first != ConstraintNode.none else { return }
    let first = program.nodes[Int(node.first)]
    node.depth = first.depth + 1
    node.width = first.width
    let inside = first.minimum + (first.isRequired ? ConstraintCompiler.cost(first, program) : 0)
    // The first property has no comma.
    node.minimum = min(2 + (inside > 0 ? inside - 1 : 0), ConstraintCompiler.endless)
  }

  /// A property stands for itself and those after it, except for `minimum`.
  private func summarizeProperty(_ node: inout ConstraintNode) {
    let target = program.nodes[Int(node.first)]
    node.depth = target.depth
    node.width = target.width
    node.minimum = 0
    guard node.next != ConstraintNode.none else { return }
    let next = program.nodes[Int(node.next)]
    node.depth = max(node.depth, next.depth)
    node.width = max(node.width, next.width)
    node.minimum = min(
      next.minimum + (next.isRequired ? ConstraintCompiler.cost(next, program) : 0), ConstraintCompiler.endless)
  }

  /// Fewest bytes of a comma, the key, a colon and the value.
  static func cost(_ property: ConstraintNode, _ program: ConstraintProgram) -> UInt32 {
    2 + UInt32(property.textLength) + program.nodes[Int(property.first)].minimum
  }

  private func summarizeArray(_ node: inout ConstraintNode) {
    let item = program.nodes[Int(node.first)]
    node.classes = ValueClass.array.rawValue
    // An array that must stay empty has no items that could be too deep; it is refused all the same.
    node.depth = item.depth + 1
    node.width = item.width
    let count = UInt64(node.low)
    let bytes = 2 + count * UInt64(item.minimum) + (count > 0 ? count - 1 : 0)
    node.minimum = UInt32(min(bytes, UInt64(ConstraintCompiler.endless)))
  }

  private func summarizeUnion(_ node: inout ConstraintNode) {
    (node.classes, node.depth, node.unions, node.minimum) = (0, 0, 0, ConstraintCompiler.endless)
    var alternatives = 0
    var widths = InlineArray<7, Int>(repeating: 0)
    var link = node.first
    while link != ConstraintNode.none {
      let alternative = program.nodes[Int(link)]
      node.classes |= alternative.classes
      node.depth = max(node.depth, alternative.depth)
      node.unions = max(node.unions, alternative.unions + 1)
      node.minimum = min(node.minimum, alternative.minimum)
      alternatives = min(alternatives + Int(alternative.alternatives), 255)
      for bit in 0..<ValueClass.count where alternative.classes >> UInt8(bit) & 1 == 1 {
        widths[bit] = min(widths[bit] + Int(alternative.width), 255)
      }
      link = alternative.next
    }
    node.alternatives = UInt8(alternatives)
    var width = 1
    for bit in 0..<ValueClass.count { width = max(width, widths[bit]) }
    node.width = UInt8(width)
  }
}
