extension Constraint {
  /// Goes on by one byte.
  ///
  /// - Returns: false if no complete output goes on like this; the state then stays one that refuses everything.
  @inline(never)
  public func advance(_ state: inout ConstraintState, byte: UInt8) -> Bool {
    if step(&state, byte) { return true }
    state.mode = .refused
    return false
  }

  private func step(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    switch state.mode {
    case .done, .refused: return false
    case .choice: return narrow(&state.ways[0], byte)
    case .value, .spacedValue, .firstItem: return advanceBeforeValue(&state, byte)
    case .key, .spacedKey, .firstKey: return advanceBeforeKey(&state, byte)
    case .insideKey: return advanceKey(&state, byte)
    case .colon:
      state.mode = .spacedValue
      return byte == UInt8(ascii: ":")
    case .string: return advanceString(&state, byte)
    case .number: return advanceNumber(&state, byte)
    case .word: return advanceWord(&state, byte)
    case .separator: return advanceSeparator(&state, byte)
    }
  }

  /// Leaves out the ways for which `isAlive` is false; false if none is left.
  func keep(_ state: inout ConstraintState, where isAlive: (inout ConstraintState.Way) -> Bool) -> Bool {
    var kept = 0
    for index in 0..<Int(state.wayCount) {
      guard isAlive(&state.ways[index]) else { continue }
      if kept < index { state.ways[kept] = state.ways[index] }
      kept += 1
    }
    state.wayCount = UInt8(kept)
    return kept > 0
  }

  /// The node of the innermost array, object or property; the caller knows that there is one.
  func frame(_ state: ConstraintState, _ way: ConstraintState.Way) -> ConstraintNode {
    program.nodes[Int(way.frames[Int(state.depth) - 1])]
  }

  private func advanceBeforeValue(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    if state.mode == .spacedValue, byte == UInt8(ascii: " ") {
      state.mode = .value
      return true
    }
    if state.mode == .firstItem, byte == UInt8(ascii: "]") { return closeArray(&state) }
    return beginValue(&state, byte)
  }

  private func advanceString(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    let begins = state.string.begins(with: byte)
    let event = state.string.advance(byte)
    if event == .refused { return false }
    if begins { state.codePoints += 1 }
    let codePoints = Int64(state.codePoints)
    let isAlive = keep(&state) { way in
      let node = program.nodes[Int(way.leaf)]
      if node.kind == .literals { return narrow(&way, byte) }
      return codePoints <= node.high && (event != .end || codePoints >= node.low)
    }
    if isAlive, event == .end { valueEnded(&state) }
    return isAlive
  }

  private func advanceNumber(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    if JSONNumberScanner.continues(with: byte) {
      guard state.number.advance(byte) else { return false }
      let number = state.number
      return keep(&state) { way in
        let node = program.nodes[Int(way.leaf)]
        return node.kind == .literals ? narrow(&way, byte) : ConstraintNumber.allows(number, node)
      }
    }
    guard state.depth > 0 else { return false }
    let ended = state
    guard keep(&state, where: { way in isNumberComplete(ended, way) }) else { return false }
    valueEnded(&state)
    return advanceSeparator(&state, byte)
  }

  func isNumberComplete(_ state: ConstraintState, _ way: ConstraintState.Way) -> Bool {
    let node = program.nodes[Int(way.leaf)]
    return node.kind == .literals ? isLiteralComplete(way) : ConstraintNumber.accepts(state.number, node)
  }

  private func advanceWord(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    guard keep(&state, where: { way in narrow(&way, byte) }) else { return false }
    // The three words begin differently: all ways are in the same one.
    if isLiteralComplete(state.ways[0]) { valueEnded(&state) }
    return true
  }

  private func advanceSeparator(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    let isArray = frame(state, state.ways[0]).kind == .array
    switch byte {
    case UInt8(ascii: "]") where isArray: return closeArray(&state)
    case UInt8(ascii: "}") where !isArray: return closeObject(&state)
    case UInt8(ascii: ","):
      state.mode = isArray ? .spacedValue : .spacedKey
      let level = state
      return keep(&state) { way in
        let node = frame(level, way)
        return isArray ? Int64(level.items[Int(level.depth) - 1]) < node.high : node.next != ConstraintNode.none
      }
    default: return false
    }
  }

  private func closeArray(_ state: inout ConstraintState) -> Bool {
    let level = state
    let isAlive = keep(&state) { way in Int64(level.items[Int(level.depth) - 1]) >= frame(level, way).low }
    state.depth -= 1
    if isAlive { valueEnded(&state) }
    return isAlive
  }

  func closeObject(_ state: inout ConstraintState) -> Bool {
    let level = state
    let isAlive = keep(&state) { way in !missesProperties(frame(level, way)) }
    state.depth -= 1
    if isAlive { valueEnded(&state) }
    return isAlive
  }

  /// Ways that differed in the value only are one again.
  func valueEnded(_ state: inout ConstraintState) {
    state.mode = state.depth == 0 ? .done : .separator
    guard state.wayCount > 1 else { return }
    var kept = 1
    for index in 1..<Int(state.wayCount) {
      var isKnown = false
      for other in 0..<kept where !isKnown {
        isKnown = haveSameFrames(state, index, other)
      }
      if isKnown { continue }
      state.ways[kept] = state.ways[index]
      kept += 1
    }
    state.wayCount = UInt8(kept)
  }

  private func haveSameFrames(_ state: ConstraintState, _ a: Int, _ b: Int) -> Bool {
    for level in 0..<Int(state.depth) where state.ways[a].frames[level] != state.ways[b].frames[level] { return false }
    return true
  }
}
