import CMartletLinux
import CMartletPlatform

/// The GPIO outputs of a pipeline in the hands of an actuator: pulses, and lines that are set while rules hold.
struct LineSink: ~Copyable, DecisionSink {
  /// nil without outputs: it is a thread of its own.
  private var actuator: GPIOActuator?
  /// In the order of the configuration, which is the actuator's.
  private let outputs: [LineConfiguration]
  /// Where each of the configuration's lines is among the outputs; -1: an input.
  private let numbers: [Int]
  private var holders: [LineHolders]

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
        tell(error)
      }
    }
  }

  // MARK: Acting

  mutating func take(
    _ decision: inout Decision, of camera: borrowing PipelineCamera, by model: borrowing PipelineModel
  ) {
    for number in camera.rules.indices {
      for action in camera.rules[number].configuration.actions {
        do throws(GPIOError) {
          let acted = try act(action.kind, camera.rules[number], capturedNs: decision.capturedNs)
          decision.actedNs = max(decision.actedNs, acted)
        } catch {
          tell(error)
        }
      }
    }
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
      return try hold(numbers[line], rule: rule.number, rule.outcome.level) ? martlet_now_ns() : 0
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
          tell(error)
        }
      }
    }
  }

  private mutating func tell(_ error: GPIOError) {
    guard error.kind == .gone else { return Output.tell("run: \(error.sentence)") }
    // At once, before any other sink: the lines of other chips are still out.
    close()
    error.endProcess()
  }

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
      json.endObject()
    }
    json.endArray()
  }

  func report(_ text: inout String) {
    for output in outputs.indices {
      let found = actuator!.statistics(output)
      text.add("line \(outputs[output].name): \(found.isActive ? "active" : "inactive"), ")
      text.add("\(Int(found.pulses)) pulses, ")
      text.add("ended at most \(NumberText.decimal(Double(found.maxLateNs) / 1e6, places: 3)) ms late\n")
    }
  }
}

/// Who holds a line that is set while rules hold: a bit for each rule.
struct LineHolders: BitwiseCopyable {
  let isSafeActive: Bool
  private var all: UInt64 = 0
  private var holding: UInt64 = 0
  /// Rules that have not decided yet, or whose camera is away.
  private var unknown: UInt64 = 0

  init(isSafeActive: Bool) { self.isSafeActive = isSafeActive }

  mutating func add(rule: Int) {
    all |= 1 << UInt64(rule)
    unknown = all
  }

  /// What was known of the rules that these go on from.
  mutating func goOn(from old: LineHolders, _ origins: [Int]) {
    for rule in origins.indices where all >> UInt64(rule) & 1 != 0 && origins[rule] >= 0 {
      let origin = UInt64(origins[rule])
      guard old.all >> origin & 1 != 0, old.unknown >> origin & 1 == 0 else { continue }
      note(rule: rule, old.holding >> origin & 1 != 0)
    }
  }

  mutating func note(rule: Int, _ holds: Bool?) {
    let bit: UInt64 = 1 << UInt64(rule)
    holding = holds == true ? holding | bit : holding & ~bit
    unknown = holds == nil ? unknown | bit : unknown & ~bit
  }

  mutating func forget() {
    holding = 0
    unknown = all
  }

  /// Active while a rule holds; while one is not known and none holds, the safe level.
  var level: Bool { holding != 0 || isSafeActive && (unknown != 0 || all == 0) }
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
