/// When a camera's frame is decided on.
public enum TriggerConfiguration: Sendable {
  /// Every frame, the newest one each time.
  case frames
  /// The newest frame at every interval.
  case interval(ns: UInt64)
  /// The first frame captured `delayNs` or later after an edge of the line (an index of `Configuration.lines`).
  case line(Int, delayNs: UInt64)
}

enum TriggerKey: Int, MappingKey {
  case every, line, delay

  static var mapping: ConfigurationMapping { .trigger }

  var row: ConfigurationKey {
    switch self {
    case .every: .init("every", .time("1ms", "24h"), .alternative, "the newest frame at an interval")
    case .line: .init("line", .name(of: "line"), .alternative, "a frame after each edge of an input")
    case .delay:
      .init(
        "delay", .time("0s", "60s"), .value("0s"), only: .edge,
        "the first frame that was captured so long after the edge")
    }
  }
}

extension ConfigurationReader {
  private func isLine(_ node: Node) -> Bool {
    for index in lineNames.indices where lineNames[index].isSame(as: bytes(node)) { return true }
    return false
  }

  mutating func readTrigger(_ field: Field, _ camera: inout CameraConfiguration) {
    guard case .either(let frames, _, _) = field.key.kind, field.isGiven else { return }
    if isScalar(field.node) {
      if bytes(field.node).isSame(as: frames) { return }
      if isLine(field.node) {
        error(field.node, "trigger: %v is a line: write {line: %s}", text(field.node))
      } else {
        wrong(field)
      }
      return
    }
    guard let fields = fields(field.node, TriggerKey.self) else { return }
    if alternatives(fields).count != 1 {
      wrong(field)
    } else if fields[.every].isGiven {
      if let ns = time(fields[.every]) { camera.trigger = .interval(ns: ns) }
      refuse(fields, of: .edge)
    } else if let line = line(fields[.line], .input) {
      camera.trigger = .line(line, delayNs: time(fields[.delay]) ?? 0)
    }
  }
}
