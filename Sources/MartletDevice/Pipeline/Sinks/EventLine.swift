/// A record of something that is no decision, as one line of JSON, written into memory of the caller's without
/// allocation: `begin`, its fields, `end`.
struct EventLine {
  private var text: RecordText

  /// - Parameter buffer: `DecisionLine.minimumBytes` or more.
  init(into buffer: UnsafeMutableRawBufferPointer) { text = RecordText(into: buffer) }

  /// - Parameters:
  ///   - decision: the number of the last one: a start goes on behind it.
  ///   - wallUs: microseconds since 1970 UTC.
  mutating func begin(_ event: PipelineEvent, decision: UInt64, wallUs: UInt64) {
    text.removeAll()
    text.literal("{\"event\":\"")
    text.literal(event.name)
    text.literal("\",\"decision\":")
    text.number(decision)
    text.literal(",\"time\":")
    text.time(wallUs: wallUs)
  }

  /// The key with its quotes, its comma before it and its colon: `,"camera":`.
  @inline(never)
  mutating func field(_ key: StaticString, _ value: UInt64) { text.field(key, value) }

  @inline(never)
  mutating func field(_ key: StaticString, _ value: UnsafeRawBufferPointer) {
    text.literal(key)
    text.string(value)
  }

  @inline(never)
  mutating func field(_ key: StaticString, _ value: String) {
    var copy = value
    copy.withUTF8 { field(key, UnsafeRawBufferPointer($0)) }
  }

  @inline(never)
  mutating func field(_ key: StaticString, ms ns: UInt64) {
    text.literal(key)
    text.milliseconds(ns: ns)
  }

  /// `,"capture_to_decision_ms":{"p50":...}`; nothing without samples.
  @inline(never)
  mutating func field(_ key: StaticString, _ times: borrowing LatencyHistogram) {
    guard times.count > 0 else { return }
    text.literal(key)
    field("{\"p50\":", ms: times.quantile(0.5))
    field(",\"p90\":", ms: times.quantile(0.9))
    field(",\"p99\":", ms: times.quantile(0.99))
    field(",\"max\":", ms: times.max)
    text.literal("}")
  }

  // MARK: Lists

  mutating func beginList(_ opening: StaticString) { text.beginList(opening) }
  mutating func endList() { text.endList() }

  mutating func model(_ name: UnsafeRawBufferPointer, hash: UInt64) {
    guard text.beginEntry() else { return }
    text.literal("{\"name\":")
    text.string(name)
    text.literal(",\"hash\":")
    text.hash(hash)
    text.literal("}")
  }

  /// - Parameter label: empty if the model has none.
  mutating func count(ofClass index: Int, label: UnsafeRawBufferPointer, _ count: UInt64) {
    guard text.beginEntry() else { return }
    text.field("{\"index\":", UInt64(index))
    if !label.isEmpty { field(",\"label\":", label) }
    text.field(",\"count\":", count)
    text.literal("}")
  }

  mutating func count(ofRule name: UnsafeRawBufferPointer, _ fired: UInt64) {
    guard text.beginEntry() else { return }
    field("{\"name\":", name)
    text.field(",\"fired\":", fired)
    text.literal("}")
  }

  /// The line with its newline; valid as long as the buffer and until the next `begin`.
  mutating func end() -> UnsafeRawBufferPointer { text.end() }
}

/// What a record can tell of that is no decision.
enum PipelineEvent {
  case start, stop, reload, cameraLost, cameraBack, modelLost, modelBack, lineFailed, lineBack, edgesLost, summary

  var name: StaticString {
    switch self {
    case .start: "start"
    case .stop: "stop"
    case .reload: "reload"
    case .cameraLost: "camera-lost"
    case .cameraBack: "camera-back"
    case .modelLost: "model-lost"
    case .modelBack: "model-back"
    case .lineFailed: "line-failed"
    case .lineBack: "line-back"
    case .edgesLost: "edges-lost"
    case .summary: "summary"
    }
  }
}
