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

  mutating func readScores(
    _ node: Node, _ fields: Fields<RuleKey>, _ camera: CameraConfiguration, _ rule: inout RuleConfiguration
  ) {
    let (threshold, between, margin) = (fields[.threshold], fields[.between], fields[.marginBelow])
    let isAny = fields[.class].isMissing
    if isAny, between.isMissing, margin.isMissing { reportMissing(fields[.class], in: node) }
    if rule.classes.isEmpty, rule.includesUnknown {
      refuse(fields, of: .label)
      return
    }
    if let marginBelow = number(margin) {
      rule.marginBelow = Float(marginBelow)
      if marginBelow == 0 { wrong(margin.node, "more than 0") }
    }
    // Any score there is.
    rule.threshold = -.greatestFiniteMagnitude
    if between.isGiven {
      for other in [threshold, fields[.release]] where other.isGiven {
        error(other.node - 1, "%n: has no meaning beside between")
      }
      if let (low, high) = bounds(between) { (rule.threshold, rule.highest) = (Float(low), Float(high)) }
      rule.thresholdPlace = place(between)
    } else if threshold.isMissing {
      if fields[.release].isGiven { error(fields[.release].node - 1, "release: only with threshold") }
      if !isAny { reportMissing(threshold, in: node) }
    } else if let least = number(threshold) {
      rule.threshold = Float(least)
      rule.thresholdPlace = place(threshold)
    }
    rule.release = rule.threshold
    if let release = number(fields[.release]), threshold.isGiven {
      rule.release = Float(release)
      if rule.release > rule.threshold {
        wrong(fields[.release].node, "at most the threshold, %s", quoted(threshold.node))
        rule.release = rule.threshold
      }
    }
    if let unknownBelow = camera.unknownBelow, !isAny, rule.threshold < unknownBelow, threshold.isGiven {
      warn(threshold.node, "threshold: below unknown-below, under which a frame is unknown and has no other class")
    }
  }

  /// `[0.3, 0.6]`
  private mutating func bounds(_ field: Field) -> (low: Double, high: Double)? {
    guard case .form(_, let limit, _, _) = field.key.kind else { return nil }
    var bounds = (low: -1.0, high: -1.0)
    if isSequence(field.node), first(field.node) >= 0 {
      let low = first(field.node)
      let high = next(low)
      if high >= 0, next(high) < 0, isScalar(low), isScalar(high) {
        bounds.low = ConfigurationReader.number(bytes(low)) ?? -1
        bounds.high = ConfigurationReader.number(bytes(high)) ?? -1
      }
    }
    if bounds.low >= 0, bounds.low < bounds.high, bounds.high <= Double(limit) { return bounds }
    wrong(field)
    return nil
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
