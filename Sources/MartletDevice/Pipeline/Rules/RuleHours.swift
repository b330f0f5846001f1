import CMartletLinux

/// Shift hours: when a rule counts, in local time.
public struct RuleHours: BitwiseCopyable, Equatable, Sendable {
  static let minutesOfDay = 24 * 60

  /// Minutes of a day: 0...1439, and the first one behind: 1...1440. A shift whose end is not behind its beginning ends
  /// on the next day.
  public var from = 0
  public var to = RuleHours.minutesOfDay
  /// The days on which shifts begin: bit 0 is Monday.
  public var days: UInt8 = 0x7F

  /// - Parameter minute: since Monday 00:00, less than those of a week.
  public func contains(_ minute: Int) -> Bool {
    let (day, time) = (minute / RuleHours.minutesOfDay, minute % RuleHours.minutesOfDay)
    if from < to { return begins(on: day) && time >= from && time < to }
    return begins(on: day) && time >= from || begins(on: (day + 6) % 7) && time < to
  }

  private func begins(on day: Int) -> Bool { days >> UInt8(day) & 1 == 1 }
}

/// When a decision is made, as far as rules ask. A record has what it is made of: rules say the same of it again.
public struct RuleMoment: BitwiseCopyable, Sendable {
  /// When the frame was captured (CLOCK_MONOTONIC, ns).
  public var capturedNs: UInt64
  /// In local time, since Monday 00:00.
  public var minuteOfWeek: Int

  public init(capturedNs: UInt64 = 0, minuteOfWeek: Int = 0) {
    self.capturedNs = capturedNs
    self.minuteOfWeek = minuteOfWeek
  }
}

/// The wall clock in the system's time zone. It asks for the zone once in a quarter of an hour: nowhere does summer
/// time begin or end in between.
struct LocalClock {
  private static let slotSeconds: UInt64 = 15 * 60
  private var slot = UInt64.max
  private var offset = 0

  /// - Parameter wallUs: microseconds since 1970 UTC.
  mutating func minuteOfWeek(wallUs: UInt64) -> Int {
    let seconds = wallUs / 1_000_000
    if seconds / LocalClock.slotSeconds != slot {
      slot = seconds / LocalClock.slotSeconds
      offset = Int(martlet_local_offset_s(seconds))
    }
    let minutes = (Int(seconds) + offset) / 60
    // 1 January 1970 was a Thursday. Behind a zone that is ahead it may not have begun.
    let week = 7 * RuleHours.minutesOfDay
    return ((minutes + 3 * RuleHours.minutesOfDay) % week + week) % week
  }
}
