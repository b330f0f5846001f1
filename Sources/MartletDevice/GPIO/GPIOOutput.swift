import CMartletLinux

/// A requested output. Levels are logical: true is active. Released when it goes; what the pin does then is up to its
/// driver (most leave it as it is), so set the level that it shall keep before.
public struct GPIOOutput: ~Copyable {
  public enum Drive: Int32, Sendable { case pushPull, openDrain, openSource }

  public let address: GPIOLineAddress
  /// Stays where it is: the actuator's thread uses it.
  let line: UnsafeMutablePointer<martlet_gpio_line>

  /// The line has `level` from its first moment as an output.
  public init(
    _ address: GPIOLineAddress, isActiveLow: Bool = false, level: Bool = false, drive: Drive = .pushPull,
    bias: GPIOInput.Bias = .asIs
  ) throws(GPIOError) {
    var settings = martlet_gpio_settings()
    settings.is_output = 1
    settings.is_active_low = isActiveLow ? 1 : 0
    settings.level = level ? 1 : 0
    settings.drive = drive.rawValue
    settings.bias = bias.rawValue
    self.address = address
    line = try GPIOLine.request(address, settings)
  }

  deinit { GPIOLine.release(line) }

  /// "gpiochip0"
  public var chipName: String { FixedText.string(line.pointee.chip_name) }
  public var offset: Int { Int(line.pointee.offset) }
  /// The line's own name; may be empty.
  public var name: String { FixedText.string(line.pointee.name) }

  /// Does not allocate unless it throws.
  public func set(_ level: Bool) throws(GPIOError) {
    let error = martlet_gpio_set(line, level ? 1 : 0)
    guard error == 0 else { throw GPIOError(error, address: address.text) }
  }

  public func level() throws(GPIOError) -> Bool { try GPIOLine.level(line, address) }
}

/// What outputs and inputs share.
enum GPIOLine {
  @inline(never)
  static func request(
    _ address: GPIOLineAddress, _ settings: martlet_gpio_settings
  ) throws(GPIOError) -> UnsafeMutablePointer<martlet_gpio_line> {
    let line = UnsafeMutablePointer<martlet_gpio_line>.allocate(capacity: 1)
    var failure = martlet_gpio_failure()
    var wanted = address.parsed() ?? martlet_gpio_address()
    var settings = settings
    guard martlet_gpio_request(&wanted, &settings, line, &failure) == 0 else {
      line.deallocate()
      throw GPIOError(failure, address: address.text)
    }
    return line
  }

  static func release(_ line: UnsafeMutablePointer<martlet_gpio_line>) {
    martlet_gpio_release(line)
    line.deallocate()
  }

  @inline(never)
  static func level(
    _ line: UnsafeMutablePointer<martlet_gpio_line>, _ address: GPIOLineAddress
  ) throws(GPIOError) -> Bool {
    var level: Int32 = 0
    let error = martlet_gpio_get(line, &level)
    guard error == 0 else { throw GPIOError(error, address: address.text) }
    return level != 0
  }
}
