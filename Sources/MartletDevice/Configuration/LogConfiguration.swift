/// Where decisions are written.
public struct LogConfiguration: Sendable {
  public enum Every: Int, Sendable { case decision, rule }
  public enum Sync: Int, Sendable { case each, second, no }

  /// "-" is standard output.
  public var file = ""
  public var maxBytes: UInt64 = 0
  /// Old files beside the current one: FILE.1 is the youngest.
  public var keep = 0
  /// Every decision, or those in which a rule with the action `log` fires.
  public var every = Every.decision
  /// When what is written is forced onto the disk: after each record, each second, or when the system likes.
  public var sync = Sync.second
  public var line = 0
  /// Of `file`.
  public var place = ConfigurationPlace()
}

enum LogKey: Int, MappingKey {
  case file, maxSize, keep, every, sync

  static var mapping: ConfigurationMapping { .log }

  var row: ConfigurationKey {
    switch self {
    case .file:
      .init("file", .path, .required("a path, or - for standard output"), "where decisions go; - is standard output")
    case .maxSize:
      .init("max-size", .size("64KiB", "64GiB"), .value("10MiB"), only: .file, "then the file is renamed to FILE.1")
    case .keep:
      .init("keep", .integer(0, 99), .value("5"), only: .file, "how many old files stay")
    case .every:
      .init(
        "every", .choice(WordList("decision rule")), .value("decision"),
        "every decision, or when a rule with the action log fires")
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
      lookAtOutput(file.node, path)
    }
    log.maxBytes = size(fields[.maxSize]) ?? log.maxBytes
    log.keep = integer(fields[.keep]) ?? log.keep
    log.every = choice(fields[.every]) ?? log.every
    log.sync = choice(fields[.sync]) ?? log.sync
    configuration.log = log
  }
}
