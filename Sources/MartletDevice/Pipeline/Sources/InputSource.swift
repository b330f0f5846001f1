import CMartletPlatform

/// A GPIO input: its edges are the triggers of cameras.
struct InputSource: ~Copyable, EventSource {
  private var input: GPIOInput
  /// Which of the configuration's lines it is.
  private let line: Int
  private let name: String
  private var limit = MessageLimit()

  init(_ input: consuming GPIOInput, line: Int, name: String) {
    self.input = input
    self.line = line
    self.name = name
  }

  /// All inputs of a configuration.
  static func all(_ configuration: Configuration) throws(PipelineError) -> FixedArray<InputSource> {
    var inputs = FixedArray<InputSource>(capacity: configuration.lines.count)
    for index in configuration.lines.indices where configuration.lines[index].direction == .input {
      let line = configuration.lines[index]
      do throws(GPIOError) {
        let input = try GPIOInput(
          line.address(), isActiveLow: line.isActiveLow,
          bias: GPIOInput.Bias(rawValue: Int32(line.bias.rawValue)) ?? .asIs,
          edges: line.edge == .rising ? .rising : line.edge == .falling ? .falling : .both,
          debounceUs: UInt32(clamping: line.debounceNs / 1000))
        inputs.append(InputSource(input, line: index, name: line.name))
      } catch {
        throw PipelineError(configuration, at: line, error)
      }
    }
    return inputs
  }

  func addDescriptors(to waits: inout WaitSet, nowNs: UInt64, _ core: borrowing PipelineCore) {
    waits.add(input.descriptor)
  }

  func deadlineNs(nowNs: UInt64, _ core: borrowing PipelineCore) -> UInt64 { input.deadlineNs ?? .max }

  mutating func service(_ core: inout PipelineCore) {
    do throws(GPIOError) {
      while let event = try input.nextEvent(nowNs: martlet_now_ns()) { core.edge(ofLine: line, at: event.timeNs) }
    } catch {
      core.stop(error)
    }
    let lost = input.takeLost()
    if lost > 0 { tellLost(lost, &core) }
  }

  @inline(never)
  private mutating func tellLost(_ lost: Int, _ core: inout PipelineCore) {
    core.loseEdges(lost, ofLine: line)
    guard let count = limit.pass(nowNs: martlet_now_ns()) else { return }
    Output.tell(
      "run: line \(name): \(lost) edges were lost in the kernel, they come faster than they are read"
        + MessageLimit.words(count))
  }
}
