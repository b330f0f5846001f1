import CMartletLinux

/// The GPIO lines of a pipeline: its inputs, and its outputs in the hands of an actuator.
struct PipelineLines: ~Copyable {
  private let actuator: UnsafeMutablePointer<GPIOActuator>?
  /// The number of each of the configuration's lines among the actuator's outputs or among the inputs.
  private let numbers: [Int]
  let inputs: UnsafeMutablePointer<GPIOInput>
  /// Which of the configuration's lines each input is.
  let inputLines: [Int]
  private let names: [UnsafeRawBufferPointer]
  private let holders: UnsafeMutablePointer<LineHolders>

  init(_ configuration: Configuration) throws(PipelineError) {
    let lines = configuration.lines
    var actuator: UnsafeMutablePointer<GPIOActuator>?
    var numbers: [Int] = []
    var inputLines: [Int] = []
    let inputs = UnsafeMutablePointer<GPIOInput>.allocate(capacity: max(lines.count, 1))
    for index in 0..<lines.count {
      let line = lines[index]
      do throws(GPIOError) {
        if line.direction == .input {
          let input = try GPIOInput(
            line.address(), isActiveLow: line.isActiveLow,
            bias: GPIOInput.Bias(rawValue: Int32(line.bias.rawValue)) ?? .asIs,
            edges: line.edge == .rising ? .rising : line.edge == .falling ? .falling : .both,
            debounceUs: UInt32(clamping: line.debounceNs / 1000))
          (inputs + inputLines.count).initialize(to: input)
          numbers.append(inputLines.count)
          inputLines.append(index)
        } else {
          let output = try GPIOOutput(
            line.address(), isActiveLow: line.isActiveLow, level: line.isSafeActive,
            drive: GPIOOutput.Drive(rawValue: Int32(line.drive.rawValue)) ?? .pushPull,
            bias: GPIOInput.Bias(rawValue: Int32(line.bias.rawValue)) ?? .asIs)
          if actuator == nil { actuator = .holding(try GPIOActuator()) }
          numbers.append(try actuator!.pointee.add(output, safeLevel: line.isSafeActive))
        }
      } catch {
        throw PipelineError(
          configuration, line: line.line, "line \(line.name): \(error.sentence)", exitCode: error.exitCode)
      }
    }
    self.actuator = actuator
    self.numbers = numbers
    self.inputs = inputs
    self.inputLines = inputLines
    names = lines.map { $0.name.permanentBytes() }
    holders = .allocate(capacity: max(lines.count, 1))
    for index in 0..<lines.count {
      (holders + index).initialize(to: LineHolders(isSafeActive: lines[index].isSafeActive))
    }
    var rule = 0
    for camera in configuration.cameras {
      for told in camera.rules {
        for action in told.actions {
          if case .set(let line) = action.kind { holders[line].add(rule: rule) }
        }
        rule += 1
      }
    }
  }

  deinit {
    actuator?.release()
    inputs.deinitialize(count: inputLines.count)
    inputs.deallocate()
    holders.deallocate()
  }

  // MARK: Acting

  /// Active for a time, at once or from `startNs` on; returns when it became active, 0 if that lies ahead.
  func pulse(_ line: Int, durationNs: UInt64, startNs: UInt64?) throws(GPIOError) -> UInt64 {
    guard let startNs else { return try actuator!.pointee.pulse(numbers[line], durationNs: durationNs) }
    // The thread that begins it can tell nobody: a chip that it found gone is told with the next one.
    try actuator!.pointee.checkIsThere(numbers[line])
    return try actuator!.pointee.pulse(numbers[line], durationNs: durationNs, startNs: startNs)
  }

  /// Notes that a rule holds a line, or does not, or that nobody knows (nil: its camera is away); returns whether that
  /// changed the line's level.
  func hold(_ line: Int, rule: Int, _ holds: Bool?) throws(GPIOError) -> Bool {
    let before = holders[line].level
    holders[line].note(rule: rule, holds)
    guard holders[line].level != before else { return false }
    try actuator!.pointee.set(numbers[line], holders[line].level)
    return true
  }

  /// If the process ends by a fault, every output goes to its safe level first.
  func guardAgainstFaults() {
    if let actuator { actuator.pointee.guardAgainstFaults() }
  }

  func name(_ line: Int) -> UnsafeRawBufferPointer { names[line] }
  func statistics(_ line: Int) -> GPIOActuator.Statistics { actuator!.pointee.statistics(numbers[line]) }

  /// Every output to its safe level.
  func setAllSafe() {
    for line in names.indices { holders[line].forget() }
    guard let actuator else { return }
    do throws(GPIOError) {
      try actuator.pointee.setAllSafe()
    } catch {
      Output.tell("run: \(error.sentence)")
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

extension LineConfiguration {
  @inline(never)
  func address() throws(GPIOError) -> GPIOLineAddress {
    let line = offset >= 0 ? String(offset) : lineName
    return try GPIOLineAddress(chip.map { $0 + ":" + line } ?? line)
  }
}
