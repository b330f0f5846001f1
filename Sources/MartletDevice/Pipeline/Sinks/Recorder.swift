import CMartletLinux

/// Log and frame store in the hands of a thread: it saves the frame of a decision, completes the decision's record with
/// what became of that, and appends it. Nobody else waits for a disk, however long one takes; what the memory for what
/// waits has no room for is lost, and counted.
public struct Recorder: ~Copyable {
  /// For records that wait; frames have theirs by the configuration.
  static let recordBytes: UInt64 = 1 << 20

  private let handle: OpaquePointer
  // One or none of each; closed behind the thread.
  private let logs: FixedArray<DecisionLog>
  private let stores: FixedArray<FrameStore>
  /// The highest decision number of log and store.
  let lastDecision: UInt64

  /// - Parameters:
  ///   - logs: one or none, and so are `stores`.
  ///   - frameBytes: memory for frames that wait.
  /// - Returns: nil only without memory.
  public init?(logs: consuming FixedArray<DecisionLog>, stores: consuming FixedArray<FrameStore>, frameBytes: UInt64) {
    let log = logs.count > 0 ? logs[0].handle : nil
    let store = stores.count > 0 ? stores[0].handle : nil
    let lastInLog = logs.count > 0 ? logs[0].lastDecision : 0
    let lastInStore = stores.count > 0 ? stores[0].lastDecision : 0
    var started: OpaquePointer?
    _ = martlet_recorder_start(log, store, Int(Self.recordBytes + frameBytes), &started)
    guard let started else { return nil }
    handle = started
    lastDecision = max(lastInLog, lastInStore)
    self.logs = logs
    self.stores = stores
  }

  deinit {
    martlet_recorder_stop(handle)
  }

  /// Readable when an error of the log or the store began or ended.
  var descriptor: Int32 { martlet_recorder_descriptor(handle) }

  /// Hands in a record (empty: none) and a frame (nil: none), which are copied.
  ///
  /// - Parameter place: where in the record what becomes of the frame is inserted.
  func put(
    _ record: UnsafeRawBufferPointer, place: Int = 0, frame: consuming martlet_stored_frame? = nil,
    decision: UInt64 = 0, wallUs: UInt64 = 0
  ) {
    var job = martlet_recorder_job(
      record: record.baseAddress, count: record.count, place: place, frame: nil, decision: decision, wall_us: wallUs)
    guard var frame else { return martlet_recorder_put(handle, &job) }
    withUnsafePointer(to: &frame) {
      job.frame = $0
      martlet_recorder_put(handle, &job)
    }
  }

  var state: martlet_recorder_state {
    var state = martlet_recorder_state()
    martlet_recorder_state_of(handle, &state)
    return state
  }

  /// What became of the frame of one of the last decisions; nil: nothing yet.
  func saved(_ decision: UInt64) -> martlet_recorder_saved? {
    var saved = martlet_recorder_saved()
    return martlet_recorder_find(handle, decision, &saved) ? saved : nil
  }

  /// Waits until everything is written, or until a moment of CLOCK_MONOTONIC.
  func wait(untilNs: UInt64) { martlet_recorder_wait(handle, untilNs) }
}
