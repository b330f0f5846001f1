import CMartletLinux

/// Where decisions are written.
public struct LogConfiguration: Sendable {
  public enum Every: Int, Sendable { case change, decision, rule }
  public enum Sync: Int, Sendable { case each, second, no }

  /// "-" is standard output.
  public var file = ""
  public var maxBytes: UInt64 = 0
  /// Records that are older go, with the file that they are in; 0: they do not.
  public var maxAgeNs: UInt64 = 0
  /// Old files beside the current one: FILE.1 is the youngest.
  public var keep = 0
  /// Decisions that differ from the camera's one before or in which something is done, all of them, or those in which a
  /// rule with the action `log` fires.
  public var every = Every.change
  /// How often each camera's numbers are summed up.
  public var summaryNs: UInt64 = 0
  /// When what is written is forced onto the disk: after each record, each second, or when the system likes.
  public var sync = Sync.second
  public var line = 0
  /// Of `file`.
  public var place = ConfigurationPlace()
}

enum LogKey: Int, MappingKey {
  case file, maxSize, maxAge, keep, every, summary, sync

  static var mapping: ConfigurationMapping { .log }

  var row: ConfigurationKey {
    switch self {
    case .file:
      .init("file", .path, .required("a path, or - for standard output"), "where decisions go; - is standard output")
    case .maxSize:
      .init("max-size", .size("64KiB", "64GiB"), .value("10MiB"), only: .file, "then the file is renamed to FILE.1")
    case .maxAge:
      .init(
        "max-age", .time("1h", "36500d"), .meaning("none"), only: .file, "records that are older go, file by file")
    case .keep:
      .init("keep", .integer(0, 99), .value("5"), only: .file, "how many old files stay")
    case .every:
      .init(
        "every", .choice(WordList("change decision rule")), .value("change"),
        "decisions that change something, every one, or those in which a rule with the action log fires")
    case .summary:
      .init("summary", .time("1s", "24h"), .value("1h"), "how often what each camera did is summed up")
    case .sync:
      .init(
        "sync", .choice(WordList("each second no")), .value("second"), only: .file,
        "forced onto the disk after each record, each second, or when the system likes")
    }
  }
}

extension ConfigurationReader {
  mutating func readLog(_ node: Node) {
    guard node >= 0, let fields = fields(node, LogKey.self) else { return }
    var log = LogConfiguration()
    log.line = line(node)
    let file = fields[.file]
    log.place = place(file)
    if file.isGiven, isScalar(file.node), bytes(file.node).isSame(as: "-") {
      log.file = "-"
      refuse(fields, of: .file)
    } else if let path = path(file) {
      log.file = path
      look(file.node, ConfigurationReader.folder(of: path), isFolder: true)
      if lookAtOutput(file.node, path) { lookAtLog(file.node, path) }
    }
    log.maxBytes = size(fields[.maxSize]) ?? log.maxBytes
    log.maxAgeNs = time(fields[.maxAge]) ?? log.maxAgeNs
    log.keep = integer(fields[.keep]) ?? log.keep
    log.every = choice(fields[.every]) ?? log.every
    log.summaryNs = time(fields[.summary]) ?? log.summaryNs
    log.sync = choice(fields[.sync]) ?? log.sync
    configuration.log = log
  }

  /// What is there must be a log: anything else would be written into.
  private mutating func lookAtLog(_ node: Node, _ path: String) {
    guard checksFiles else { return }
    let code = path.withPath { martlet_log_look($0) }
    if code != 0 { error(node, "%k: %v: %s", String(cString: martlet_error_text(code))) }
  }
}
