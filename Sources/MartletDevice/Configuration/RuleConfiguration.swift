/// When a rule holds, and what then is done. See `RuleState`.
public struct RuleConfiguration: Sendable {
  public enum Fire: Int, Sendable {
    /// In the decision in which the rule begins to hold.
    case once
    /// In every decision in which it holds: each is another part.
    case always
  }

  public var name = ""
  /// The classes' names; "unknown" is in `includesUnknown` only. Neither: whatever class is best.
  public var classes: [ClassConfiguration] = []
  public var includesUnknown = false
  public var threshold: Float = 0
  /// Of the least score.
  public var thresholdPlace = ConfigurationPlace()
  public var highest = Float.infinity
  public var marginBelow = Float.infinity
  /// At most `threshold`; equal to it: no hysteresis.
  public var release: Float = 0
  /// `votes` of the last `window` decisions: 1...64.
  public var votes = 0
  public var window = 0
  /// Unless told: `always` with a line as trigger, `oneIn` or `pauseNs`, else `once`.
  public var fire = Fire.once
  public var oneIn = 1
  public var pauseNs: UInt64 = 0
  /// nil: always.
  public var hours: RuleHours?
  public var actions: [ActionConfiguration] = []
  public var line = 0
}

/// A class that a rule names.
public struct ClassConfiguration: Sendable {
  public var name: String
  /// In the model's scores; -1 until the model is opened (`Configuration.resolveClasses`).
  public var index = -1
  /// Another class of the same label: made by that too.
  public var isCopy = false
  public var line: Int
  public var column: Int
}

enum RuleKey: Int, MappingKey {
  case name, `class`, threshold, between, marginBelow, votes, release, fire, oneIn, pause, hours, days, then

  static var mapping: ConfigurationMapping { .rule }

  var row: ConfigurationKey {
    switch self {
    case .name:
      .init("name", .text(limit: ConfigurationReader.maxName), .required(), "what the log calls it")
    case .class:
      .init(
        "class", .form("LABEL or a list", limit: Configuration.maxClasses, must: "a class, or a list of classes"),
        .conditional("or between or margin-below"),
        "the score is the highest of them; without it that of the best class; unknown is one with unknown-below")
    case .threshold:
      .init(
        "threshold", .number(0, 1000), .conditional("the least score, like 0.8"), only: .label,
        "a frame with at least this score is a vote")
    case .between:
      .init(
        "between", .form("[LOW, HIGH]", limit: 1000, must: "two scores, the lower one first, like [0.3, 0.6]; each %s"),
        .meaning("none"), only: .label, "in place of threshold: a frame with a score from one to the other is a vote")
    case .marginBelow:
      .init(
        "margin-below", .number(0, 1000), .meaning("none"), only: .label,
        "a frame whose best two classes are further apart is not a vote")
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
        "fire", .choice(WordList("once always")), .meaning("always with a line as trigger, one-in or pause, else once"),
        "actions follow when the rule begins to hold, or in every decision in which it holds")
    case .oneIn:
      .init("one-in", .integer(1, 1_000_000), .value("1"), "of the times at which actions are due, how many make one")
    case .pause:
      .init("pause", .time("0s", "24h"), .value("0s"), "so long after actions none are done")
    case .hours:
      .init(
        "hours",
        .form(
          "HH:MM-HH:MM", must: "hours of a day, like 06:00-22:00; 22:00-06:00 ends on the next day, 24:00 on the same"),
        .meaning("all day"), "in local time; outside of them the rule does not hold, and its lines are safe")
    case .days:
      .init(
        "days",
        .form("DAYS", must: "days, like mon-fri, or a list of them: mon, tue, wed, thu, fri, sat, sun"),
        .meaning("every day"), "on which the hours begin: mon, tue, wed, thu, fri, sat, sun")
    case .then:
      .init("then", .list(.action, limit: Configuration.maxActions), .required(), "log, save, or what the mapping says")
    }
  }
}

extension ConfigurationReader {
  mutating func readRule(_ node: Node, _ camera: inout CameraConfiguration) {
    var rule = RuleConfiguration()
    rule.line = line(node)
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
    readScores(node, fields, camera, &rule)
    readVotes(fields[.votes], &rule)
    rule.oneIn = integer(fields[.oneIn]) ?? rule.oneIn
    rule.pauseNs = time(fields[.pause]) ?? rule.pauseNs
    if case .line = camera.trigger { rule.fire = .always }
    if rule.oneIn > 1 || rule.pauseNs > 0 { rule.fire = .always }
    rule.fire = choice(fields[.fire]) ?? rule.fire
    readHours(fields, &rule)
    readActions(fields[.then], &rule)
  }
}
