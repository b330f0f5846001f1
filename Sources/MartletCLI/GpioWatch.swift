import CMartletLinux
import CMartletPlatform
import MartletDevice

/// `martlet gpio watch LINE...`: a line of text for each edge.
enum GpioWatch {
  static func run(_ arguments: Arguments) throws(CommandError) {
    try Gpio.allow([.edge, .debounce, .count, .timeout, .activeLow, .bias], arguments)
    let wanted = try arguments.integer(.count, in: 1...1_000_000_000, default: 0)
    let timeout = try Gpio.nanoseconds(.timeout, arguments)
    let lines = try watched(arguments)
    let stop = try Gpio.catchStop()
    let until = timeout == 0 ? 0 : martlet_now_ns() + timeout
    var seen = 0
    while true {
      let came = lines.wait(stop, until: until)
      for index in 0..<lines.count {
        while let event = try next(lines.inputs[index]) {
          if arguments.has(.json) {
            try report(json: json(lines.inputs[index], event))
          } else {
            try report(text(lines.inputs[index].address, event))
          }
          seen += 1
          if seen == wanted { return }
        }
      }
      if came & Int32(MARTLET_GPIO_STOPPED) != 0 { return }
      guard came & Int32(MARTLET_GPIO_TIME) == 0 else { break }
    }
    guard wanted == 0 else {
      throw CommandError("\(seen) of \(wanted) edges came in time", exitCode: ExitCode.temporary)
    }
  }

  private static func watched(_ arguments: Arguments) throws(CommandError) -> WatchedLines {
    let bias = try Gpio.bias(arguments)
    let edges = try edges(arguments)
    let debounce = try arguments.integer(.debounce, in: 0...10_000_000, default: 0)
    let words = try Gpio.lines(arguments)
    var lines = WatchedLines(capacity: words.count)
    for word in words {
      let address = try Gpio.address(word.text)
      do throws(GPIOError) {
        lines.add(
          try GPIOInput(
            address, isActiveLow: arguments.has(.activeLow), bias: bias, edges: edges, debounceUs: UInt32(debounce)))
      } catch {
        throw CommandError(error)
      }
    }
    return lines
  }

  private static func edges(_ arguments: Arguments) throws(CommandError) -> GPIOInput.Edges {
    guard let word = arguments.value(.edge).map({ Word($0) }) else { return .both }
    if word == "rising" { return .rising }
    if word == "falling" { return .falling }
    if word == "both" { return .both }
    throw .usage("--edge \(word.text): must be rising, falling or both")
  }

  private static func next(_ input: borrowing GPIOInput) throws(CommandError) -> GPIOInput.Event? {
    do throws(GPIOError) {
      return try input.nextEvent(nowNs: martlet_now_ns())
    } catch {
      throw CommandError(error)
    }
  }

  private static func text(_ address: GPIOLineAddress, _ event: GPIOInput.Event) -> String {
    let ns = Int(event.timeNs)
    let fraction = String(ns % 1_000_000_000)
    var text = String(ns / 1_000_000_000).padded(to: 8, left: true)
    text.add(".")
    text.add(String(repeating: "0", count: 9 - fraction.utf8.count) + fraction)
    text.add(event.isRising ? "  rising   " : "  falling  ")
    text.add(address.text + "\n")
    return text
  }

  private static func json(_ input: borrowing GPIOInput, _ event: GPIOInput.Event) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("time_ns", Int(event.timeNs))
    json.field("edge", event.isRising ? "rising" : "falling")
    Gpio.describe(&json, input.address, input.chipName, input.offset)
    if event.sequence > 0 { json.field("sequence", Int(event.sequence)) }
    json.end()
    return json.onOneLine
  }
}

/// Inputs that are waited for together.
struct WatchedLines: ~Copyable {
  let inputs: UnsafeMutablePointer<GPIOInput>
  private let lines: UnsafeMutablePointer<UnsafePointer<martlet_gpio_line>?>
  private(set) var count = 0

  init(capacity: Int) {
    inputs = .allocate(capacity: capacity)
    lines = .allocate(capacity: capacity)
  }

  deinit {
    inputs.deinitialize(count: count)
    inputs.deallocate()
    lines.deallocate()
  }

  mutating func add(_ input: consuming GPIOInput) {
    (lines + count).initialize(to: UnsafePointer(input.line.record.baseAddress))
    (inputs + count).initialize(to: input)
    count += 1
  }

  /// Returns MARTLET_GPIO_STOPPED ... in bits.
  func wait(_ stop: Int32, until: UInt64) -> Int32 { martlet_gpio_wait(stop, 0, lines, Int32(count), until) }
}

extension JSONWriter {
  /// Without line breaks but for the last one: an object a line. (In strings they are written as \n.)
  var onOneLine: String {
    var bytes: [UInt8] = []
    var isIndent = false
    for byte in text.utf8 {
      isIndent = byte == UInt8(ascii: "\n") || (isIndent && byte == UInt8(ascii: " "))
      if !isIndent { bytes.append(byte) }
    }
    bytes.append(UInt8(ascii: "\n"))
    return String(decoding: bytes, as: UTF8.self)
  }
}
