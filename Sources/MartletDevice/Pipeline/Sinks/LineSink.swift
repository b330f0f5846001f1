import CMartletLinux
import CMartletPlatform

/// The GPIO outputs of a pipeline in the hands of an actuator: pulses, and lines that are set while rules hold. What
/// comes of inputs is counted here too.
struct LineSink: ~Copyable, DecisionSink {
  /// nil without outputs: it is a thread of its own.
  private var actuator: GPIOActuator?
  /// In the order of the configuration, which is the actuator's.
  private let outputs: [LineConfiguration]
  /// Where each of the configuration's lines is among the outputs; -1: an input.
  private let numbers: [Int]
  private var holders: [LineHolders]
  private let memory = LineErrors.Memory()
  /// For each output: whether its last call failed, as far as that was told.
  private var failing: [Bool]
  private var limits: [MessageLimit]
  /// Calls that failed, of all outputs, when `nextChange` had looked at them all.
  private var seenChanges: UInt64 = 0
  private var inputs: [InputCounts] = []

  /// Takes the outputs and brings them to their safe level.
  init(_ configuration: Configuration) throws(PipelineError) {
    let outputs = configuration.lines.filter { $0.direction == .output }
    var actuator: GPIOActuator?
    var numbers: [Int] = []
    for line in configuration.lines {
      guard line.direction == .output else {
        numbers.append(-1)
        continue
      }
      do throws(GPIOError) {
        let output = try GPIOOutput(
          line.address(), isActiveLow: line.isActiveLow, level: line.isSafeActive,
          drive: GPIOOutput.Drive(rawValue: Int32(line.drive.rawValue)) ?? .pushPull,
          bias: GPIOInput.Bias(rawValue: Int32(line.bias.rawValue)) ?? .asIs)
        if actuator == nil { actuator = try GPIOActuator() }
        numbers.append(try actuator!.add(output, safeLevel: line.isSafeActive))
      } catch {
        throw PipelineError(configuration, at: line, error)
      }
    }
    self.actuator = consume actuator
    self.outputs = outputs
    self.numbers = numbers
    holders = Self.holders(configuration, outputs, numbers)
    failing = [Bool](repeating: false, count: outputs.count)
    limits = [MessageLimit](repeating: MessageLimit(), count: outputs.count)
    inputs = configuration.lines.map { InputCounts($0) }
  }

  private static func holders(
    _ configuration: Configuration, _ outputs: [LineConfiguration], _ numbers: [Int]
  ) -> [LineHolders] {
    var holders = outputs.map { LineHolders(isSafeActive: $0.isSafeActive) }
    var rule = 0
    for camera in configuration.cameras {
      for told in camera.rules {
        for action in told.actions {
          if case .set(let line) = action.kind { holders[numbers[line]].add(rule: rule) }
        }
        rule += 1
      }
    }
    return holders
  }

  mutating func adopt(_ configuration: Configuration, _ origins: [Int]) {
    let old = holders
    holders = Self.holders(configuration, outputs, numbers)
    for output in holders.indices {
      holders[output].goOn(from: old[output], origins)
      guard holders[output].level != old[output].level else { continue }
      do throws(GPIOError) {
        try actuator!.set(output, holders[output].level)
      } catch {
        if error.kind == .gone {
          close()
          error.endProcess()
        }
        tell(error, of: output)
      }
    }
  }

  // MARK: Acting

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    let errors = memory.errors
    for number in camera.rules.indices {
      let actions = camera.rules[number].configuration.actions
      for index in actions.indices {
        var code: Int32 = 0
        do throws(GPIOError) {
          let acted = try act(actions[index].kind, camera.rules[number], capturedNs: decision.capturedNs)
          decision.actedNs = max(decision.actedNs, acted)
        } catch {
          code = error.code
          tell(error, of: actions[index].kind)
        }
        errors.note(code, rule: number, action: index)
      }
    }
    decision.lineErrors = errors
  }

  /// Does what the rule says; returns when a line was changed, 0 if none was.
  private mutating func act(
    _ action: ActionConfiguration.Kind, _ rule: borrowing CameraRule, capturedNs: UInt64
  ) throws(GPIOError) -> UInt64 {
    switch action {
    case .pulse(let line, let durationNs, let delayNs):
      guard rule.outcome.isFired else { return 0 }
      guard let delayNs else { return try actuator!.pulse(numbers[line], durationNs: durationNs) }
      // The thread that begins it can tell nobody: a chip that it found gone is told with the next one.
      try actuator!.checkIsThere(numbers[line])
      return try actuator!.pulse(numbers[line], durationNs: durationNs, startNs: capturedNs + delayNs)
    case .set(let line):
      let output = numbers[line]
      if try hold(output, rule: rule.number, rule.outcome.level) { return martlet_now_ns() }
      // Another rule holds it, or did: whether the line is there, its last call says.
      if rule.outcome.isFired || rule.outcome.isReleased { try actuator!.checkWorks(output) }
      return 0
    case .log, .save:
      return 0
    }
  }

  /// Notes that a rule holds a line, or does not, or that nobody knows (nil); returns whether that changed its level.
  private mutating func hold(_ output: Int, rule: Int, _ holds: Bool?) throws(GPIOError) -> Bool {
    let before = holders[output].level
    holders[output].note(rule: rule, holds)
    guard holders[output].level != before else { return false }
    try actuator!.set(output, holders[output].level)
    return true
  }

  /// The lines that the camera's rules held are safe, unless another rule holds them.
  mutating func lose(_ camera: borrowing PipelineCamera) { hold(camera, isLost: true) }

  mutating func refresh(_ camera: borrowing PipelineCamera) { hold(camera, isLost: false) }

  @inline(never)
  private mutating func hold(_ camera: borrowing PipelineCamera, isLost: Bool) {
    for number in camera.rules.indices {
      for action in camera.rules[number].configuration.actions {
        guard case .set(let line) = action.kind else { continue }
        let level = isLost ? nil : camera.rules[number].outcome.level
        do throws(GPIOError) {
          _ = try hold(numbers[line], rule: camera.rules[number].number, level)
        } catch {
          tell(error, of: action.kind)
        }
      }
    }
  }

  private mutating func tell(_ error: GPIOError, of action: ActionConfiguration.Kind) {
    if error.kind == .gone {
      // At once, before any other sink: the lines of other chips are still out.
      close()
      error.endProcess()
    }
    switch action {
    case .pulse(let line, _, _), .set(let line): tell(error, of: numbers[line])
    case .log, .save: return
    }
  }

  /// Not each time.
  @inline(never)
  private mutating func tell(_ error: GPIOError, of output: Int) {
    guard let count = limits[output].pass(error.code, nowNs: martlet_now_ns()) else { return }
    Output.tell("run: \(error.sentence)" + MessageLimit.words(count))
  }

  /// The next output whose calls began to fail, or work again, since this was asked last: also those of the thread,
  /// which begins and ends pulses.
  mutating func nextChange() -> (line: Int, error: GPIOError?)? {
    guard actuator != nil, actuator!.changes() != seenChanges else { return nil }
    let changes = actuator!.changes()
    for line in numbers.indices where numbers[line] >= 0 {
      let output = numbers[line]
      guard actuator!.statistics(output).isFailing != failing[output] else { continue }
      failing[output].toggle()
      return (line, failing[output] ? actuator!.failure(output) : nil)
    }
    seenChanges = changes
    return nil
  }

  mutating func tellChange(ofLine line: Int, _ error: GPIOError?) {
    if let error { return tell(error, of: numbers[line]) }
    Output.tell("run: line \(outputs[numbers[line]].name): works again")
  }

  // MARK: Inputs

  mutating func countEdge(ofLine line: Int) { inputs[line].edges += 1 }
  mutating func countLost(_ count: Int, ofLine line: Int) { inputs[line].lost += count }

  /// Every output to its safe level.
  mutating func close() {
    for output in holders.indices { holders[output].forget() }
    guard actuator != nil else { return }
    do throws(GPIOError) {
      try actuator!.setAllSafe()
    } catch {
      Output.tell("run: \(error.sentence)")
    }
  }

  func guardAgainstFaults() { actuator?.guardAgainstFaults() }

  // MARK: Telling

  func report(_ json: inout JSONWriter) {
    json.beginArray("lines")
    for output in outputs.indices {
      let found = actuator!.statistics(output)
      json.beginObject()
      json.field("name", outputs[output].name)
      json.field("active", found.isActive ? 1 : 0)
      json.field("pulses", Int(found.pulses))
      json.field("max_late_ms", Double(found.maxLateNs) / 1e6, places: 3)
      json.field("failures", Int(found.failures))
      json.field("state", found.isFailing ? "failing" : "good")
      json.endObject()
    }
    json.endArray()
    json.beginArray("inputs")
    for index in inputs.indices { inputs[index].report(&json) }
    json.endArray()
  }

  func report(_ text: inout String) {
    for output in outputs.indices {
      let found = actuator!.statistics(output)
      text.add("line \(outputs[output].name): \(found.isActive ? "active" : "inactive"), ")
      text.add("\(Int(found.pulses)) pulses, ")
      text.add("ended at most \(NumberText.decimal(Double(found.maxLateNs) / 1e6, places: 3)) ms late")
      if found.failures > 0 { text.add(", \(Int(found.failures)) failures\(found.isFailing ? ", failing" : "")") }
      text.add("\n")
    }
    for index in inputs.indices { inputs[index].report(&text) }
  }
}

/// What came of an input.
struct InputCounts {
  /// Empty: it is an output.
  let name: String
  var edges = 0
  /// That the kernel dropped because they came faster than they were read.
  var lost = 0

  init(_ line: LineConfiguration) { name = line.direction == .input ? line.name : "" }

  func report(_ json: inout JSONWriter) {
    guard !name.utf8.isEmpty else { return }
    json.beginObject()
    json.field("name", name)
    json.field("edges", edges)
    json.field("lost_edges", lost)
    json.endObject()
  }

  func report(_ text: inout String) {
    guard !name.utf8.isEmpty else { return }
    text.add("line \(name): \(edges) edges")
    if lost > 0 { text.add(", \(lost) lost in the kernel") }
    text.add("\n")
  }
}

extension GPIOError {
  /// A chip that is gone does not come back to this process: the service manager starts another one.
  func endProcess() -> Never {
    Output.tell("run: \(sentence)")
    martlet_exit(exitCode)
  }
}

extension LineConfiguration {
  @inline(never)
  func address() throws(GPIOError) -> GPIOLineAddress {
    try GPIOLineAddress(addressText)
  }

  @inline(never)
  var addressText: String {
    let line = offset >= 0 ? String(offset) : lineName
    return chip.map { $0 + ":" + line } ?? line
  }
}
