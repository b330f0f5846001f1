import CMartletLinux
import Martlet

/// Which line: "gpiochip0:17", "gpiochip0:gate", "pinctrl-bcm2711:17" (a chip's label), "/dev/gpiochip0:17", or "gate",
/// a line's name on whatever chip; "name:a:b" if that has a colon. The last colon divides; digits behind it are an
/// offset.
public struct GPIOLineAddress: Sendable {
  /// As it was written.
  public let text: String

  /// - Throws: `GPIOError` of kind `noAddress`.
  public init(_ text: String) throws(GPIOError) {
    self.text = text
    guard parsed() != nil else { throw GPIOError(Int32(MARTLET_GPIO_NO_ADDRESS), address: text) }
  }

  /// A name, path or label; nil: any chip that has the line.
  public var chip: String? {
    guard let address = parsed(), address.chip.0 != 0 else { return nil }
    return FixedText.string(address.chip)
  }

  /// The line's name; nil: `offset` counts.
  public var name: String? {
    guard let address = parsed(), address.name.0 != 0 else { return nil }
    return FixedText.string(address.name)
  }

  /// Of the line on its chip, if it is addressed so.
  public var offset: Int? {
    guard let address = parsed(), address.name.0 == 0 else { return nil }
    return Int(address.offset)
  }

  @inline(never)
  func parsed() -> martlet_gpio_address? {
    var text = text
    var address = martlet_gpio_address()
    let error = text.withUTF8 { bytes in
      martlet_gpio_parse(
        UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self), bytes.count, &address)
    }
    return error == 0 ? address : nil
  }
}
