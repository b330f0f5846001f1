import CMartletLinux

/// What a person is told of the disk that log and frames go to: what is wrong when that begins, and when it is over.
struct DiskState {
  /// So long may a disk take before it is told.
  private static let patienceNs: UInt64 = 2_000_000_000

  private let log: String?
  private let folder: String?
  private var logNotice = Notice()
  private var framesNotice = Notice()
  private var slowNotice = Notice()

  init(_ configuration: Configuration) {
    log = configuration.log?.file
    folder = configuration.frames?.folder
  }

  /// What began, and whether that was told.
  private struct Notice {
    private var limit = MessageLimit()
    private(set) var told: Int32 = 0

    /// Whether a message is due: `code` is something new, or 0 and something was told.
    mutating func isDue(_ code: Int32, nowNs: UInt64) -> Bool {
      guard code != told else { return false }
      // What came back for a moment is told later if it stays away.
      guard code == 0 || limit.pass(code, nowNs: nowNs) != nil else { return false }
      told = code
      return true
    }
  }

  /// The folder as it was found at the start.
  mutating func noteOpened(_ state: martlet_recorder_state) {
    guard state.frames_error != 0, framesNotice.isDue(state.frames_error, nowNs: 0) else { return }
    tell(folder ?? "", state.frames_error, lost: 0, "")
  }

  /// Gives when it has to be called again though nothing changed (CLOCK_MONOTONIC, ns).
  mutating func update(_ state: martlet_recorder_state, nowNs: UInt64) -> UInt64 {
    if let log, logNotice.isDue(state.log_error, nowNs: nowNs) {
      tell(log, state.log_error, lost: state.records_lost, "records")
    }
    if let folder, framesNotice.isDue(state.frames_error, nowNs: nowNs) {
      tell(folder, state.frames_error, lost: state.frames_lost, "frames")
    }
    let isSlow = Self.isSlow(state, nowNs: nowNs)
    if slowNotice.isDue(isSlow ? 1 : 0, nowNs: nowNs) {
      var text = log ?? ""
      if log != nil, folder != nil { text.add(" or ") }
      text.add(folder ?? "")
      Output.tell(
        isSlow
          ? "run: \(text): the disk has not answered for 2 s: what is to be written waits in memory"
          : "run: \(text): the disk answers again")
    }
    if state.asked_ns == 0 { return state.waiting > 0 ? nowNs + Self.patienceNs : .max }
    // Once it is slow the recorder's end of a job is looked for.
    return isSlow ? nowNs + Self.patienceNs / 4 : state.asked_ns + Self.patienceNs
  }

  private func tell(_ place: String, _ code: Int32, lost: UInt64, _ what: String) {
    if code != 0 { return Output.tell("run: \(place): \(String(cString: martlet_error_text(code)))") }
    Output.tell("run: \(place): is written again; \(what) lost since the start: \(Int(lost))")
  }

  private static func isSlow(_ state: martlet_recorder_state, nowNs: UInt64) -> Bool {
    state.asked_ns > 0 && nowNs > state.asked_ns && nowNs - state.asked_ns >= patienceNs
  }

  // MARK: Status

  func report(_ state: martlet_recorder_state, _ json: inout JSONWriter) {
    if log != nil {
      json.field("log_lost", Int(state.records_lost))
      if state.log_error != 0 { json.field("log_error", String(cString: martlet_error_text(state.log_error))) }
    }
    if folder != nil {
      json.field("frames_lost", Int(state.frames_lost))
      json.field("frames_bytes", Int(state.frames_bytes))
      if state.frames_error != 0 { json.field("frames_error", String(cString: martlet_error_text(state.frames_error))) }
    }
    json.field("disk", slowNotice.told != 0 ? "does not answer" : "good")
    json.field("disk_waiting", Int(state.waiting))
  }

  func report(_ state: martlet_recorder_state, _ text: inout String) {
    if state.log_error != 0 { text.add("log: \(String(cString: martlet_error_text(state.log_error)))\n") }
    if state.records_lost > 0 { text.add("log: \(Int(state.records_lost)) records lost\n") }
    if state.frames_error != 0 { text.add("frames: \(String(cString: martlet_error_text(state.frames_error)))\n") }
    if state.frames_lost > 0 { text.add("frames: \(Int(state.frames_lost)) lost\n") }
    if slowNotice.told != 0 { text.add("disk: does not answer, \(Int(state.waiting)) records and frames wait\n") }
  }
}
