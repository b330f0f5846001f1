import CMartletLinux

/// The decision log: one JSON record a line, in a file that is rotated by its size, or on standard output.
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

  private let log: OpaquePointer
  /// The error of a file that could not be opened yet, else 0. Who goes on all the same loses no later records:
  /// opening is tried again.
  public let openError: Int32

  /// - Parameter path: "-" for standard output.
  /// - Returns: nil only without memory.
  public init?(_ configuration: LogConfiguration) {
    var opened: OpaquePointer?
    openError = martlet_log_open(
      configuration.file.permanentPath().cString, configuration.maxBytes, Int32(configuration.keep),
      Int32(configuration.sync.rawValue), &opened)
    guard let opened else { return nil }
    log = opened
  }

  deinit {
    martlet_log_close(log)
  }

  /// Appends a record with its newline. No allocation; does not wait for the disk unless `sync` is `each`.
  public mutating func append(_ record: UnsafeRawBufferPointer) -> Outcome {
    var outcome = martlet_log_outcome()
    let code = martlet_log_append(log, record.baseAddress, record.count, &outcome)
    if code != 0 { return .lost(code: code, isNew: outcome.is_new) }
    return outcome.recovered > 0 ? .recovered(lost: outcome.recovered) : .written
  }

  /// The highest decision number that the log had when it was opened, 0 for a new one: the next decision has one more.
  public var lastDecision: UInt64 { martlet_log_last_decision(log) }
  /// Bytes of a torn end that were cut off when the file was opened.
  public var cutBytes: UInt64 { martlet_log_cut_bytes(log) }
  /// Records lost since it was opened.
  public var lostCount: UInt64 { martlet_log_lost(log) }
}
