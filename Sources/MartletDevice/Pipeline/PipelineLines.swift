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
  /// For each line, the rules that hold it: a bit each.
  private let holders: UnsafeMutablePointer<UInt64>

  init(_ configuration: Configuration) throws(PipelineError) {
    let lines = configuration.lines
    var actuator: UnsafeMutablePointer<GPIOActuator>?
    var numbers: [Int] = []
    var inputLines: [Int] = []
    let inputs = UnsafeMutablePointer<GPIOInput>.allocate(capacity: max(lines.count, 1))
    for (index, line) in lines.enumerated() {
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
    holders.initialize(repeating: 0, count: lines.count)
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
    return try actuator!.pointee.pulse(numbers[line], durationNs: durationNs, startNs: startNs)
  }

  /// Notes that a rule holds a line, or no longer does; returns whether that changed the line's level.
  func hold(_ line: Int, rule: Int, _ holds: Bool) throws(GPIOError) -> Bool {
    let before = holders[line]
    let bit = UInt64(1) << UInt64(rule)
    let after = holds ? before | bit : before & ~bit
    holders[line] = after
    guard (before == 0) != (after == 0) else { return false }
    try actuator!.pointee.set(numbers[line], after != 0)
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
    for line in names.indices { holders[line] = 0 }
    guard let actuator else { return }
    do throws(GPIOError) {
      try actuator.pointee.setAllSafe()
    } catch {
      Output.write("run: \(error.sentence)\n", to: .error)
    }
  }
}

extension LineConfiguration {
  func address() throws(GPIOError) -> GPIOLineAddress {
    let line = offset >= 0 ? String(offset) : lineName
    return try GPIOLineAddress(chip.map { $0 + ":" + line } ?? line)
  }
}
