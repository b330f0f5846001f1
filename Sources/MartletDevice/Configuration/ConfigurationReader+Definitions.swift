// What definitions have in common, and what is seen when all are read.

extension ConfigurationReader {
  /// The entries of a mapping whose keys are names.
  mutating func definitions(_ field: Field, _ body: (inout ConfigurationReader, Node, Node) -> Void) {
    guard field.isGiven, case .named(_, let limit) = field.key.kind else { return }
    let node = field.node
    guard isMapping(node) else {
      wrong(field)
      return
    }
    var count = 0
    var key = first(node)
    while key >= 0 {
      let value = next(key)
      count += 1
      if count > limit {
        error(key, "%v: there are more than %s", String(limit))
        return
      }
      body(&self, key, value)
      key = next(value)
    }
  }

  mutating func reportMissingParts() {
    if needsLog >= 0, configuration.log == nil { error(needsLog, "log: there is no log; define it at the top") }
    if needsFrames >= 0, configuration.frames == nil {
      error(needsFrames, "save: there is no frame store; define frames at the top")
    }
  }

  mutating func reportUnused(_ node: Node, _ used: [Bool], _ what: StaticString) {
    guard node >= 0, isMapping(node) else { return }
    var key = first(node)
    for isUsed in used {
      if key < 0 { return }
      if !isUsed { warn(key, what) }
      key = next(next(key))
    }
  }
}
