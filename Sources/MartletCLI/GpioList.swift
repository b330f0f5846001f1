import CMartletLinux
import MartletDevice

/// `martlet gpio list`: the chips and their lines.
enum GpioList {
  static func run(_ arguments: Arguments) throws(CommandError) {
    try Gpio.allow([], arguments)
    guard arguments.paths.count <= 1 else { throw .usage("\(arguments.paths[1].text): gpio list takes no line") }
    let numbers = GPIOChip.numbers
    guard !numbers.isEmpty else {
      throw CommandError("no GPIO chip on this machine (/dev/gpiochip*)", exitCode: ExitCode.unavailable)
    }
    var json = JSONWriter()
    var text = ""
    json.begin()
    let exitCode = addChips(numbers, &json, &text)
    json.end()
    try report(arguments, json, text)
    guard exitCode != ExitCode.success else { return }
    var error = CommandError("", exitCode: exitCode)
    error.isSaid = true
    throw error
  }

  /// For `martlet devices`.
  static func add(to json: inout JSONWriter, _ text: inout String) {
    text.add("GPIO chips\n")
    let numbers = GPIOChip.numbers
    if numbers.isEmpty { text.add("  none (no /dev/gpiochip*)\n") }
    _ = addChips(numbers, &json, &text)
  }

  /// Returns what the last chip that cannot be read fails with.
  private static func addChips(_ numbers: [UInt32], _ json: inout JSONWriter, _ text: inout String) -> Int32 {
    var exitCode = ExitCode.success
    json.field("libgpiod", String(cString: martlet_gpio_library_version()))
    json.beginArray("chips")
    for number in numbers {
      do throws(GPIOError) {
        let chip = try GPIOChip(number: number)
        add(chip, &text)
        add(chip, &json)
      } catch {
        // The other chips are shown all the same.
        Output.tell(error.sentence)
        exitCode = error.exitCode
      }
    }
    json.endArray()
    return exitCode
  }

  private static func add(_ chip: GPIOChip, _ text: inout String) {
    text.add("\(chip.name) [\(chip.label)], \(chip.lines.count) lines\n")
    for line in chip.lines {
      text.add(String(line.offset).padded(to: 5, left: true))
      text.add("  " + (line.name.isEmpty ? "-" : line.name).padded(to: 24))
      text.add(line.isOutput ? "  output" : "  input ")
      if line.isActiveLow { text.add("  active-low") }
      if line.isUsed { text.add("  used by " + (line.consumer.isEmpty ? "the kernel" : line.consumer)) }
      text.add("\n")
    }
  }

  private static func add(_ chip: GPIOChip, _ json: inout JSONWriter) {
    json.beginObject()
    json.field("name", chip.name)
    json.field("path", chip.path)
    json.field("label", chip.label)
    json.beginArray("lines")
    for line in chip.lines {
      json.beginObject()
      json.field("offset", line.offset)
      json.field("name", line.name)
      json.field("direction", line.isOutput ? "output" : "input")
      json.field("active_low", line.isActiveLow ? 1 : 0)
      json.field("used", line.isUsed ? 1 : 0)
      json.field("consumer", line.consumer)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}

/// `martlet gpio read LINE...`: the level of each line.
enum GpioRead {
  static func run(_ arguments: Arguments) throws(CommandError) {
    try Gpio.allow([.activeLow, .bias], arguments)
    let bias = try Gpio.bias(arguments)
    var text = ""
    var json = JSONWriter()
    json.begin()
    json.beginArray("lines")
    for word in try Gpio.lines(arguments) {
      let address = try Gpio.address(word.text)
      do throws(GPIOError) {
        let input = try GPIOInput(
          address, isActiveLow: arguments.has(.activeLow), bias: bias, keepsOutput: true)
        let level = try input.level() ? 1 : 0
        text.add("\(address.text) \(level)\n")
        json.beginObject()
        Gpio.describe(&json, address, input.chipName, input.offset)
        json.field("level", level)
        json.endObject()
      } catch {
        throw CommandError(error)
      }
    }
    json.endArray()
    json.end()
    try report(arguments, json, text)
  }
}
