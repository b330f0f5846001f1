import CMartletKernels
import CMartletLinux
import CMartletPlatform
import Martlet

/// What `martlet status` asks for. It allocates, and gives back what it took.
extension Pipeline {
  mutating func answer() {
    let now = martlet_now_ns()
    while let (slot, question) = server.next(nowNs: now) {
      server.reply(slot, question == .json ? statusJSON(now) : statusText(now))
    }
  }

  private func statusJSON(_ now: UInt64) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("version", MartletVersion.text)
    json.field("uptime_s", Double(now - startedNs) / 1e9, places: 3)
    json.field("decisions", Int(decision))
    json.field("resident_bytes", Int(martlet_resident_bytes()))
    json.field("descriptors", Int(martlet_open_descriptors()))
    let temperature = martlet_temperature()
    if temperature != Int32.min { json.field("temperature_celsius", Double(temperature) / 1000, places: 1) }
    json.beginArray("cameras")
    for index in 0..<configuration.cameras.count { camera(index, &json) }
    json.endArray()
    json.beginArray("models")
    for index in 0..<configuration.models.count {
      json.beginObject()
      json.field("name", configuration.models[index].name)
      json.field("file", configuration.models[index].file)
      json.field("hash", NumberText.hash(models[index].hash))
      json.field("arena_bytes", models[index].loaded.engine.budget.arenaBytes)
      json.field("instruction_set", InstructionSet.name(models[index].loaded.isa))
      json.endObject()
    }
    json.endArray()
    json.beginArray("lines")
    for index in 0..<configuration.lines.count where configuration.lines[index].direction == .output {
      let line = configuration.lines[index]
      let found = lines.statistics(index)
      json.beginObject()
      json.field("name", line.name)
      json.field("active", found.isActive ? 1 : 0)
      json.field("pulses", Int(found.pulses))
      json.field("max_late_ms", Double(found.maxLateNs) / 1e6, places: 3)
      json.field("failures", Int(found.failures))
      json.endObject()
    }
    json.endArray()
    if let log { json.field("log_lost", Int(log.pointee.lostCount)) }
    if let frames {
      json.field("frames_lost", Int(frames.pointee.lostCount))
      json.field("frames_bytes", Int(frames.pointee.byteCount))
    }
    json.beginArray("last_decisions")
    recent.forEach { json.element(json: $0) }
    json.endArray()
    json.end()
    return json.text
  }

  private func camera(_ index: Int, _ json: inout JSONWriter) {
    let channel = channels + index
    json.beginObject()
    json.field("name", configuration.cameras[index].name)
    json.field("state", channel.pointee.state.text)
    if channel.pointee.isErrorTold { json.field("error", channel.pointee.lastError) }
    if channel.pointee.isCamera {
      let format = channel.pointee.stream.format
      json.field("path", channel.pointee.stream.path)
      json.field("format", FourCC(code: format.fourcc).text)
      json.field("width", Int(format.width))
      json.field("height", Int(format.height))
    }
    json.field("decided", channel.pointee.decided)
    json.field("dropped", channel.pointee.dropped)
    json.field("damaged", channel.pointee.damaged)
    json.field("reopened", channel.pointee.stream.counts.reopened)
    json.field("triggers", channel.pointee.trigger.triggers)
    json.field("missed_triggers", channel.pointee.trigger.missed)
    json.histogram("capture_to_decision_ms", channel.pointee.toDecision)
    json.histogram("capture_to_gpio_ms", channel.pointee.toAction)
    json.histogram("inference_ms", channel.pointee.inference)
    json.histogram("overhead_ms", channel.pointee.overhead)
    json.beginArray("rules")
    for number in 0..<channel.pointee.ruleCount {
      json.beginObject()
      json.field("name", channel.pointee.rules[number].configuration.name)
      json.field("holds", channel.pointee.rules[number].state.holds ? 1 : 0)
      json.field("fired", channel.pointee.rules[number].fired)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }

  private func statusText(_ now: UInt64) -> String {
    var text = "martlet \(MartletVersion.text), up \(Int((now - startedNs) / 1_000_000_000)) s, "
    text.add("decision \(Int(decision))\n")
    text.add("memory \(NumberText.bytes(Int(martlet_resident_bytes()))) resident")
    let temperature = martlet_temperature()
    if temperature != Int32.min {
      text.add(", \(NumberText.decimal(Double(temperature) / 1000, places: 1)) degrees Celsius")
    }
    text.add("\n")
    for index in 0..<configuration.cameras.count { camera(index, &text) }
    for index in 0..<configuration.lines.count where configuration.lines[index].direction == .output {
      let line = configuration.lines[index]
      let found = lines.statistics(index)
      text.add("line \(line.name): \(found.isActive ? "active" : "inactive"), \(Int(found.pulses)) pulses, ")
      text.add("ended at most \(NumberText.decimal(Double(found.maxLateNs) / 1e6, places: 3)) ms late\n")
    }
    if let log, log.pointee.lostCount > 0 { text.add("log: \(Int(log.pointee.lostCount)) records lost\n") }
    if let frames, frames.pointee.lostCount > 0 { text.add("frames: \(Int(frames.pointee.lostCount)) lost\n") }
    text.add("last decisions\n")
    recent.forEach {
      text.add("  ")
      text.add(String(utf8: $0))
      text.add("\n")
    }
    return text
  }

  private func camera(_ index: Int, _ text: inout String) {
    let channel = channels + index
    text.add("camera \(configuration.cameras[index].name): \(channel.pointee.state.text)")
    if channel.pointee.isCamera, channel.pointee.stream.isOpen {
      let format = channel.pointee.stream.format
      text.add(" from \(channel.pointee.stream.path), \(FourCC(code: format.fourcc).text) ")
      text.add("\(Int(format.width))x\(Int(format.height))")
    }
    if channel.pointee.isErrorTold { text.add(": " + channel.pointee.lastError) }
    text.add("\n  \(channel.pointee.decided) decided, \(channel.pointee.dropped) dropped, ")
    text.add("\(channel.pointee.damaged) damaged, reopened \(channel.pointee.stream.counts.reopened) times")
    if !channel.pointee.trigger.isContinuous {
      text.add(", \(channel.pointee.trigger.triggers) triggers, \(channel.pointee.trigger.missed) missed")
    }
    text.add("\n  ms                     p50      p90      p99      max\n")
    text.histogram("capture to decision", channel.pointee.toDecision)
    text.histogram("capture to GPIO", channel.pointee.toAction)
    text.histogram("inference", channel.pointee.inference)
    text.histogram("all but inference", channel.pointee.overhead)
    for number in 0..<channel.pointee.ruleCount {
      let rule = channel.pointee.rules[number]
      text.add("  rule \(rule.configuration.name): \(rule.state.holds ? "holds" : "does not hold"), ")
      text.add("fired \(rule.fired) times\n")
    }
  }
}

extension Channel.State {
  fileprivate var text: String {
    switch self {
    case .opening: "opening"
    case .waiting: "waiting for its trigger"
    case .streaming: "streaming"
    case .lost: "lost"
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
