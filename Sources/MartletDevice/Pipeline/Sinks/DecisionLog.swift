import CMartletLinux

/// The decision log: one JSON record a line, in a file that is rotated by its size and its age, or on standard output.
///
/// A record is written whole with one call or not at all. A power cut loses at most what was written since the last
/// sync; what it leaves torn is cut off at the next start, and a record `{"log":"a torn end was cut off"}` says so.
/// While the disk is full or gone records are lost and counted; the first record after it is behind one that tells how
/// many.
public struct DecisionLog: ~Copyable {
  public enum Outcome: Sendable {
    case written
    /// Written, the first after so many that were lost.
    case recovered(lost: UInt64)
    /// A `martlet_error`; `isNew`: not the reason of the record before, so that a person should be told.
    case lost(code: Int32, isNew: Bool)
  }

  /// For the recorder, which uses it in a thread of its own.
  let handle: OpaquePointer
  /// The error of a file that could not be opened yet, else 0. Who goes on all the same loses no later records:
  /// opening is tried again.
  public let openError: Int32

  /// - Returns: nil only without memory.
  public init?(_ configuration: LogConfiguration) {
    var opened: OpaquePointer?
    var settings = martlet_log_settings(
      path: configuration.file.permanentPath().cString, max_bytes: configuration.maxBytes,
      max_age_us: configuration.maxAgeNs / 1000, keep: Int32(configuration.keep),
      sync: Int32(configuration.sync.rawValue))
    openError = martlet_log_open(&settings, &opened)
    guard let opened else { return nil }
    handle = opened
  }

  deinit {
    martlet_log_close(handle)
  }

  /// Appends a record with its newline, and does what is due. No allocation; waits for the disk.
  public mutating func append(_ record: UnsafeRawBufferPointer) -> Outcome {
    var outcome = martlet_log_outcome()
    let code = martlet_log_append(handle, record.baseAddress, record.count, &outcome)
    var next: UInt64 = 0
    martlet_log_tend(handle, &next)
    if code != 0 { return .lost(code: code, isNew: outcome.is_new) }
    return outcome.recovered > 0 ? .recovered(lost: outcome.recovered) : .written
  }

  /// The highest decision number that the log had when it was opened, 0 for a new one: the next decision has one more.
  public var lastDecision: UInt64 { martlet_log_last_decision(handle) }
  /// Bytes of a torn end that were cut off when the file was opened.
  public var cutBytes: UInt64 { martlet_log_cut_bytes(handle) }
  /// Records lost since it was opened.
  public var lostCount: UInt64 { martlet_log_lost(handle) }
}
