// Where a GPIO line is.

extension ConfigurationReader {
  /// CHIP:NUMBER, or a line's own name, or name:NAME for one that looks otherwise.
  mutating func readPlace(_ node: Node, _ place: String, _ line: inout LineConfiguration) {
    var place = place
    let problem = place.withUTF8 { bytes -> StaticString? in
      let bytes = UnsafeRawBufferPointer(bytes)
      let beginning: StaticString = "name:"
      if bytes.count > 5, UnsafeRawBufferPointer(rebasing: bytes[..<5]).isSame(as: beginning) {
        line.lineName = String(utf8: bytes)
        return nil
      }
      var colon = bytes.count - 1
      while colon > 0, bytes[colon] != UInt8(ascii: ":") { colon -= 1 }
      if colon > 0 {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(colon + 1)...])
        if let problem = ConfigurationReader.problem(number: rest) { return problem }
        if let number = ConfigurationReader.integer(rest) {
          line.chip = String(utf8: UnsafeRawBufferPointer(rebasing: bytes[..<colon]))
          line.offset = number
          return nil
        }
      } else if let problem = ConfigurationReader.problem(name: bytes) {
        return problem
      }
      line.lineName = String(utf8: bytes)
      return nil
    }
    if let problem {
      error(node, problem)
      return
    }
    // What is left: names that are too long, and nothing in front of a colon.
    do throws(GPIOError) {
      _ = try GPIOLineAddress(place)
    } catch {
      wrong(node, "CHIP:NUMBER or a line's name: a chip's has at most 63 bytes, a line's 31")
    }
  }

  /// What stands behind a colon and is not the name of a line.
  private static func problem(number text: UnsafeRawBufferPointer) -> StaticString? {
    guard let first = text.first else { return "line: %v: the line's number is missing behind the colon" }
    if first == 0x20 { return "line: %v: without the blank behind the colon: gpiochip0:17" }
    if let number = integer(text) {
      if number < 0 { return "line: %v: a chip's lines are numbered from 0; martlet gpio list shows them" }
      if first == UInt8(ascii: "0"), text.count > 1 { return "line: %v: a decimal number without zeros in front of it" }
      return number < 65536 ? nil : "line: %v: there is no chip with so many lines"
    }
    if first == UInt8(ascii: "0"), text.count > 2, text[1] | 0x20 == UInt8(ascii: "x") {
      return "line: %v: a line's number is decimal: 17, not 0x11"
    }
    return nil
  }

  /// What has no colon and is not the name of a line.
  private static func problem(name text: UnsafeRawBufferPointer) -> StaticString? {
    if integer(text) != nil {
      return "line: %v: a number needs its chip, like gpiochip0:17; martlet gpio list shows chips and lines"
    }
    if text.count > 5, UnsafeRawBufferPointer(rebasing: text[..<5]).isSame(as: "/sys/") {
      return "line: %v: paths and numbers of sysfs are not used: a chip and its line, like gpiochip0:17"
    }
    return text.first == UInt8(ascii: "/") ? "line: %v: which line of it? like /dev/gpiochip0:17" : nil
  }
}
