import CMartletLinux
import CMartletPlatform
import MartletDevice

/// `martlet gpio pulse LINE --for MS`: active for a time, once or several times.
enum GpioPulse {
  static func run(_ arguments: Arguments) throws(CommandError) {
    try Gpio.allow([.for, .count, .every, .activeLow, .bias], arguments)
    let duration = try Gpio.nanoseconds(.for, arguments)
    guard duration > 0 else { throw .usage("how long? --for MS") }
    let count = try arguments.integer(.count, in: 1...1_000_000_000, default: 1)
    let period = arguments.has(.every) ? try Gpio.nanoseconds(.every, arguments) : 2 * duration
    guard period > duration else { throw .usage("--every must be more than --for") }
    let lines = try Gpio.lines(arguments)
    guard lines.count == 1 else { throw .usage("\(lines[1].text): one line at a time") }
    let address = try Gpio.address(lines[0].text)
    let stop = try Gpio.catchStop()
    let outputs = try Gpio.outputs([address], arguments)
    var next = martlet_now_ns()
    for index in 0..<count {
      let ends: UInt64
      do throws(GPIOError) {
        ends = try outputs.pulse(0, durationNs: duration) + duration
      } catch {
        throw CommandError(error)
      }
      // From start to start: what one pulse was late, the next one is not.
      next += period
      let isStopped = wait(stop, until: index + 1 < count ? max(next, ends) : ends)
      if isStopped { break }
    }
    while outputs.isPulsing(0), !wait(stop, until: martlet_now_ns() + 200_000) {}
    let statistics = outputs.statistics(0)
    try Gpio.end(outputs)
    if arguments.has(.json) { return try report(json: json(address, duration, statistics)) }
    try report(text(address, duration, statistics))
  }

  /// Whether it was stopped before the time.
  private static func wait(_ stop: Int32, until: UInt64) -> Bool {
    martlet_gpio_wait(stop, 0, nil, 0, until) & Int32(MARTLET_GPIO_STOPPED) != 0
  }

  private static func text(
    _ address: GPIOLineAddress, _ duration: UInt64, _ statistics: GPIOActuator.Statistics
  ) -> String {
    var text = address.text
    text.add(": " + String(Int(statistics.pulses)))
    text.add(statistics.pulses == 1 ? " pulse of " : " pulses of ")
    text.add(String(Int(duration / 1_000_000)) + " ms, at most ")
    text.add(NumberText.decimal(Double(statistics.maxLateNs) / 1e6, places: 3))
    text.add(" ms longer\n")
    return text
  }

  private static func json(
    _ address: GPIOLineAddress, _ duration: UInt64, _ statistics: GPIOActuator.Statistics
  ) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("line", address.text)
    json.field("pulses", Int(statistics.pulses))
    json.field("duration_ms", Int(duration / 1_000_000))
    json.field("max_late_ms", Double(statistics.maxLateNs) / 1e6, places: 6)
    json.end()
    return json.text
  }
}
