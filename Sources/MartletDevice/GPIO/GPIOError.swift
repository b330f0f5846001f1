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

    @inline(never)
    init(_ error: martlet_error) {
      self =
        switch Int(error) {
        case MARTLET_GPIO_NO_CHIPS: .noChips
        case MARTLET_GPIO_NO_CHIP: .noChip
        case MARTLET_GPIO_NO_LINE: .noLine
        case MARTLET_GPIO_AMBIGUOUS: .ambiguous
        case MARTLET_GPIO_BUSY: .busy
        case MARTLET_GPIO_DENIED: .denied
        case MARTLET_GPIO_UNSUPPORTED: .unsupported
        case MARTLET_GPIO_NO_ADDRESS: .noAddress
        case MARTLET_GONE: .gone
        default: .failed
        }
    }
  }

  public let kind: Kind
  /// An errno value, or 0.
  public let systemError: Int32
  /// A `martlet_error`.
  let code: martlet_error
  /// One line: which line, what is wrong, what to do.
  public let sentence: String

  /// - Parameter address: the line or chip, as it was asked for; may be empty.
  @inline(never)
  init(_ failure: martlet_gpio_failure, address: String) {
    kind = Kind(failure.error)
    systemError = failure.system_error
    code = failure.system_error != 0 ? failure.system_error : failure.error
    let isAboutAll = address.isEmpty || kind == .noChips
    sentence = (isAboutAll ? "" : address + ": ") + GPIOError.words(kind, failure)
  }

  /// What failed with nothing more to say of it than its number.
  @inline(never)
  init(_ error: martlet_error, address: String) {
    var failure = martlet_gpio_failure()
    failure.error = error
    failure.system_error = error < MARTLET_FIRST_CODE ? error : 0
    self.init(failure, address: address)
  }

  private static func words(_ kind: Kind, _ failure: martlet_gpio_failure) -> String {
    let detail = FixedText.string(failure.detail)
    let reason = String(cString: martlet_error_text(failure.system_error))
    switch kind {
    case .noChips: return "no GPIO chip on this machine (/dev/gpiochip*)"
    case .noChip: return "no such GPIO chip" + (detail.isEmpty ? "" : "; there is " + detail)
    case .noLine:
      if detail.isEmpty { return "no such line; martlet gpio lists them" }
      return "no such line on \(detail), which has \(failure.lines) lines"
    case .ambiguous: return "there is more than one, on \(detail): give CHIP:OFFSET"
    case .busy: return "busy, used by " + (detail.isEmpty ? "a driver or another program" : "\"\(detail)\"")
    case .denied: return "no permission for \(detail): be in the group that owns it (gpio) or root"
    case .unsupported: return "the chip or its driver cannot do that: " + reason
    case .gone: return "the GPIO chip is gone"
    case .failed: return "GPIO failed: " + reason
    case .noAddress: return "no GPIO line: give CHIP:OFFSET, CHIP:NAME or NAME"
    }
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
}
