extension Constraint {
  /// A value begins with `byte`: each way goes on into the alternatives that can begin so.
  func beginValue(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    let valueClass = ValueClass(of: byte)
    guard !valueClass.isEmpty, canBegin(state, valueClass) else { return false }
    let old = state
    state.wayCount = 0
    for index in 0..<Int(old.wayCount) {
      guard let node = expected(old, old.ways[index]) else { continue }
      enter(&state, old.ways[index], node, valueClass, byte)
    }
    guard state.wayCount > 0 else { return false }
    if old.depth > 0, frame(old, old.ways[0]).kind == .array { state.items[Int(old.depth) - 1] += 1 }
    return setMode(&state, valueClass, byte)
  }

  /// A quick no, before anything is copied.
  private func canBegin(_ state: ConstraintState, _ valueClass: ValueClass) -> Bool {
    for index in 0..<Int(state.wayCount) {
      if let node = expected(state, state.ways[index]),
        program.nodes[Int(node)].classes & valueClass.rawValue != 0
      {
        return true
      }
    }
    return false
  }

  /// The node of the value that comes next; nil if the array is full.
  func expected(_ state: ConstraintState, _ way: ConstraintState.Way) -> UInt16? {
    if state.depth == 0 { return 0 }
    let node = frame(state, way)
    if node.kind == .array, Int64(state.items[Int(state.depth) - 1]) >= node.high { return nil }
    return node.first
  }

  /// Adds the ways of a node; unions inside unions are walked with a stack of what is left of each.
  private func enter(
    _ state: inout ConstraintState, _ way: ConstraintState.Way, _ start: UInt16, _ valueClass: ValueClass,
    _ byte: UInt8
  ) {
    var links = InlineArray<9, UInt16>(repeating: ConstraintNode.none)
    var level = 0
    var index = start
    while true {
      let node = program.nodes[Int(index)]
      if node.classes & valueClass.rawValue != 0 {
        if node.kind == .union {
          level += 1
          links[level] = node.first
        } else {
          add(&state, way, index, node, byte)
        }
      }
      while level > 0, links[level] == ConstraintNode.none { level -= 1 }
      guard level > 0 else { return }
      let link = program.nodes[Int(links[level])]
      links[level] = link.next
      index = link.first
    }
  }

  private func add(
    _ state: inout ConstraintState, _ way: ConstraintState.Way, _ index: UInt16, _ node: ConstraintNode, _ byte: UInt8
  ) {
    // The compiler has seen to it that there is room for all.
    guard Int(state.wayCount) < ConstraintState.maxWays else { return }
    var new = way
    new.leaf = index
    new.offset = 0
    switch node.kind {
    case .array, .object:
      guard Int(state.depth) < ConstraintState.maxDepth else { return }
      new.frames[Int(state.depth)] = index
    case .literals:
      new.first = node.first
      new.end = node.first + node.count
      guard narrow(&new, byte) else { return }
    case .number:
      var number = JSONNumberScanner()
      guard number.advance(byte), ConstraintNumber.allows(number, node) else { return }
    default: break
    }
    state.ways[Int(state.wayCount)] = new
    state.wayCount += 1
  }

  private func setMode(_ state: inout ConstraintState, _ valueClass: ValueClass, _ byte: UInt8) -> Bool {
    switch valueClass.rawValue {
    case ValueClass.object.rawValue, ValueClass.array.rawValue:
      state.items[Int(state.depth)] = 0
      state.depth += 1
      state.mode = valueClass.rawValue == ValueClass.object.rawValue ? .firstKey : .firstItem
    case ValueClass.string.rawValue:
      state.string = JSONStringScanner()
      state.codePoints = 0
      state.mode = .string
    case ValueClass.number.rawValue:
      state.number = JSONNumberScanner()
      state.mode = .number
      return state.number.advance(byte)
    default: state.mode = .word
    }
    return true
  }

  // MARK: Literals

  /// Keeps the literals that go on with `byte`: they are sorted, so that these are neighbours.
  func narrow(_ way: inout ConstraintState.Way, _ byte: UInt8) -> Bool {
    let first = firstLiteral(way, notBefore: Int(byte))
    let end = firstLiteral(way, notBefore: Int(byte) + 1)
    guard first < end else { return false }
    way.first = first
    way.end = end
    way.offset += 1
    return true
  }

  /// The first literal whose byte at the way's offset is at least `value`; one that ends there counts as less.
  private func firstLiteral(_ way: ConstraintState.Way, notBefore value: Int) -> UInt16 {
    var low = way.first
    var high = way.end
    let offset = Int(way.offset)
    while low < high {
      let middle = low + (high - low) / 2
      let text = program.literalBytes(Int(middle))
      if offset >= text.count || Int(text[offset]) < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether one literal has been read to its end. The shortest comes first.
  func isLiteralComplete(_ way: ConstraintState.Way) -> Bool {
    way.first < way.end && Int(program.literals[Int(way.first)].length) == Int(way.offset)
  }
}
