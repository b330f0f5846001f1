import MartletDevice

/// A configuration in words, as it was understood. Written piece by piece, which takes half the bytes of
/// interpolations.
struct CheckReport {
  private var text = ""
  private let told: Configuration

  static func text(_ check: ConfigurationCheck) -> String {
    var report = CheckReport(check.configuration)
    report.all(check)
    return report.text
  }

  private init(_ told: Configuration) {
    self.told = told
  }

  private mutating func all(_ check: ConfigurationCheck) {
    add(told.path.visible())
    add(": good")
    for index in 0..<told.models.count {
      begin("model", told.models[index].name)
      add(told.models[index].file)
      add(": ", check.models[index].classCount)
      add(" labels, arena ", check.models[index].arenaBytes)
      add(" bytes, threads ", told.models[index].threads)
    }
    begin("memory", "models")
    var arenas = 0
    for facts in check.models { arenas += facts.arenaBytes }
    add("", arenas)
    add(" bytes, and as much again while they are reloaded")
    for line in told.lines { add(line) }
    for camera in told.cameras {
      add(camera)
      for rule in camera.rules { add(rule) }
    }
    if let log = told.log {
      begin("log", log.file)
      switch log.every {
      case .change: add("decisions that change something")
      case .decision: add("every decision")
      case .rule: add("when a rule fires")
      }
      if log.maxAgeNs > 0 { add(", at most ", ns: log.maxAgeNs) }
      addVolumes(check, log)
    }
    if let frames = told.frames {
      begin("frames", frames.folder)
      add("at most ", Int(frames.maxBytes))
      add(" bytes")
      if frames.maxAgeNs > 0 { add(", at most ", ns: frames.maxAgeNs) }
    }
    if let status = told.status { begin("status", status) }
    add("\n")
  }

  /// What the log grows by, camera after camera.
  private mutating func addVolumes(_ check: ConfigurationCheck, _ log: LogConfiguration) {
    for index in told.cameras.indices {
      guard let volume = check.logVolume(ofCamera: index) else { continue }
      begin("", "")
      add(told.cameras[index].name)
      add(": about ", volume.bytesPerRecord)
      add(" bytes a record")
      guard let bytes = volume.bytesPerDay else { continue }
      add(log.every == .decision ? ", a day " : ", a day at most ")
      add(NumberText.decimal(Double(bytes) / 1e6, places: 1))
      add(" MB")
    }
    if log.file.isSame(as: "-") { return }
    begin("", "")
    add("at most ", Int(min(log.maxBytes, 1 << 40)) * (log.keep + 1))
    add(" bytes are kept")
  }

  private mutating func add(_ line: LineConfiguration) {
    begin("line", line.name)
    add(line.chip ?? line.lineName)
    if line.offset >= 0 { add(" ", line.offset) }
    if line.direction == .output {
      add(line.isSafeActive ? ", output, safe when active" : ", output, safe when inactive")
    } else {
      add(line.edge == .both ? ", both edges" : line.edge == .rising ? ", rising edge" : ", falling edge")
      if line.debounceNs > 0 { add(", debounced for ", ns: line.debounceNs) }
    }
    if line.isActiveLow { add(", active low") }
  }

  private mutating func add(_ camera: CameraConfiguration) {
    begin("camera", camera.name)
    switch camera.source {
    case .device(let text), .bus(let text), .serial(let text), .name(let text), .pictures(let text, _): add(text)
    }
    switch camera.trigger {
    case .frames: add(", every frame")
    case .interval(let ns): add(", every ", ns: ns)
    case .line(let line, let delayNs):
      add(", at an edge of ")
      add(told.lines[line].name)
      add(" and ", ns: delayNs)
    }
    add(", model ")
    add(told.models[camera.model].name)
  }

  private mutating func add(_ rule: RuleConfiguration) {
    begin("  rule", rule.name)
    if rule.classes.isEmpty, !rule.includesUnknown { add("any class ") }
    for name in rule.classes {
      add(name.name)
      add(" ")
    }
    if rule.highest < .infinity {
      add("from ", score: rule.threshold)
      add(" to ", score: rule.highest)
    } else if !rule.classes.isEmpty || rule.threshold >= 0 && !rule.includesUnknown {
      add("", score: rule.threshold)
      add(" or more, until below ", score: rule.release)
    }
    if rule.marginBelow < .infinity { add(" less than ", score: rule.marginBelow, " ahead of the next") }
    if rule.includesUnknown { add(rule.classes.isEmpty ? "unknown" : ", or unknown") }
    add(", ", rule.votes)
    add(" of ", rule.window)
    if let hours = rule.hours { add(hours) }
    add(rule.fire == .once ? ", once" : ", each time")
    if rule.oneIn > 1 { add(", one in ", rule.oneIn) }
    if rule.pauseNs > 0 { add(", not for ", ns: rule.pauseNs) }
    add(rule.pauseNs > 0 ? " after: " : ": ")
    for index in 0..<rule.actions.count {
      if index > 0 { add("; ") }
      add(rule.actions[index])
    }
  }

  private mutating func add(_ hours: RuleHours) {
    add(", ")
    add(RuleHours.text(hours.from))
    add("-")
    add(RuleHours.text(hours.to))
    if hours.days != 0x7F {
      add(" ")
      add(hours.dayText)
    }
  }

  private mutating func add(_ action: ActionConfiguration) {
    switch action.kind {
    case .log: add("log")
    case .save: add("save the frame")
    case .set(let line):
      add("set ")
      add(told.lines[line].name)
    case .pulse(let line, let durationNs, let delayNs):
      add("pulse ")
      add(told.lines[line].name)
      add(" for ", ns: durationNs)
      if let delayNs { add(", from the capture on after ", ns: delayNs) }
    }
  }

  // MARK: Pieces

  @inline(never)
  private mutating func begin(_ kind: String, _ name: String) {
    text.add("\n  ")
    text.add(kind.padded(to: 7))
    text.add(name.padded(to: 12))
    text.add(" ")
  }

  @inline(never)
  private mutating func add(_ more: String) { text.add(more) }

  @inline(never)
  private mutating func add(_ more: String, _ number: Int) {
    text.add(more)
    text.add(NumberText.grouped(number))
  }

  @inline(never)
  private mutating func add(_ more: String, score: Float, _ behind: String = "") {
    text.add(more)
    text.add(NumberText.decimal(Double(score), places: 3))
    text.add(behind)
  }

  @inline(never)
  private mutating func add(_ more: String, ns: UInt64) {
    text.add(more)
    text.add(DurationText.text(ns))
  }
}
