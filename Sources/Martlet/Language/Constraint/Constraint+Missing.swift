extension Constraint {
  /// More than anything that can be missing, and far from overflow.
  private static let never = 1 << 40

  /// The fewest bytes that complete the output; 0 where it is complete.
  public func missingBytes(_ state: ConstraintState) -> Int {
    var fewest = Constraint.never
    for index in 0..<Int(state.wayCount) { fewest = min(fewest, missing(state, state.ways[index])) }
    return fewest
  }

  private func missing(_ state: ConstraintState, _ way: ConstraintState.Way) -> Int {
    switch state.mode {
    case .done: return 0
    case .refused: return Constraint.never
    case .choice: return missingLiteral(way)
    case .value, .spacedValue:
      guard let node = expected(state, way) else { return Constraint.never }
      return Int(program.nodes[Int(node)].minimum) + around(state, way)
    case .firstItem: return Int(frame(state, way).minimum) - 1 + outside(state, way)
    case .firstKey: return Int(frame(state, way).minimum) - 1 + outside(state, way)
    case .key, .spacedKey: return missingKey(firstProperty(frame(state, way)), 0) + outside(state, way)
    case .insideKey: return missingKey(way.leaf, Int(way.offset)) + outside(state, way)
    case .colon: return 1 + Int(program.nodes[Int(frame(state, way).first)].minimum) + around(state, way)
    case .string, .number, .word: return missingScalar(state, way) + around(state, way)
    case .separator: return around(state, way)
    }
  }

  private func missingLiteral(_ way: ConstraintState.Way) -> Int {
    var fewest = Constraint.never
    for index in way.first..<way.end {
      fewest = min(fewest, Int(program.literals[Int(index)].length) - Int(way.offset))
    }
    return fewest
  }

  private func missingScalar(_ state: ConstraintState, _ way: ConstraintState.Way) -> Int {
    let node = program.nodes[Int(way.leaf)]
    switch node.kind {
    case .literals: return missingLiteral(way)
    case .string: return max(Int(node.low) - Int(state.codePoints), 0) + state.string.missingBytes + 1
    default: return Int(ConstraintNumber.missingBytes(state.number, node))
    }
  }

  /// The rest of an object from inside a key: its best reachable property, what is required after it, the brace.
  private func missingKey(_ start: UInt16, _ offset: Int) -> Int {
    var fewest = Constraint.never
    var index = start
    while index != ConstraintNode.none {
      let node = program.nodes[Int(index)]
      if Int(node.textLength) > offset, hasSamePrefix(node, program.nodes[Int(start)], offset) {
        let value = program.nodes[Int(node.first)].minimum
        fewest = min(fewest, Int(node.textLength) - offset + 1 + Int(value) + Int(node.minimum) + 1)
      }
      if node.isRequired { break }
      index = node.next
    }
    return fewest
  }

  /// What is missing of the containers around the value that is being read.
  private func around(_ state: ConstraintState, _ way: ConstraintState.Way) -> Int {
    state.depth == 0 ? 0 : afterValue(state, way, level: Int(state.depth) - 1) + outside(state, way)
  }

  /// Of those around the innermost one.
  private func outside(_ state: ConstraintState, _ way: ConstraintState.Way) -> Int {
    var total = 0
    for level in 0..<max(Int(state.depth) - 1, 0) { total += afterValue(state, way, level: level) }
    return total
  }

  /// What is missing at a level once its latest value is complete, the closing bracket included.
  private func afterValue(_ state: ConstraintState, _ way: ConstraintState.Way, level: Int) -> Int {
    let node = program.nodes[Int(way.frames[level])]
    guard node.kind == .array else { return Int(node.minimum) + 1 }
    // In `.value` the item is not counted yet.
    let isPending = level == Int(state.depth) - 1 && (state.mode == .value || state.mode == .spacedValue)
    let more = max(Int(node.low) - Int(state.items[level]) - (isPending ? 1 : 0), 0)
    return more * (1 + Int(program.nodes[Int(node.first)].minimum)) + 1
  }
}

extension JSONStringScanner {
  /// The fewest bytes that complete the character that has been begun.
  var missingBytes: Int {
    switch phase {
    case .between: 0
    case .escape: 1
    case .continuation: Int(left)
    case .hex: Int(left) + (isHighSurrogate ? 6 : 0)
    case .lowEscape: 6
    case .lowMark: 5
    case .lowHex: Int(left)
    }
  }
}
