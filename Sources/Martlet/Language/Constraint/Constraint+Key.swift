extension Constraint {
  func advanceBeforeKey(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    if state.mode == .spacedKey, byte == UInt8(ascii: " ") {
      state.mode = .key
      return true
    }
    if state.mode == .firstKey, byte == UInt8(ascii: "}") { return closeObject(&state) }
    guard byte == UInt8(ascii: "\"") else { return false }
    let level = state
    state.mode = .insideKey
    return keep(&state) { way in
      way.leaf = firstProperty(frame(level, way))
      way.offset = 1
      return way.leaf != ConstraintNode.none
    }
  }

  /// The first property of an object, or the one after a property.
  func firstProperty(_ frame: ConstraintNode) -> UInt16 { frame.kind == .object ? frame.first : frame.next }

  /// Whether a required property is still to come.
  func missesProperties(_ frame: ConstraintNode) -> Bool {
    if frame.kind != .object { return frame.minimum > 0 }
    guard frame.first != ConstraintNode.none else { return false }
    let first = program.nodes[Int(frame.first)]
    return first.isRequired || first.minimum > 0
  }

  func advanceKey(_ state: inout ConstraintState, _ byte: UInt8) -> Bool {
    let level = Int(state.depth) - 1
    var isAtEnd = false
    let isAlive = keep(&state) { way in
      guard advanceKey(&way, byte) else { return false }
      // A closing quote: every key that is still alive ends here.
      if way.offset == program.nodes[Int(way.leaf)].textLength {
        way.frames[level] = way.leaf
        isAtEnd = true
      }
      return true
    }
    if isAtEnd { state.mode = .colon }
    return isAlive
  }

  /// Goes on in the key, or moves to the next property that may come and whose key begins with what has been read.
  private func advanceKey(_ way: inout ConstraintState.Way, _ byte: UInt8) -> Bool {
    let read = program.nodes[Int(way.leaf)]
    var index = way.leaf
    while true {
      let node = program.nodes[Int(index)]
      if node.textLength > way.offset, program.text[Int(node.text) + Int(way.offset)] == byte,
        hasSamePrefix(node, read, Int(way.offset))
      {
        way.leaf = index
        way.offset += 1
        return true
      }
      if node.isRequired || node.next == ConstraintNode.none { return false }
      index = node.next
    }
  }

  /// Whether two keys of more than `length` bytes begin alike.
  func hasSamePrefix(_ a: ConstraintNode, _ b: ConstraintNode, _ length: Int) -> Bool {
    if a.text == b.text { return true }
    for index in 0..<length where program.text[Int(a.text) + index] != program.text[Int(b.text) + index] {
      return false
    }
    return true
  }
}
