import MartletDevice

/// A configuration in words, as it was understood.
enum CheckReport {
  static func text(_ check: ConfigurationCheck) -> String {
    let told = check.configuration
    var text = told.path + ": good\n"
    for (index, model) in told.models.enumerated() {
      let facts = check.models[index]
      var line = model.file
      line.add(": \(facts.classCount) labels, arena \(NumberText.grouped(facts.arenaBytes)) bytes with ")
      line.add(model.threads == 1 ? "1 thread" : "\(model.threads) threads")
      entry("model", model.name, line, &text)
    }
    for line in told.lines { entry("line", line.name, words(line), &text) }
    for camera in told.cameras {
      entry("camera", camera.name, words(camera, told), &text)
      for rule in camera.rules { entry("  rule", rule.name, words(rule, told), &text) }
    }
    if let log = told.log {
      var line = log.file
      if line.utf8.count > 1 { line.add(", rotated at \(Int(log.maxBytes)) bytes, \(log.keep) old files") }
      line.add(log.every == .rule ? ", when a rule fires" : ", every decision")
      entry("log", "", line, &text)
    }
    if let frames = told.frames { entry("frames", "", frames.folder + ", at most \(Int(frames.maxBytes)) bytes", &text) }
    if let status = told.status { entry("status", "", status, &text) }
    return text
  }

  private static func entry(_ kind: String, _ name: String, _ words: String, _ text: inout String) {
    text.add("  ")
    text.add(kind.padded(to: 7))
    text.add(name.padded(to: 12))
    text.add(" ")
    text.add(words)
    text.add("\n")
  }

  private static func words(_ line: LineConfiguration) -> String {
    var text = line.lineName
    if let chip = line.chip { text = chip + " " + String(line.offset) }
    if line.direction == .output {
      text.add(line.isSafeActive ? ", output, safe when active" : ", output, safe when inactive")
    } else {
      text.add(", input, ")
      text.add(line.edge == .both ? "both edges" : line.edge == .rising ? "rising edge" : "falling edge")
      if line.debounceNs > 0 { text.add(", debounced for " + DurationText.text(line.debounceNs)) }
    }
    if line.isActiveLow { text.add(", active low") }
    return text
  }

  private static func words(_ camera: CameraConfiguration, _ told: Configuration) -> String {
    var text: String
    switch camera.source {
    case .device(let path): text = path
    case .bus(let bus): text = "bus \(bus)"
    case .serial(let serial): text = "serial number \(serial)"
    case .name(let name): text = "\"\(name)\""
    case .pictures(let path, let isRepeated):
      text = "pictures of \(path)"
      if isRepeated { text.add(", over again") }
    }
    if camera.width > 0 { text.add(", \(camera.width)x\(camera.height)") }
    if let region = camera.region {
      text.add(", region \(region.width)x\(region.height) at \(region.x),\(region.y)")
    }
    if camera.rotation > 0 { text.add(", rotated by \(camera.rotation)") }
    if camera.isMirrored { text.add(", mirrored") }
    switch camera.trigger {
    case .frames: text.add(", every frame")
    case .interval(let ns): text.add(", every " + DurationText.text(ns))
    case .line(let line, let delayNs):
      text.add(", at an edge of " + told.lines[line].name)
      if delayNs > 0 { text.add(" and " + DurationText.text(delayNs)) }
    }
    text.add(", model " + told.models[camera.model].name)
    return text
  }

  private static func words(_ rule: RuleConfiguration, _ told: Configuration) -> String {
    var text = ""
    for name in rule.classes {
      if !text.isEmpty { text.add(" or ") }
      text.add(name.name)
    }
    if !rule.classes.isEmpty { text.add(" at " + NumberText.decimal(Double(rule.threshold), places: 3) + " or more") }
    if rule.includesUnknown { text.add(text.isEmpty ? "unknown" : " or unknown") }
    if rule.window > 1 { text.add(" in \(rule.votes) of the last \(rule.window)") }
    if rule.release < rule.threshold {
      text.add(", until below " + NumberText.decimal(Double(rule.release), places: 3))
    }
    text.add(rule.fire == .once ? ", once: " : ", each time: ")
    for (index, action) in rule.actions.enumerated() {
      if index > 0 { text.add("; ") }
      switch action.kind {
      case .log: text.add("log")
      case .save: text.add("save the frame")
      case .set(let line): text.add("set " + told.lines[line].name)
      case .pulse(let line, let durationNs, let delayNs):
        text.add("pulse " + told.lines[line].name + " for " + DurationText.text(durationNs))
        if let delayNs { text.add(" from " + DurationText.text(delayNs) + " after the capture") }
      }
    }
    return text
  }
}
