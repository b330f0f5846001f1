import CMartletLinux
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

  /// What is tried where nothing is found: names of lines may have colons.
  @Test(
    arguments: [
      ("bench:a:b", ["bench:a|b", "bench|a:b", "|bench:a:b"]), ("a:b", ["a|b", "|a:b"]), ("gate", ["|gate"]),
      ("a:5", ["a|#5", "|a:5"]), (":a:b", [":a|b", "|:a:b"]),
      // Too long for the name of a line.
      (String(repeating: "c", count: 40) + ":1", [String(repeating: "c", count: 40) + "|#1"]),
    ] as [(String, [String])])
  func otherWays(_ text: String, _ ways: [String]) throws {
    var address = try #require(try GPIOLineAddress(text).parsed())
    var found: [String] = []
    repeat {
      let name = FixedText.string(address.name)
      found.append("\(FixedText.string(address.chip))|\(name.isEmpty ? "#\(address.offset)" : name)")
    } while martlet_gpio_divide_otherwise(&address)
    #expect(found == ways)
  }

  /// Numbers that are left out are events that the kernel dropped; without numbers a full queue is noticed.
  @Test func lostEventsAreCounted() {
    var line = martlet_gpio_line()
    for sequence in [2, 3, 6] as [UInt32] {
      var event = martlet_gpio_event(time_ns: 1, level: 1, sequence: sequence)
      martlet_gpio_note_event(&line, &event)
    }
    martlet_gpio_note_event(&line, nil)
    #expect(martlet_gpio_take_lost(&line) == 3 && martlet_gpio_take_lost(&line) == 0)
    var unnumbered = martlet_gpio_line()
    for count in [15, 16, 20, 3] {
      for _ in 0..<count {
        var event = martlet_gpio_event(time_ns: 1, level: 1, sequence: 0)
        martlet_gpio_note_event(&unnumbered, &event)
      }
      martlet_gpio_note_event(&unnumbered, nil)
    }
    #expect(martlet_gpio_take_lost(&unnumbered) == 2)
  }

  /// A name that is there twice at the start is worth trying again, as one that is not there is.
  @Test func twiceIsTriedAgain() {
    let error = GPIOError(Int32(MARTLET_GPIO_AMBIGUOUS), address: "gate")
    #expect(error.exitCode == ExitCode.usage)
    #expect(PipelineError(Configuration(), at: LineConfiguration(), error).exitCode == ExitCode.noInput)
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
