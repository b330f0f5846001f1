import CMartletLinux

/// A requested output. Levels are logical: true is active. Released when it goes; what the pin does then is up to its
/// driver (most leave it as it is), so set the level that it shall keep before.
public struct GPIOOutput: ~Copyable {
  public enum Drive: Int32, Sendable { case pushPull, openDrain, openSource }

  let line: GPIOLine

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
    line = try GPIOLine(address, settings)
  }

  public var address: GPIOLineAddress { line.address }
  /// "gpiochip0"
  public var chipName: String { line.chipName }
  public var offset: Int { line.offset }
  /// The line's own name; may be empty.
  public var name: String { line.name }

  /// Does not allocate unless it throws.
  public func set(_ level: Bool) throws(GPIOError) {
    let error = martlet_gpio_set(line.record.baseAddress, level ? 1 : 0)
    guard error == 0 else { throw line.failure(error) }
  }

  public func level() throws(GPIOError) -> Bool { try line.level() }
}
