/// When a rule holds, and what then is done. See `RuleState`.
public struct RuleConfiguration: Sendable {
  public enum Fire: Int, Sendable {
    /// In the decision in which the rule begins to hold.
    case once
    /// In every decision in which it holds: each is another part.
    case always
  }

  public var name = ""
  /// The classes' names; "unknown" is in `includesUnknown` only.
  public var classes: [ClassConfiguration] = []
  public var includesUnknown = false
  public var threshold: Float = 0
  public var thresholdPlace = ConfigurationPlace()
  /// At most `threshold`; equal to it: no hysteresis.
  public var release: Float = 0
  /// `votes` of the last `window` decisions: 1...64.
  public var votes = 0
  public var window = 0
  /// Unless told: `always` with a line as trigger, else `once`.
  public var fire = Fire.once
  public var actions: [ActionConfiguration] = []
  public var line = 0
}

/// A class that a rule names.
public struct ClassConfiguration: Sendable {
  public var name: String
  /// In the model's scores; -1 until the model is opened (`Configuration.resolveClasses`).
  public var index = -1
  public var line: Int
  public var column: Int
}

enum RuleKey: Int, MappingKey {
  case name, `class`, threshold, votes, release, fire, then

  static var mapping: ConfigurationMapping { .rule }

  var row: ConfigurationKey {
    switch self {
    case .name:
      .init("name", .text(limit: ConfigurationReader.maxName), .required(), "what the log calls it")
    case .class:
      .init(
        "class", .form("LABEL or a list", limit: Configuration.maxClasses, must: "a class, or a list of classes"),
        .required(), "the score is the highest of them; unknown is one where unknown-below is given")
    case .threshold:
      .init(
        "threshold", .number(0, 1000), .conditional("the least score, like 0.8"), only: .label,
        "a frame with at least this score is a vote")
    case .votes:
      .init(
        "votes",
        .form("N of M", limit: RuleState.maxWindow, must: "N of M, like 3 of 5: N at least 1 and at most M, M %s"),
        .value("1 of 1"), "the rule begins to hold with N votes in the last M decisions")
    case .release:
      .init(
        "release", .number(0, 1000), .meaning("the threshold"), only: .label,
        "it holds on while N of the last M decisions had at least this score")
    case .fire:
      .init(
        "fire", .choice(WordList("once always")), .meaning("always with a line as trigger, else once"),
        "actions follow when the rule begins to hold, or in every decision in which it holds")
    case .then:
      .init("then", .list(.action, limit: Configuration.maxActions), .required(), "log, save, or what the mapping says")
    }
  }
}

extension ConfigurationReader {
  mutating func readRule(_ node: Node, _ camera: inout CameraConfiguration) {
    var rule = RuleConfiguration()
    rule.line = line(node)
    if case .line = camera.trigger { rule.fire = .always }
    defer { camera.rules.append(rule) }
    guard let fields = fields(node, RuleKey.self) else { return }
    let name = fields[.name]
    if let text = text(name) {
      rule.name = text
      for other in camera.rules where other.name.isSame(as: text) {
        error(name.node, "rule %v: the camera has a rule of this name already")
      }
    }
    readClasses(fields[.class], camera, &rule)
    readThresholds(node, fields, camera, &rule)
    readVotes(fields[.votes], &rule)
    rule.fire = choice(fields[.fire]) ?? rule.fire
    readActions(fields[.then], &rule)
  }
}
