import MartletDevice

/// One input of the fuzzer: any bytes are read as a configuration, or refused with lines of text. What is not refused
/// keeps every limit, and what refers to something refers to what is there. (libyaml comes as it is, without the
/// fuzzer's eyes.)
enum ConfigurationTarget {
  static func run(_ input: UnsafeRawBufferPointer) {
    let (told, messages) = Configuration.read(input, path: "folder/fuzz.yaml", checksFiles: false)
    var place = 0
    for message in messages.list {
      precondition(message.line >= 1 && message.column >= 1 && message.line >= place)
      place = message.line
      precondition(!message.sentence.isEmpty && !message.sentence.utf8.contains { $0 < 0x20 })
    }
    #if CANARY
      // Behind the whole parser; no seed has an error: a mutation must make one in this word.
      if messages.list.contains(where: { $0.sentence.hasSuffix("did you mean \"rotate\"?") }) {
        fatalError("the planted bug was found")
      }
    #endif
    precondition(messages.list.count <= 2 * ConfigurationMessages.maxErrors)
    guard messages.errorCount == 0 else { return }
    precondition((1...Configuration.maxCameras).contains(told.cameras.count))
    precondition(told.models.count <= Configuration.maxModels && told.lines.count <= Configuration.maxLines)
    precondition(told.cameras.reduce(0) { $0 + $1.rules.count } <= Configuration.maxRules)
    precondition((told.status?.utf8.count ?? 0) <= 107)
    for camera in told.cameras { check(camera, told) }
  }

  private static func check(_ camera: CameraConfiguration, _ told: Configuration) {
    precondition(told.models.indices.contains(camera.model))
    if case .line(let line, _) = camera.trigger { precondition(told.lines[line].direction == .input) }
    for rule in camera.rules {
      precondition(rule.release <= rule.threshold && rule.threshold < rule.highest && rule.marginBelow > 0)
      precondition(rule.oneIn >= 1 && rule.hours.map { $0.days != 0 && $0.from != $0.to } ?? true)
      precondition((1...Configuration.maxActions).contains(rule.actions.count) && !rule.name.isEmpty)
      var state = RuleState(rule)
      let outcome = state.update(score: .infinity)
      precondition(outcome.holds == (rule.votes == 1 && outcome.isKnown))
      for action in rule.actions {
        switch action.kind {
        case .pulse(let line, let durationNs, _):
          precondition(told.lines[line].direction == .output && durationNs >= 100_000)
        case .set(let line): precondition(told.lines[line].direction == .output)
        case .log: precondition(told.log != nil)
        case .save: precondition(told.frames != nil)
        }
      }
    }
  }
}
