/// A caller-supplied region, carved from its start to its end, once, at load. Nothing is ever given back.
///
/// The same carving runs twice: first without a region, to count (`Arena(measuring:)`), then for real. So the bytes
/// that are announced and the bytes that are used come from the same lines of code.
struct Arena: ~Copyable {
  private let base: UnsafeMutableRawPointer?
  private let capacity: Int
  private(set) var used = 0

  /// Whether this only counts.
  var isMeasuring: Bool { base == nil }

  /// Counts only; every carved pointer is nil.
  init(measuring: Void) {
    base = nil
    capacity = Int.max
  }

  /// `region` starts at a multiple of 64.
  init(region: UnsafeMutableRawBufferPointer) throws(ModelError) {
    guard let start = region.baseAddress, UInt(bitPattern: start) % UInt(ModelFormat.alignment) == 0 else {
      throw ModelError(.arenaMisaligned, .arena)
    }
    base = start
    capacity = region.count
  }

  /// The next `bytes` bytes, starting at a multiple of 64; nil while measuring.
  mutating func carve(_ bytes: Int) throws(ModelError) -> UnsafeMutableRawPointer? {
    let (end, overflow) = used.addingReportingOverflow(bytes)
    guard bytes >= 0, !overflow, end <= capacity, let next = Arena.roundedUp(end) else {
      throw ModelError(.arenaTooSmall, .arena, found: Int64(capacity), expected: Int64(end))
    }
    let start = used
    used = next
    return base.map { $0 + start }
  }

  /// Whether measured or real, an arena beyond the limit is refused.
  func requireWithinLimit() throws(ModelError) {
    guard used <= ModelLimits.arenaBytes else {
      throw ModelError(
        .overLimit, .arena, field: "its bytes", found: Int64(used), expected: Int64(ModelLimits.arenaBytes))
    }
  }

  /// `bytes` rounded up to the format's alignment; nil if that overflows.
  static func roundedUp(_ bytes: Int) -> Int? {
    let (sum, overflow) = bytes.addingReportingOverflow(ModelFormat.alignment - 1)
    return overflow ? nil : sum & ~(ModelFormat.alignment - 1)
  }
}
