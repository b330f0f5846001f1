/// What to do with a decision's frame while a rule holds.
public struct ActionConfiguration: Sendable {
  public enum Kind: Sendable {
    /// The line (an index of `Configuration.lines`) is active for a time, from the moment of the decision or, with a
    /// delay, from `delayNs` after the frame was captured.
    case pulse(line: Int, durationNs: UInt64, delayNs: UInt64?)
    /// The line is active while the rule holds (with several rules: any of them).
    case set(line: Int)
    /// A record in the decision log.
    case log
    /// The frame goes into the frame store.
    case save

    /// What is to be done, whatever with.
    var verb: Verb {
      switch self {
      case .pulse: .pulse
      case .set: .set
      case .log: .log
      case .save: .save
      }
    }
  }

  enum Verb { case pulse, set, log, save }

  public var kind: Kind
  public var line: Int
}

/// What rules do with an output.
enum OutputUse { case none, pulsed, set }

/// Of an action that is no single word.
enum ActionKey: Int, MappingKey {
  case pulse, set, `for`, delay

  static var mapping: ConfigurationMapping { .action }

  var row: ConfigurationKey {
    switch self {
    case .pulse: .init("pulse", .name(of: "line"), .alternative, "an output is active for a time")
    case .set: .init("set", .name(of: "line"), .alternative, "an output is active while the rule holds")
    case .for:
      .init(
        "for", .time("100us", "600s"), .conditional("how long it is, like 50ms"), only: .pulse, "how long the pulse is")
    case .delay:
      .init(
        "delay", .time("0s", "600s"), .meaning("at once"), only: .pulse, "from the frame's capture to the pulse")
    }
  }
}

extension ConfigurationReader {
  mutating func readActions(_ field: Field, _ rule: inout RuleConfiguration) {
    let node = field.node
    guard node >= 0 else { return }
    guard isSequence(node), first(node) >= 0 else {
      wrong(node, "a list of actions, like [log, save]")
      return
    }
    var item = first(node)
    while item >= 0 {
      if rule.actions.count == Configuration.maxActions {
        error(item, "then: %s actions", field.key.kind.range)
        return
      }
      readAction(item, &rule)
      item = next(item)
    }
  }

  private mutating func readAction(_ node: Node, _ rule: inout RuleConfiguration) {
    if isScalar(node) {
      readWord(node, &rule)
      return
    }
    let errors = messages.errorCount
    guard let fields = fields(node, ActionKey.self) else { return }
    if alternatives(fields).count != 1 {
      // What it has in place of them was reported.
      guard messages.errorCount == errors else { return }
      error(node, "an action is one of: log, save, pulse: LINE, set: LINE")
      return
    }
    if !fields[.set].isMissing {
      refuse(fields, of: .pulse)
      if let line = output(fields[.set], isPulse: false) {
        rule.actions.append(ActionConfiguration(kind: .set(line: line), line: self.line(node)))
      }
      return
    }
    if fields[.for].isMissing { reportMissing(fields[.for], in: node) }
    let duration = time(fields[.for])
    let delay = time(fields[.delay])
    if let line = output(fields[.pulse], isPulse: true) {
      let kind = ActionConfiguration.Kind.pulse(line: line, durationNs: duration ?? 0, delayNs: delay)
      rule.actions.append(ActionConfiguration(kind: kind, line: self.line(node)))
    }
  }

  private mutating func readWord(_ node: Node, _ rule: inout RuleConfiguration) {
    if bytes(node).isSame(as: "log") {
      needsLog = needsLog < 0 ? node : needsLog
      rule.actions.append(ActionConfiguration(kind: .log, line: line(node)))
    } else if bytes(node).isSame(as: "save") {
      needsFrames = needsFrames < 0 ? node : needsFrames
      rule.actions.append(ActionConfiguration(kind: .save, line: line(node)))
    } else {
      error(node, "then: %v: must be log, save, pulse: LINE (with for: 50ms), or set: LINE")
    }
  }

  /// An output line, which must not be both pulsed and set: the end of a pulse would end the level too.
  private mutating func output(_ field: Field, isPulse: Bool) -> Int? {
    guard let line = line(field, .output) else { return nil }
    while outputUses.count <= line { outputUses.append(.none) }
    let use: OutputUse = isPulse ? .pulsed : .set
    if outputUses[line] == .none { outputUses[line] = use }
    if outputUses[line] != use {
      wrong(field.node, isPulse ? "a line that no rule sets" : "a line that no rule pulses")
    }
    if isPulse, configuration.lines[line].isSafeActive { wrong(field.node, "a line that is inactive when safe") }
    return line
  }
}
