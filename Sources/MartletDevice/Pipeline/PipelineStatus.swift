import CMartletKernels
import CMartletLinux
import CMartletPlatform
import Martlet

/// What `martlet status` asks for. It allocates, and gives back what it took.
extension PipelineCore {
  func statusJSON(_ now: UInt64) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("version", MartletVersion.text)
    json.field("uptime_s", Double(now - startedNs) / 1e9, places: 3)
    json.field("decisions", Int(decision))
    if lastDecisionNs > 0 { json.field("last_decision_age_s", seconds(now), places: 3) }
    json.field("resident_bytes", Int(martlet_resident_bytes()))
    json.field("descriptors", Int(martlet_open_descriptors()))
    let temperature = martlet_temperature()
    if temperature != Int32.min { json.field("temperature_celsius", Double(temperature) / 1000, places: 1) }
    json.beginArray("cameras")
    for index in cameras.indices { cameras[index].report(&json) }
    json.endArray()
    json.field("reloads", reload.succeeded)
    if let error = reload.lastError { json.field("last_reload_error", error.sentence) }
    json.beginArray("models")
    for index in models.indices { models[index].report(&json) }
    json.endArray()
    sinks.report(&json)
    json.end()
    return json.text
  }

  func statusText(_ now: UInt64) -> String {
    var text = "martlet \(MartletVersion.text), up \(Int((now - startedNs) / 1_000_000_000)) s, "
    text.add("decision \(Int(decision))\n")
    text.add("memory \(NumberText.bytes(Int(martlet_resident_bytes()))) resident")
    let temperature = martlet_temperature()
    if temperature != Int32.min {
      text.add(", \(NumberText.decimal(Double(temperature) / 1000, places: 1)) degrees Celsius")
    }
    text.add("\n")
    if let error = reload.lastError { text.add("last reload: " + error.sentence + "\n") }
    for index in models.indices { models[index].report(&text) }
    for index in cameras.indices { cameras[index].report(&text) }
    sinks.report(&text)
    return text
  }
}

extension PipelineCore {
  /// For monitoring: 0 or an exit code, and one line.
  func statusCheck(_ now: UInt64) -> String {
    var wrong = ""
    for index in cameras.indices {
      let problem = cameras[index].problem(now, since: startedNs)
      if !problem.isEmpty { Self.add("camera ", cameras[index].configuration.name, problem, to: &wrong) }
    }
    for index in models.indices where models[index].isOverwritten {
      Self.add("model ", models[index].configuration.name, "was written over", to: &wrong)
    }
    if let error = reload.lastError { Self.add("last ", "reload", error.sentence, to: &wrong) }
    var line = "0 good: decision "
    if wrong.isEmpty {
      line.add(String(Int(decision)))
      if lastDecisionNs > 0 {
        line.add(", ")
        line.add(NumberText.decimal(seconds(now), places: 1))
        line.add(" s ago")
      }
    } else {
      line = String(ExitCode.unavailable)
      line.add(" ")
      line.add(wrong)
    }
    line.add("\n")
    return line
  }

  @inline(never)
  private static func add(_ kind: String, _ name: String, _ problem: String, to wrong: inout String) {
    if !wrong.isEmpty { wrong.add("; ") }
    wrong.add(kind)
    wrong.add(name)
    wrong.add(": ")
    wrong.add(problem)
  }

  /// Since the last decision.
  fileprivate func seconds(_ now: UInt64) -> Double { Double(now - min(now, lastDecisionNs)) / 1e9 }
}

extension PipelineCamera {
  /// A camera may take its time at the start.
  private static let openingNs: UInt64 = 10_000_000_000

  /// What is wrong with it; empty: nothing.
  fileprivate func problem(_ now: UInt64, since started: UInt64) -> String {
    switch state {
    case .streaming, .waiting, .finished: ""
    case .opening: now >= started + Self.openingNs ? state.text : ""
    case .lost, .silent, .damaged, .hung: lastError
    }
  }
}

extension PipelineModel {
  fileprivate func report(_ json: inout JSONWriter) {
    json.beginObject()
    json.field("name", configuration.name)
    json.field("file", configuration.file)
    json.field("state", isOverwritten ? "overwritten" : "good")
    json.field("hash", NumberText.hash(hash))
    json.field("arena_bytes", loaded.engine.budget.arenaBytes)
    json.field("instruction_set", InstructionSet.name(loaded.isa))
    json.endObject()
  }
}

extension PipelineModel {
  fileprivate func report(_ text: inout String) {
    text.add("model ")
    text.add(configuration.name)
    text.add(": ")
    text.add(configuration.file)
    text.add(", ")
    text.add(NumberText.hash(hash))
    text.add(isOverwritten ? ", was written over: nothing is decided by it\n" : "\n")
  }
}

extension PipelineCamera {
  fileprivate func report(_ json: inout JSONWriter) {
    json.beginObject()
    json.field("name", configuration.name)
    json.field("state", state.text)
    if isErrorTold { json.field("error", lastError) }
    if isDevice {
      json.field("path", path)
      json.field("format", FourCC(code: format.fourcc).text)
      json.field("width", Int(format.width))
      json.field("height", Int(format.height))
    }
    json.field("decided", decided)
    json.field("dropped", counts.dropped)
    json.field("damaged", counts.damaged)
    json.field("reopened", counts.reopened)
    json.field("triggers", trigger.triggers)
    json.field("missed_triggers", trigger.missed)
    json.histogram("capture_to_decision_ms", toDecision)
    json.histogram("capture_to_gpio_ms", toAction)
    json.histogram("inference_ms", inference)
    json.histogram("overhead_ms", overhead)
    json.beginArray("rules")
    for number in rules.indices {
      json.beginObject()
      json.field("name", rules[number].configuration.name)
      json.field("holds", rules[number].state.holds ? 1 : 0)
      json.field("fired", rules[number].fired)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  fileprivate func report(_ text: inout String) {
    text.add("camera \(configuration.name): \(state.text)")
    if isDevice, isOpen {
      text.add(" from \(path), \(FourCC(code: format.fourcc).text) \(Int(format.width))x\(Int(format.height))")
    }
    if isErrorTold { text.add(": " + lastError) }
    text.add("\n  \(decided) decided, \(counts.dropped) dropped, ")
    text.add("\(counts.damaged) damaged, reopened \(counts.reopened) times")
    if !trigger.isContinuous { text.add(", \(trigger.triggers) triggers, \(trigger.missed) missed") }
    text.add("\n  ms                     p50      p90      p99      max\n")
    text.histogram("capture to decision", toDecision)
    text.histogram("capture to GPIO", toAction)
    text.histogram("inference", inference)
    text.histogram("all but inference", overhead)
    for number in rules.indices {
      text.add("  rule \(rules[number].configuration.name): ")
      text.add(rules[number].state.holds ? "holds" : "does not hold")
      text.add(", fired \(rules[number].fired) times\n")
    }
  }
}

extension PipelineCamera.State {
  fileprivate var text: String {
    switch self {
    case .opening: "opening"
    case .waiting: "waiting for its trigger"
    case .streaming: "streaming"
    case .lost: "lost"
    case .silent: "silent"
    case .damaged: "damaged"
    case .hung: "hung"
    case .finished: "finished"
    }
  }
}

extension JSONWriter {
  /// {"count": ..., "p50": ...}, in milliseconds.
  @inline(never)
  fileprivate mutating func histogram(_ key: String, _ histogram: borrowing LatencyHistogram) {
    beginObject(key)
    field("count", Int(histogram.count))
    field("p50", Double(histogram.quantile(0.5)) / 1e6, places: 3)
    field("p90", Double(histogram.quantile(0.9)) / 1e6, places: 3)
    field("p99", Double(histogram.quantile(0.99)) / 1e6, places: 3)
    field("max", Double(histogram.max) / 1e6, places: 3)
    endObject()
  }
}

extension String {
  @inline(never)
  fileprivate mutating func histogram(_ name: String, _ histogram: borrowing LatencyHistogram) {
    guard histogram.count > 0 else { return }
    add("  " + name.padded(to: 20))
    column(histogram.quantile(0.5))
    column(histogram.quantile(0.9))
    column(histogram.quantile(0.99))
    column(histogram.max)
    add("\n")
  }

  private mutating func column(_ ns: UInt64) {
    add(NumberText.decimal(Double(ns) / 1e6, places: 2).padded(to: 9, left: true))
  }
}
