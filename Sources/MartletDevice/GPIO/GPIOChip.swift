import CMartletLinux

/// A GPIO chip with its lines, as they are at the moment.
public struct GPIOChip: Sendable {
  public struct Line: Sendable {
    public var offset: Int
    /// May be empty.
    public var name: String
    /// Who uses it; may be empty although somebody does.
    public var consumer: String
    public var isUsed: Bool
    public var isOutput: Bool
    public var isActiveLow: Bool
  }

  /// "/dev/gpiochip0"
  public var path: String
  /// "gpiochip0"
  public var name: String
  public var label: String
  public var lines: [Line]

  /// The numbers of the chips of this machine, in order.
  public static var numbers: [UInt32] {
    var numbers = [UInt32](repeating: 0, count: Int(MARTLET_GPIO_MAX_CHIPS))
    let count = numbers.withUnsafeMutableBufferPointer { Int(martlet_gpio_chips($0.baseAddress)) }
    numbers.removeSubrange(count...)
    return numbers
  }

  public init(number: UInt32) throws(GPIOError) {
    var chip = martlet_gpio_chip()
    var failure = martlet_gpio_failure()
    guard martlet_gpio_open(number, &chip, &failure) == 0 else {
      throw GPIOError(failure, address: "gpiochip\(number)")
    }
    path = FixedText.string(chip.info.path)
    name = FixedText.string(chip.info.name)
    label = FixedText.string(chip.info.label)
    lines = []
    var info = martlet_gpio_line_info()
    var error: martlet_error = 0
    for offset in 0..<chip.info.line_count {
      error = martlet_gpio_line_info_of(&chip, offset, &info, &failure)
      guard error == 0 else { break }
      lines.append(
        Line(
          offset: Int(offset), name: FixedText.string(info.name), consumer: FixedText.string(info.consumer),
          isUsed: info.is_used != 0, isOutput: info.is_output != 0, isActiveLow: info.is_active_low != 0))
    }
    martlet_gpio_close(&chip)
    guard error == 0 else { throw GPIOError(failure, address: name) }
  }
}
