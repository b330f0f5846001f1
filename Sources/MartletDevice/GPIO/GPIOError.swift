import CMartletLinux

/// Why a GPIO line could not be used.
public struct GPIOError: Error {
  public enum Kind: Sendable {
    /// This machine has no GPIO chip.
    case noChips
    case noChip
    case noLine
    /// Several lines have the name, or several chips the label.
    case ambiguous
    case busy
    case denied
    case unsupported
    /// The chip was removed.
    case gone
    case failed
    /// The text is no address of a line.
    case noAddress
  }

  public let kind: Kind
  /// The line's address, or the chip, as it was asked for; may be empty.
  public let address: String
  private let failure: martlet_gpio_failure

  /// An errno value, or 0.
  public var systemError: Int32 { failure.system_error }
  /// What `sentence` names besides: chips, the user of a busy line, a device file; may be empty.
  public var detail: String { GPIOText.string(failure.detail) }

  init(_ failure: martlet_gpio_failure, address: String) {
    self.failure = failure
    self.address = address
    kind =
      switch Int(failure.status) {
      case MARTLET_GPIO_NO_CHIPS: .noChips
      case MARTLET_GPIO_NO_CHIP: .noChip
      case MARTLET_GPIO_NO_LINE: .noLine
      case MARTLET_GPIO_AMBIGUOUS: .ambiguous
      case MARTLET_GPIO_BUSY: .busy
      case MARTLET_GPIO_DENIED: .denied
      case MARTLET_GPIO_UNSUPPORTED: .unsupported
      case MARTLET_GPIO_GONE: .gone
      case MARTLET_GPIO_NO_ADDRESS: .noAddress
      default: .failed
      }
  }

  init(status: Int32, systemError: Int32 = 0, address: String) {
    var failure = martlet_gpio_failure()
    failure.status = status
    failure.system_error = systemError
    self.init(failure, address: address)
  }

  /// A call on a line in use failed with an errno value.
  init(systemError: Int32, address: String) {
    let status = systemError == martlet_gpio_gone_error() ? MARTLET_GPIO_GONE : MARTLET_GPIO_FAILED
    self.init(status: Int32(status), systemError: systemError, address: address)
  }

  /// One line: what, what is wrong, what to do.
  public var sentence: String {
    var text = address
    if !text.isEmpty, kind != .noChips { text.add(": ") }
    switch kind {
    case .noChips: return "no GPIO chip on this machine (/dev/gpiochip*)"
    case .noChip:
      text.add("no such GPIO chip")
      if !detail.isEmpty { text.add("; there is " + detail) }
    case .noLine:
      text.add("no such line")
      if !detail.isEmpty { text.add(" on \(detail), which has \(Int(failure.lines)) lines") }
      text.add("; martlet gpio lists them")
    case .ambiguous: text.add("there is more than one, on \(detail): give CHIP:OFFSET")
    case .busy: text.add("busy, used by " + (detail.isEmpty ? "a driver or another program" : "\"\(detail)\""))
    case .denied: text.add("no permission for \(detail): be in the group that owns it (gpio) or root")
    case .unsupported: text.add("the chip or its driver cannot do that: " + reason)
    case .gone: text.add("the GPIO chip is gone")
    case .failed: text.add("GPIO failed: " + reason)
    case .noAddress: text.add("no GPIO line: give CHIP:OFFSET, CHIP:NAME or NAME")
    }
    return text
  }

  /// Of `sysexits.h`: 64 for an address that says too little, 66 for a chip or line that is not there, 69 where the
  /// machine cannot, 75 for a busy line, 77 without permission, 74 for the rest.
  public var exitCode: Int32 {
    switch kind {
    case .noAddress, .ambiguous: ExitCode.usage
    case .noChip, .noLine: ExitCode.noInput
    case .noChips, .unsupported: ExitCode.unavailable
    case .busy: ExitCode.temporary
    case .denied: ExitCode.noPermission
    case .gone, .failed: ExitCode.io
    }
  }

  private var reason: String { String(cString: martlet_error_text(systemError)) }
}
