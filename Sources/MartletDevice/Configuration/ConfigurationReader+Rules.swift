// What rules have, where a value is more than a number or a word.

extension ConfigurationReader {
  mutating func readRules(_ field: Field, _ camera: inout CameraConfiguration) {
    guard isSequence(field.node) else {
      wrong(field.node, "a list of rules, each behind a dash: - name: ...")
      return
    }
    var item = first(field.node)
    while item >= 0 {
      if ruleCount == Configuration.maxRules {
        error(item, "rules: %s in all", field.key.kind.range)
        return
      }
      ruleCount += 1
      readRule(item, &camera)
      item = next(item)
    }
  }

  mutating func readClasses(_ field: Field, _ camera: CameraConfiguration, _ rule: inout RuleConfiguration) {
    let node = field.node
    guard node >= 0 else { return }
    guard !isMapping(node) else {
      wrong(field)
      return
    }
    var item = isSequence(node) ? first(node) : node
    if item < 0 { wrong(node, "at least one class") }
    while item >= 0 {
      if !isScalar(item) || ConfigurationReader.word(bytes(item), 255) == nil {
        error(item, "class: %v: must be the name of a class")
      } else if camera.unknownBelow != nil, bytes(item).isSame(as: "unknown") {
        rule.includesUnknown = true
      } else if rule.classes.count == Configuration.maxClasses {
        error(item, "class: %s", field.key.kind.range)
        return
      } else {
        rule.classes.append(ClassConfiguration(name: text(item), line: line(item), column: column(item)))
      }
      if item == node { return }
      item = next(item)
    }
  }

  mutating func readThresholds(
    _ node: Node, _ fields: Fields<RuleKey>, _ camera: CameraConfiguration, _ rule: inout RuleConfiguration
  ) {
    if rule.classes.isEmpty, rule.includesUnknown {
      refuse(fields, of: .label)
      return
    }
    let given = fields[.threshold]
    if given.isMissing { reportMissing(given, in: node) }
    guard let threshold = number(given) else { return }
    rule.threshold = Float(threshold)
    rule.thresholdPlace = place(given)
    rule.release = rule.threshold
    if let release = number(fields[.release]) {
      rule.release = Float(release)
      if release > threshold { wrong(fields[.release].node, "at most the threshold, %s", quoted(given.node)) }
    }
    if let unknownBelow = camera.unknownBelow, rule.threshold < unknownBelow {
      warn(given.node, "threshold: below unknown-below, under which a frame is unknown and has no other class")
    }
  }

  /// `3 of 5`
  mutating func readVotes(_ field: Field, _ rule: inout RuleConfiguration) {
    let told = value(field) { text -> (votes: Int, window: Int)? in
      var at = 0
      while at + 4 <= text.count, !UnsafeRawBufferPointer(rebasing: text[at..<at + 4]).isSame(as: " of ") { at += 1 }
      guard at + 4 <= text.count,
        let votes = ConfigurationReader.integer(UnsafeRawBufferPointer(rebasing: text[..<at])),
        let window = ConfigurationReader.integer(UnsafeRawBufferPointer(rebasing: text[(at + 4)...])),
        votes >= 1, votes <= window, window <= RuleState.maxWindow
      else { return nil }
      return (votes, window)
    }
    if let told { (rule.votes, rule.window) = told }
  }
}
