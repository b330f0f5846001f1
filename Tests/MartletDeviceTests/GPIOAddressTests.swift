import Testing

@testable import MartletDevice

@Suite struct GPIOAddressTests {
  @Test(
    arguments: [
      ("gpiochip0:17", "gpiochip0", nil, 17),
      ("gpiochip0:gate", "gpiochip0", "gate", nil),
      ("/dev/gpiochip3:0", "/dev/gpiochip3", nil, 0),
      ("INT34C6:00:5", "INT34C6:00", nil, 5),
      ("pinctrl-bcm2711:GPIO17", "pinctrl-bcm2711", "GPIO17", nil),
      ("gate", nil, "gate", nil),
      // Digits alone are a name: without a chip an offset says nothing.
      ("17", nil, "17", nil),
      ("chip:17a", "chip", "17a", nil),
      ("chip:999999999", "chip", nil, 999_999_999),
      ("chip:4294967296", "chip", "4294967296", nil),
      ("Tür:Öffner", "Tür", "Öffner", nil),
    ] as [(String, String?, String?, Int?)])
  func takesApart(_ text: String, _ chip: String?, _ name: String?, _ offset: Int?) throws {
    let address = try GPIOLineAddress(text)
    #expect(address.text == text)
    #expect(address.chip == chip)
    #expect(address.name == name)
    #expect(address.offset == offset)
  }

  @Test(arguments: [
    "", ":", "chip:", ":17", "a\0b", String(repeating: "n", count: 32), String(repeating: "c", count: 64) + ":1",
    "chip:" + String(repeating: "n", count: 32),
  ])
  func refuses(_ text: String) {
    let error = #expect(throws: GPIOError.self) { try GPIOLineAddress(text) }
    #expect(error?.kind == .noAddress)
    #expect(error?.exitCode == ExitCode.usage)
    #expect(error?.sentence.contains("CHIP:OFFSET") == true)
  }

  @Test func keepsTheLongestNames() throws {
    let name = String(repeating: "n", count: 31)
    let chip = String(repeating: "c", count: 63)
    let address = try GPIOLineAddress(chip + ":" + name)
    #expect(address.chip == chip)
    #expect(address.name == name)
  }

  @Test func saysWhatIsMissing() throws {
    let address = try GPIOLineAddress("no-such-chip-here:1")
    do {
      _ = try GPIOInput(address)
      Issue.record("there is such a chip")
    } catch {
      // What this machine has decides which of them it is.
      #expect([.noChips, .noChip, .denied].contains(error.kind))
      #expect([ExitCode.unavailable, ExitCode.noInput, ExitCode.noPermission].contains(error.exitCode))
      #expect(!error.sentence.contains("\n"))
    }
  }
}
