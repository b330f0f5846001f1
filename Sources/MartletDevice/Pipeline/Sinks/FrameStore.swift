import CMartletLinux

/// Frames saved into a folder of limited size, the oldest removed first.
///
/// A file is named for the decision's number and its time, like `000000000123-20261127T232022.123456Z.jpg`. JPEG and
/// picture files stay as they are, grey frames become PGM and all others PPM. Written beside and renamed, not synced: a
/// power cut may take the frames of the last seconds; empty or short ones that it leaves are removed at the next start.
public struct FrameStore: ~Copyable {
  public enum Outcome: Sendable {
    case saved
    /// A `martlet_error`; `isNew`: not the reason of the frame before, so that a person should be told.
    case lost(code: Int32, isNew: Bool)
  }

  /// For the recorder, which uses it in a thread of its own.
  let handle: OpaquePointer
  /// The error of a folder that could not be read yet, else 0; it is tried again with the next frames.
  public let openError: Int32

  /// - Returns: nil only without memory.
  public init?(_ configuration: FramesConfiguration) {
    var opened: OpaquePointer?
    openError = martlet_store_open(
      configuration.folder.permanentPath().cString, configuration.maxBytes, configuration.maxAgeNs / 1000, &opened)
    guard let opened else { return nil }
    handle = opened
  }

  deinit {
    martlet_store_close(handle)
  }

  /// - Parameters:
  ///   - frame: nil counts as lost: there was one, but not any more.
  ///   - decision: more than that of any frame before.
  ///   - wallUs: microseconds since 1970 UTC.
  public mutating func save(_ frame: FrameContent?, decision: UInt64, wallUs: UInt64) -> Outcome {
    var frame = frame?.stored ?? martlet_stored_frame()
    var isNew = false
    let code = martlet_store_save(handle, &frame, decision, wallUs, &isNew)
    return code == 0 ? .saved : .lost(code: code, isNew: isNew)
  }

  /// The file name of the last frame saved: valid until the next.
  public var lastName: UnsafePointer<CChar> { martlet_store_last_name(handle) }
  /// The highest decision number in the folder, 0 without frames: decisions go on behind it.
  public var lastDecision: UInt64 { martlet_store_last_decision(handle) }
  public var byteCount: UInt64 { martlet_store_bytes(handle) }
  public var count: Int { Int(martlet_store_count(handle)) }
  /// Frames that could not be saved.
  public var lostCount: UInt64 { martlet_store_lost(handle) }
}
