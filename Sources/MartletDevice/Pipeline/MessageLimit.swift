/// Lets a message through at most once a minute, and counts those that it holds back meanwhile. Another code is another
/// message.
struct MessageLimit: BitwiseCopyable {
  static let periodNs: UInt64 = 60_000_000_000

  private var code: Int32 = 0
  private var nextNs: UInt64 = 0
  private(set) var heldBack = 0

  /// nil: not now; else how many were held back before this one.
  mutating func pass(_ code: Int32 = 0, nowNs: UInt64) -> Int? {
    guard nowNs >= nextNs || code != self.code else {
      heldBack += 1
      return nil
    }
    defer { heldBack = 0 }
    self.code = code
    nextNs = nowNs + Self.periodNs
    return heldBack
  }

  /// What was held back, if anything, which is over with it.
  mutating func takeHeldBack() -> Int {
    defer { heldBack = 0 }
    return heldBack
  }

  /// " (and 12 more like it)", empty for none.
  @inline(never)
  static func words(_ count: Int) -> String { count == 0 ? "" : " (and \(count) more like it)" }
}
