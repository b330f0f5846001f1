import CMartletLinux
import Glibc
import Testing

@testable import MartletDevice

@Suite struct GPIOErrorTests {
  /// A failure as C reports it, and the line that a person reads.
  @Test(
    arguments: [
      (MARTLET_GPIO_NO_CHIPS, 0, 0, "", "gate", "no GPIO chip on this machine (/dev/gpiochip*)"),
      (
        MARTLET_GPIO_NO_CHIP, 0, 0, "gpiochip0, gpiochip1", "nochip:1",
        "nochip:1: no such GPIO chip; there is gpiochip0, gpiochip1"
      ),
      (MARTLET_GPIO_NO_CHIP, ENOENT, 0, "", "/dev/gpiochip9:1", "/dev/gpiochip9:1: no such GPIO chip"),
      (
        MARTLET_GPIO_NO_LINE, 0, 4, "gpiochip0", "gpiochip0:99",
        "gpiochip0:99: no such line on gpiochip0, which has 4 lines"
      ),
      (MARTLET_GPIO_NO_LINE, 0, 0, "", "nothing", "nothing: no such line; martlet gpio lists them"),
      (
        MARTLET_GPIO_AMBIGUOUS, 0, 0, "gpiochip0, gpiochip1", "twice",
        "twice: there is more than one, on gpiochip0, gpiochip1: give CHIP:OFFSET"
      ),
      (MARTLET_GPIO_BUSY, EBUSY, 0, "martlet", "gate", "gate: busy, used by \"martlet\""),
      (MARTLET_GPIO_BUSY, EBUSY, 0, "", "gate", "gate: busy, used by a driver or another program"),
      (
        MARTLET_GPIO_DENIED, EACCES, 0, "/dev/gpiochip0", "gate",
        "gate: no permission for /dev/gpiochip0: be in the group that owns it (gpio) or root"
      ),
      (
        MARTLET_GPIO_UNSUPPORTED, ENXIO, 0, "", "gate",
        "gate: the chip or its driver cannot do that: No such device or address"
      ),
      (MARTLET_GPIO_NO_ADDRESS, 0, 0, "", ":", ":: no GPIO line: give CHIP:OFFSET, CHIP:NAME or NAME"),
      (Int(ENODEV), ENODEV, 0, "", "gate", "gate: the GPIO chip is gone"),
      (Int(EIO), EIO, 0, "", "gate", "gate: GPIO failed: Input/output error"),
      (Int(EIO), EIO, 0, "", "", "GPIO failed: Input/output error"),
    ] as [(Int, Int32, UInt32, String, String, String)])
  func writesTheSentence(
    _ error: Int, _ systemError: Int32, _ lines: UInt32, _ detail: String, _ address: String, _ sentence: String
  ) {
    var failure = martlet_gpio_failure()
    failure.error = martlet_error(error)
    failure.system_error = systemError
    failure.lines = lines
    withUnsafeMutableBytes(of: &failure.detail) { $0.copyBytes(from: detail.utf8) }
    let made = GPIOError(failure, address: address)
    #expect(made.sentence == sentence)
    #expect(made.systemError == systemError)
    if detail.isEmpty, lines == 0, error < MARTLET_FIRST_CODE {
      #expect(GPIOError(martlet_error(error), address: address).sentence == sentence)
    }
  }

  /// What this system calls an error is none of ours, so that a number says the same wherever it comes from.
  @Test func codesAreBehindTheSystems() {
    func text(_ code: Int) -> String { String(cString: martlet_error_text(Int32(code))) }
    #expect(text(133) != "unknown error")
    for code in 134..<MARTLET_FIRST_CODE { #expect(text(code) == "unknown error") }
  }
}
