extension ConfigurationReader {
  mutating func readRules(_ node: Node, _ camera: inout CameraConfiguration) {
    guard isSequence(node) else {
      wrong(node, "a list of rules")
      return
    }
    var item = first(node)
    while item >= 0 {
      if ruleCount == Configuration.maxRules {
        error(item, "rules: at most 64 in all")
        return
      }
      ruleCount += 1
      readRule(item, &camera)
      item = next(item)
    }
  }

  private mutating func readRule(_ node: Node, _ camera: inout CameraConfiguration) {
    var rule = RuleConfiguration()
    rule.line = line(node)
    if case .line = camera.trigger { rule.fire = .always }
    defer { camera.rules.append(rule) }
    guard let fields = fields(node, Words("name class threshold votes release fire then"), "a rule") else { return }
    if fields[0] < 0 { error(node, "a rule needs name") }
    if fields[1] < 0 { error(node, "a rule needs class") }
    if fields[6] < 0 { error(node, "a rule needs then") }
    if let name = words(fields[0], limit: ConfigurationReader.maxName) {
      rule.name = name
      for other in camera.rules where Words.equal(other.name, bytes(fields[0])) {
        error(fields[0], "rule %v: the camera has a rule of this name already")
      }
    }
    readClasses(fields[1], camera, &rule)
    readThresholds(node, fields, camera, &rule)
    readVotes(fields[3], &rule)
    if let fire = choice(fields[5], Words("once always")) { rule.fire = fire == 0 ? .once : .always }
    readActions(fields[6], &rule)
  }

  private mutating func readClasses(_ node: Node, _ camera: CameraConfiguration, _ rule: inout RuleConfiguration) {
    guard node >= 0 else { return }
    guard !isMapping(node) else {
      wrong(node, "a class, or a list of classes")
      return
    }
    var item = isSequence(node) ? first(node) : node
    if item < 0 { wrong(node, "at least one class") }
    while item >= 0 {
      if !isScalar(item) || !isWord(bytes(item), 255) {
        error(item, "class: %v: must be the name of a class")
      } else if camera.unknownBelow != nil, Words.equal("unknown", bytes(item)) {
        rule.includesUnknown = true
      } else if rule.classes.count == Configuration.maxClasses {
        error(item, "class: at most 64")
        return
      } else {
        rule.classes.append(ClassConfiguration(name: text(item), line: line(item), column: column(item)))
      }
      if item == node { return }
      item = next(item)
    }
  }

  private mutating func readThresholds(
    _ node: Node, _ fields: InlineArray<20, Node>, _ camera: CameraConfiguration, _ rule: inout RuleConfiguration
  ) {
    if rule.classes.isEmpty, rule.includesUnknown {
      for index in [2, 4] where fields[index] >= 0 {
        error(fields[index] - 1, "%n: has no meaning for unknown, which unknown-below decides")
      }
      return
    }
    if fields[2] < 0 { error(node, "a rule needs threshold, the least score, like 0.8") }
    guard let threshold = number(fields[2], 0, 1000) else { return }
    rule.threshold = Float(threshold)
    rule.release = rule.threshold
    if let release = number(fields[4], 0, 1000) {
      rule.release = Float(release)
      if release > threshold { wrong(fields[4], "at most the threshold, %s", quoted(fields[2])) }
    }
    if let unknownBelow = camera.unknownBelow, rule.threshold < unknownBelow {
      warn(fields[2], "threshold: below unknown-below, under which a frame is unknown and has no other class")
    }
  }

  /// `3 of 5`
  private mutating func readVotes(_ node: Node, _ rule: inout RuleConfiguration) {
    guard let text = scalar(node) else { return }
    let separator = Words(" of ").bytes
    var at = 0
    while at + 4 <= text.count, !Words.equal(UnsafeRawBufferPointer(rebasing: text[at..<at + 4]), separator) { at += 1 }
    if at + 4 <= text.count,
      let votes = ConfigurationReader.integer(UnsafeRawBufferPointer(rebasing: text[..<at])),
      let window = ConfigurationReader.integer(UnsafeRawBufferPointer(rebasing: text[(at + 4)...])),
      votes >= 1, votes <= window, window <= 64
    {
      rule.votes = votes
      rule.window = window
    } else {
      wrong(node, "N of M, like 3 of 5: N at least 1 and at most M, M at most 64")
    }
  }

  // MARK: Actions

  private mutating func readActions(_ node: Node, _ rule: inout RuleConfiguration) {
    guard node >= 0 else { return }
    guard isSequence(node), first(node) >= 0 else {
      wrong(node, "a list of actions: pulse, set, log, save")
      return
    }
    var item = first(node)
    while item >= 0 {
      if rule.actions.count == Configuration.maxActions {
        error(item, "then: at most 8 actions")
        return
      }
      readAction(item, &rule)
      item = next(item)
    }
  }

  private mutating func readAction(_ node: Node, _ rule: inout RuleConfiguration) {
    if isScalar(node) {
      if Words.equal("log", bytes(node)) {
        needsLog = needsLog < 0 ? node : needsLog
        rule.actions.append(ActionConfiguration(kind: .log, line: line(node)))
      } else if Words.equal("save", bytes(node)) {
        needsFrames = needsFrames < 0 ? node : needsFrames
        rule.actions.append(ActionConfiguration(kind: .save, line: line(node)))
      } else {
        error(node, "then: %v: must be log, save, pulse: LINE (with for: 50ms), or set: LINE")
      }
      return
    }
    guard let fields = fields(node, Words("pulse set for delay"), "an action") else { return }
    if (fields[0] < 0) == (fields[1] < 0) {
      error(node, "an action is one of: log, save, pulse: LINE, set: LINE")
      return
    }
    if fields[1] >= 0 {
      for index in 2...3 where fields[index] >= 0 {
        error(fields[index] - 1, "%n: only a pulse has it")
      }
      if let line = output(fields[1], isPulse: false) {
        rule.actions.append(ActionConfiguration(kind: .set(line: line), line: self.line(node)))
      }
      return
    }
    if fields[2] < 0 { error(node, "a pulse needs for, how long it is, like 50ms") }
    let duration = duration(fields[2], 100_000, 600_000_000_000)
    let delay = self.duration(fields[3], 0, 600_000_000_000)
    if let line = output(fields[0], isPulse: true) {
      let kind = ActionConfiguration.Kind.pulse(line: line, durationNs: duration ?? 0, delayNs: delay)
      rule.actions.append(ActionConfiguration(kind: kind, line: self.line(node)))
    }
  }

  /// An output line, which must not be both pulsed and set: the end of a pulse would end the level too.
  private mutating func output(_ node: Node, isPulse: Bool) -> Int? {
    guard let line = lineReference(node, .output) else { return nil }
    while outputUses.count <= line { outputUses.append(.none) }
    let use: OutputUse = isPulse ? .pulsed : .set
    if outputUses[line] == .none { outputUses[line] = use }
    if outputUses[line] != use {
      wrong(node, isPulse ? "a line that no rule sets" : "a line that no rule pulses")
    }
    if isPulse, configuration.lines[line].isSafeActive { wrong(node, "a line that is inactive when safe") }
    return line
  }
}

/// What rules do with an output.
enum OutputUse { case none, pulsed, set }
