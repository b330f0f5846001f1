import CMartletLinux

/// Why a GPIO line could not be used.
public struct GPIOError: Error {
  /// The constants MARTLET_GPIO_... of martlet_gpio.h.
  public enum Kind: Int32, Sendable {
    /// This machine has no GPIO chip.
    case noChips = 2
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
  /// An errno value, or 0.
  public let systemError: Int32
  /// One line: which line, what is wrong, what to do.
  public let sentence: String

  /// - Parameter address: the line or chip, as it was asked for; may be empty.
  @inline(never)
  init(_ failure: martlet_gpio_failure, address: String) {
    var failure = failure
    var address = address
    kind = Kind(rawValue: failure.status) ?? .failed
    systemError = failure.system_error
    let capacity = 300
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    address.append("\0")
    address.withUTF8 { bytes in
      let address = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
      martlet_gpio_sentence(&failure, address, text, capacity)
    }
    sentence = String(cString: text)
    text.deallocate()
  }

  @inline(never)
  init(_ kind: Kind, systemError: Int32 = 0, address: String) {
    var failure = martlet_gpio_failure()
    failure.status = kind.rawValue
    failure.system_error = systemError
    self.init(failure, address: address)
  }

  /// A call on a line in use failed with an errno value.
  @inline(never)
  init(systemError: Int32, address: String) {
    self.init(systemError == martlet_gpio_gone_error() ? .gone : .failed, systemError: systemError, address: address)
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
