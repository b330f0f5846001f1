import CMartletLinux

/// A requested input, with edge events if wanted. Levels are logical: true is active.
///
/// To wait: poll `descriptor` for POLLIN, no longer than until `deadlineNs`; then call `nextEvent` until it gives nil.
public struct GPIOInput: ~Copyable {
  /// What the kernel cannot give on this chip, it ignores.
  public enum Bias: Int32, Sendable { case asIs, disabled, pullUp, pullDown }
  public enum Edges: Int32, Sendable { case none, rising, falling, both }

  /// An edge, after the debounce if there is one.
  public struct Event: Sendable {
    /// CLOCK_MONOTONIC, nanoseconds. With a debounce: when the level was found stable.
    public var timeNs: UInt64
    /// True: has become active.
    public var isRising: Bool
    /// Counts the line's events from 1, with gaps where the kernel dropped some; 0 where it is not known (libgpiod 1).
    public var sequence: UInt32
  }

  public let line: GPIOLine

  /// - Parameter debounceUs: microseconds for which a level must stay to count; 0: every edge counts. By the kernel
  ///   with libgpiod 2 (in steps of its timer tick), here with libgpiod 1.
  /// - Parameter keepsOutput: a line that is an output stays one, and its level is read; not with a bias or edges.
  public init(
    _ address: GPIOLineAddress, isActiveLow: Bool = false, bias: Bias = .asIs, edges: Edges = .none,
    debounceUs: UInt32 = 0, keepsOutput: Bool = false
  ) throws(GPIOError) {
    var settings = martlet_gpio_settings()
    settings.is_active_low = isActiveLow ? 1 : 0
    settings.bias = bias.rawValue
    settings.edges = edges.rawValue
    settings.debounce_us = debounceUs
    settings.keeps_output = keepsOutput ? 1 : 0
    line = try GPIOLine(address, settings)
  }

  public var address: GPIOLineAddress { line.address }
  /// "gpiochip0"
  public var chipName: String { line.chipName }
  public var offset: Int { line.offset }
  /// The line's own name; may be empty.
  public var name: String { line.name }

  public func level() throws(GPIOError) -> Bool { try line.level() }

  /// To poll; -1 without edges.
  public var descriptor: Int32 { line.descriptor }
  /// CLOCK_MONOTONIC: when `nextEvent` has to be called though nothing became readable; nil: no need.
  public var deadlineNs: UInt64? {
    let deadline = martlet_gpio_deadline_ns(line.record.baseAddress)
    return deadline == 0 ? nil : deadline
  }

  /// The next event that is there; does not wait, and does not allocate unless it throws.
  public func nextEvent(nowNs: UInt64) throws(GPIOError) -> Event? {
    var event = martlet_gpio_event()
    let error = martlet_gpio_read_event(line.record.baseAddress, nowNs, &event)
    if error == Int32(MARTLET_NOT_YET) { return nil }
    guard error == 0 else { throw line.failure(error) }
    return Event(timeNs: event.time_ns, isRising: event.level != 0, sequence: event.sequence)
  }

  /// Edges that the kernel dropped since this was asked last, because nobody read them in time. With libgpiod 1, which
  /// does not number them, it is 1 for each time that its queue was full.
  public mutating func takeLost() -> Int { Int(martlet_gpio_take_lost(line.record.baseAddress)) }
}
