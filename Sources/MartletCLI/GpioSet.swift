import CMartletLinux
import CMartletPlatform
import MartletDevice

/// `martlet gpio set LINE=0|1...`: holds levels for a time, or until it is told to end.
enum GpioSet {
  static func run(_ arguments: Arguments) throws(CommandError) {
    try Gpio.allow([.for, .hold, .activeLow, .bias], arguments)
    let duration = try Gpio.nanoseconds(.for, arguments)
    guard duration == 0 || !arguments.has(.hold) else { throw .usage("--for or --hold, not both") }
    var levels: [Bool] = []
    var addresses: [GPIOLineAddress] = []
    for word in try Gpio.lines(arguments) {
      let (text, level) = try assignment(word.text)
      addresses.append(try Gpio.address(text))
      levels.append(level)
    }
    let stop = try Gpio.catchStop()
    let outputs = try Gpio.outputs(addresses, arguments)
    do throws(GPIOError) {
      for (index, level) in levels.enumerated() { try outputs.set(index, level) }
    } catch {
      throw CommandError(error)
    }
    let until = duration == 0 ? 0 : martlet_now_ns() + duration
    if arguments.has(.json) { try report(json: json(addresses, levels)) }
    if duration == 0 {
      let end = arguments.has(.hold) ? "" : " or the end of input"
      Output.tell("gpio: held until Ctrl-C\(end); inactive then")
    }
    _ = martlet_gpio_wait(stop, duration == 0 && !arguments.has(.hold) ? 1 : 0, nil, 0, until)
    try Gpio.end(outputs)
  }

  private static func assignment(_ text: String) throws(CommandError) -> (String, Bool) {
    var bytes = Array(text.utf8)
    guard bytes.count > 2, bytes[bytes.count - 2] == UInt8(ascii: "="), bytes[bytes.count - 1] & 0xFE == 0x30 else {
      throw .usage("\(text): must be LINE=0 or LINE=1")
    }
    let level = bytes.removeLast() == UInt8(ascii: "1")
    bytes.removeLast()
    return (String(decoding: bytes, as: UTF8.self), level)
  }

  private static func json(_ addresses: [GPIOLineAddress], _ levels: [Bool]) -> String {
    var json = JSONWriter()
    json.begin()
    json.beginArray("lines")
    for (index, address) in addresses.enumerated() {
      json.beginObject()
      json.field("line", address.text)
      json.field("level", levels[index] ? 1 : 0)
      json.endObject()
    }
    json.endArray()
    json.end()
    return json.text
  }
}
