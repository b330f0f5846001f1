/// A decision as one line of JSON, written into memory of the caller's without allocation.
///
/// `begin`, `times`, `model`, then the lists one after another, then `end`. It is whole JSON whatever is put in (but
/// for the place of a frame that is saved): list entries that do not fit are left out and counted in `"omitted"`, names
/// are cut.
///
/// Times: `captured_ns`, `decided_ns`, `acted_ns` are nanoseconds of CLOCK_MONOTONIC, `time` is the wall clock.
public struct DecisionLine {
  /// Of the buffer: room for a few hundred list entries with names of usual length.
  public static let recommendedBytes = 16384
  /// What `begin`, `times` and `model` can take, and a list entry.
  public static let minimumBytes = 4096

  private var text: RecordText

  /// - Parameter buffer: `minimumBytes` or more.
  public init(into buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= DecisionLine.minimumBytes)
    text = RecordText(into: buffer)
  }

  /// - Parameters:
  ///   - decision: from 1, one more each time, across restarts too.
  ///   - camera: its name, UTF-8.
  ///   - sequence: the frame's, as the driver counts.
  ///   - dropped: frames that came since the last decision and were not decided on.
  public mutating func begin(
    decision: UInt64, camera: UnsafeRawBufferPointer, sequence: UInt64, dropped: UInt64
  ) {
    text.removeAll()
    // First, so that a start finds the last number without reading JSON.
    text.literal("{\"decision\":")
    text.number(decision)
    text.literal(",\"camera\":")
    text.string(camera)
    text.field(",\"sequence\":", sequence)
    text.field(",\"dropped\":", dropped)
  }

  /// - Parameters:
  ///   - actedNs: 0 if nothing was done.
  ///   - wallUs: microseconds since 1970 UTC.
  public mutating func times(capturedNs: UInt64, decidedNs: UInt64, actedNs: UInt64, wallUs: UInt64) {
    text.literal(",\"time\":")
    text.time(wallUs: wallUs)
    text.field(",\"captured_ns\":", capturedNs)
    text.field(",\"decided_ns\":", decidedNs)
    if actedNs > 0 { text.field(",\"acted_ns\":", actedNs) }
  }

  /// - Parameter hash: of the file, see `ModelFile.hash`.
  public mutating func model(_ name: UnsafeRawBufferPointer, hash: UInt64) {
    text.literal(",\"model\":")
    text.string(name)
    text.literal(",\"hash\":")
    text.hash(hash)
  }

  // MARK: Lists

  public mutating func beginScores(isUnknown: Bool) {
    if isUnknown { text.literal(",\"unknown\":true") }
    text.beginList(",\"scores\":[")
  }

  /// - Parameter label: empty if the model has none.
  public mutating func score(label: UnsafeRawBufferPointer, index: Int, score: Float, raw: Int8) {
    guard text.beginEntry() else { return }
    text.literal("{\"index\":")
    text.number(UInt64(index))
    if !label.isEmpty {
      text.literal(",\"label\":")
      text.string(label)
    }
    text.literal(",\"score\":")
    text.decimal(score)
    text.literal(",\"raw\":")
    text.signed(Int64(raw))
    text.literal("}")
  }

  public mutating func beginRules() { text.beginList(",\"rules\":[") }

  public mutating func rule(_ name: UnsafeRawBufferPointer, _ outcome: RuleState.Outcome) {
    guard text.beginEntry() else { return }
    text.literal("{\"name\":")
    text.string(name)
    text.literal(outcome.holds ? ",\"holds\":true" : ",\"holds\":false")
    if outcome.isFired { text.literal(",\"fired\":true") }
    if outcome.isReleased { text.literal(",\"released\":true") }
    text.literal("}")
  }

  public mutating func beginActions() { text.beginList(",\"actions\":[") }

  /// What was done to a line: `{"pulse":"gate"}`.
  ///
  /// - Parameters:
  ///   - atNs: when it will be done (CLOCK_MONOTONIC); 0: it was.
  ///   - error: a `martlet_error`: it was not done. 0: it was.
  public mutating func action(
    _ kind: StaticString, line: UnsafeRawBufferPointer, atNs: UInt64 = 0, error: Int32 = 0
  ) {
    guard text.beginEntry() else { return }
    text.literal("{\"")
    text.literal(kind)
    text.literal("\":")
    text.string(line)
    if atNs > 0 { text.field(",\"at_ns\":", atNs) }
    if error != 0 {
      text.literal(",\"error\":")
      text.reason(error)
    }
    text.literal("}")
  }

  /// `{"save":}`, and where in the line what became of the frame is to be inserted; nil: there is no room.
  public mutating func saveAction() -> Int? {
    guard text.beginEntry() else { return nil }
    text.literal("{\"save\":")
    defer { text.literal("}") }
    return text.count
  }

  public mutating func endList() { text.endList() }

  /// The line with its newline; valid as long as the buffer and until the next `begin`.
  public mutating func end() -> UnsafeRawBufferPointer {
    text.end()
  }
}
