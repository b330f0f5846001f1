import CMartletLinux
import MartletDevice

/// `martlet gpio`: GPIO lines, for bringing a board up.
enum Gpio {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(
      argc, argv,
      options: [.json, .for, .hold, .count, .every, .edge, .debounce, .timeout, .activeLow, .bias])
    if arguments.has(.help) { return try report(Help.gpio) }
    guard let first = arguments.paths.first else { return try GpioList.run(arguments) }
    let verb = Word(first.cString)
    if verb == "list" {
      try GpioList.run(arguments)
    } else if verb == "read" {
      try GpioRead.run(arguments)
    } else if verb == "set" {
      try GpioSet.run(arguments)
    } else if verb == "pulse" {
      try GpioPulse.run(arguments)
    } else if verb == "watch" {
      try GpioWatch.run(arguments)
    } else {
      throw .usage("\(verb.text): must be list, read, set, pulse or watch")
    }
  }

  /// Refuses the options of the other subcommands.
  @inline(never)
  static func allow(_ options: [Option], _ arguments: Arguments) throws(CommandError) {
    for option in [Option.for, .hold, .count, .every, .edge, .debounce, .timeout, .activeLow, .bias]
    where arguments.has(option) && !options.contains(where: { $0 == option }) {
      throw .usage("gpio \(arguments.paths.first?.text ?? "list") takes no --" + option.name.text)
    }
  }

  /// The arguments behind the subcommand; at least one.
  @inline(never)
  static func lines(_ arguments: Arguments) throws(CommandError) -> [FilePath] {
    var lines = arguments.paths
    if !lines.isEmpty { lines.removeFirst() }
    guard !lines.isEmpty else {
      throw .usage("which line? give CHIP:OFFSET, CHIP:NAME or NAME; martlet gpio lists them")
    }
    guard lines.count <= Int(MARTLET_ACTUATOR_MAX_OUTPUTS) else {
      throw .usage("at most \(MARTLET_ACTUATOR_MAX_OUTPUTS) lines at a time")
    }
    return lines
  }

  @inline(never)
  static func address(_ text: String) throws(CommandError) -> GPIOLineAddress {
    do throws(GPIOError) { return try GPIOLineAddress(text) } catch { throw CommandError(error) }
  }

  @inline(never)
  static func bias(_ arguments: Arguments) throws(CommandError) -> GPIOInput.Bias {
    guard let word = arguments.value(.bias).map({ Word($0) }) else { return .asIs }
    if word == "none" { return .disabled }
    if word == "pull-up" { return .pullUp }
    if word == "pull-down" { return .pullDown }
    throw .usage("--bias \(word.text): must be none, pull-up or pull-down")
  }

  /// An option's milliseconds as nanoseconds; 0 if it is not given.
  @inline(never)
  static func nanoseconds(_ option: Option, _ arguments: Arguments) throws(CommandError) -> UInt64 {
    guard arguments.has(option) else { return 0 }
    return UInt64(try arguments.integer(option, in: 1...86_400_000, default: 1)) * 1_000_000
  }

  /// From here on Ctrl-C and SIGTERM are waited for.
  @inline(never)
  static func catchStop() throws(CommandError) -> Int32 {
    var stop: Int32 = -1
    guard martlet_gpio_catch_stop(&stop) == 0 else {
      throw CommandError("signals cannot be waited for", exitCode: ExitCode.system)
    }
    return stop
  }

  /// The outputs, inactive. All are requested before any is switched: if one is busy, nothing happens.
  @inline(never)
  static func outputs(_ addresses: [GPIOLineAddress], _ arguments: Arguments) throws(CommandError) -> GPIOActuator {
    let bias = try bias(arguments)
    do throws(GPIOError) {
      var outputs = try GPIOActuator(capacity: addresses.count)
      for address in addresses {
        _ = try outputs.add(GPIOOutput(address, isActiveLow: arguments.has(.activeLow), bias: bias))
      }
      return outputs
    } catch {
      throw CommandError(error)
    }
  }

  /// Inactive and released.
  @inline(never)
  static func end(_ outputs: borrowing GPIOActuator) throws(CommandError) {
    do throws(GPIOError) { try outputs.setAllSafe() } catch { throw CommandError(error) }
  }

  /// The line as it was asked for, and where it is if that says more.
  static func describe(_ json: inout JSONWriter, _ address: GPIOLineAddress, _ chip: String, _ offset: Int) {
    json.field("line", address.text)
    json.field("chip", chip)
    json.field("offset", offset)
  }
}
