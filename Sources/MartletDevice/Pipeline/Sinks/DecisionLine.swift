import CMartletLinux

/// A decision as one line of JSON, written into memory of the caller's without allocation.
///
/// `begin`, `times`, `model`, then the lists one after another, then `end`. It is whole JSON whatever is put in: list
/// entries that do not fit are left out and counted in `"omitted"`, names are cut.
///
/// Times: `captured_ns`, `decided_ns`, `acted_ns` are nanoseconds of CLOCK_MONOTONIC, `time` is the wall clock.
public struct DecisionLine {
  /// Of the buffer: room for a few hundred list entries with names of usual length.
  public static let recommendedBytes = 16384
  /// What `begin`, `times` and `model` can take, and a list entry.
  public static let minimumBytes = 4096
  /// More of a name or label is cut off.
  private static let maxName = 128
  /// Kept for what comes behind a list's last entry.
  private static let reserve = 128

  private let buffer: UnsafeMutableRawBufferPointer
  private var count = 0
  private var omitted = 0
  private var isFirst = true

  /// - Parameter buffer: `minimumBytes` or more.
  public init(into buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= DecisionLine.minimumBytes)
    self.buffer = buffer
  }

  /// - Parameters:
  ///   - decision: from 1, one more each time, across restarts too.
  ///   - camera: its name, UTF-8.
  ///   - sequence: the frame's, as the driver counts.
  ///   - dropped: frames that came since the last decision and were not decided on.
  public mutating func begin(
    decision: UInt64, camera: UnsafeRawBufferPointer, sequence: UInt64, dropped: UInt64
  ) {
    count = 0
    omitted = 0
    // First, so that a start finds the last number without reading JSON.
    literal("{\"decision\":")
    number(decision)
    literal(",\"camera\":")
    string(camera)
    field(",\"sequence\":", sequence)
    field(",\"dropped\":", dropped)
  }

  /// - Parameters:
  ///   - actedNs: 0 if nothing was done.
  ///   - wallUs: microseconds since 1970 UTC.
  public mutating func times(capturedNs: UInt64, decidedNs: UInt64, actedNs: UInt64, wallUs: UInt64) {
    literal(",\"time\":\"")
    let text = (buffer.baseAddress! + count).assumingMemoryBound(to: CChar.self)
    if count + Int(MARTLET_WALL_TIME_LENGTH) <= buffer.count { count += martlet_wall_time_text(wallUs, text) }
    literal("\"")
    field(",\"captured_ns\":", capturedNs)
    field(",\"decided_ns\":", decidedNs)
    if actedNs > 0 { field(",\"acted_ns\":", actedNs) }
  }

  /// - Parameter hash: of the file, see `ModelFile.hash`.
  public mutating func model(_ name: UnsafeRawBufferPointer, hash: UInt64) {
    literal(",\"model\":")
    string(name)
    literal(",\"hash\":\"")
    for shift in stride(from: UInt64(60), through: 0, by: -4) { hexDigit(hash >> shift) }
    literal("\"")
  }

  // MARK: Lists

  public mutating func beginScores(isUnknown: Bool) {
    if isUnknown { literal(",\"unknown\":true") }
    beginList(",\"scores\":[")
  }

  /// - Parameter label: empty if the model has none.
  public mutating func score(label: UnsafeRawBufferPointer, index: Int, score: Float, raw: Int8) {
    guard beginEntry() else { return }
    literal("{\"index\":")
    number(UInt64(index))
    if !label.isEmpty {
      literal(",\"label\":")
      string(label)
    }
    literal(",\"score\":")
    decimal(score)
    literal(",\"raw\":")
    signed(Int64(raw))
    literal("}")
  }

  public mutating func beginRules() { beginList(",\"rules\":[") }

  public mutating func rule(_ name: UnsafeRawBufferPointer, _ outcome: RuleState.Outcome) {
    guard beginEntry() else { return }
    literal("{\"name\":")
    string(name)
    literal(outcome.holds ? ",\"holds\":true" : ",\"holds\":false")
    if outcome.isFired { literal(",\"fired\":true") }
    if outcome.isReleased { literal(",\"released\":true") }
    literal("}")
  }

  public mutating func beginActions() { beginList(",\"actions\":[") }

  /// What was done, and on which line (empty without): `{"pulse":"gate"}`.
  public mutating func action(_ kind: StaticString, line: UnsafeRawBufferPointer) {
    guard beginEntry() else { return }
    literal("{\"")
    literal(kind)
    literal("\":")
    if line.isEmpty { literal("true") } else { string(line) }
    literal("}")
  }

  public mutating func endList() { literal("]") }

  /// The line with its newline; valid as long as the buffer and until the next `begin`.
  public mutating func end() -> UnsafeRawBufferPointer {
    if omitted > 0 { field(",\"omitted\":", UInt64(omitted)) }
    literal("}\n")
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
  }

  private mutating func beginList(_ opening: StaticString) {
    literal(opening)
    isFirst = true
  }

  private mutating func beginEntry() -> Bool {
    // The longest entry: a name of which every byte is escaped, and its words.
    guard count + DecisionLine.reserve + 6 * DecisionLine.maxName + 128 <= buffer.count else {
      omitted += 1
      return false
    }
    if !isFirst { literal(",") }
    isFirst = false
    return true
  }
}

// MARK: - Bytes

extension DecisionLine {
  private mutating func byte(_ value: UInt8) {
    // Never reached with the room that is kept; a bound all the same.
    guard count < buffer.count else { return }
    buffer[count] = value
    count += 1
  }

  @inline(never)
  private mutating func literal(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { byte(text.utf8Start[index]) }
  }

  private mutating func field(_ key: StaticString, _ value: UInt64) {
    literal(key)
    number(value)
  }

  @inline(never)
  private mutating func number(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      byte(UInt8(value / divisor % 10) + 0x30)
      divisor /= 10
    }
  }

  private mutating func signed(_ value: Int64) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    number(value.magnitude)
  }

  /// Six digits after the point, rounded half away from zero; what is not finite or beyond 10^12 is null.
  private mutating func decimal(_ value: Float) {
    guard value.isFinite, value.magnitude < 1e12 else {
      literal("null")
      return
    }
    let scaled = Double(value.magnitude) * 1e6
    let whole = UInt64(scaled)
    let digits = scaled - Double(whole) >= 0.5 ? whole + 1 : whole
    if value < 0, digits > 0 { byte(UInt8(ascii: "-")) }
    number(digits / 1_000_000)
    byte(UInt8(ascii: "."))
    var divisor: UInt64 = 100_000
    while divisor > 0 {
      byte(UInt8(digits / divisor % 10) + 0x30)
      divisor /= 10
    }
  }

  private mutating func hexDigit(_ value: UInt64) {
    let digit = UInt8(value & 15)
    byte(digit < 10 ? digit + 0x30 : digit + 0x57)
  }

  /// In quotes, with what JSON wants escaped; what is no UTF-8 becomes U+FFFD.
  @inline(never)
  private mutating func string(_ text: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    var at = 0
    while at < text.count {
      let length = UTF8Sequence.length(text, at)
      if at + max(length, 1) > DecisionLine.maxName { break }
      if length == 0 {
        literal("\u{FFFD}")
        at += 1
      } else if length > 1 {
        for index in 0..<length { byte(text[at + index]) }
        at += length
      } else {
        escape(text[at])
        at += 1
      }
    }
    byte(UInt8(ascii: "\""))
  }

  private mutating func escape(_ value: UInt8) {
    if value == UInt8(ascii: "\"") || value == UInt8(ascii: "\\") {
      byte(UInt8(ascii: "\\"))
      byte(value)
    } else if value < 0x20 {
      literal("\\u00")
      hexDigit(UInt64(value) >> 4)
      hexDigit(UInt64(value))
    } else {
      byte(value)
    }
  }
}

/// Well-formed UTF-8 (Unicode, table 3-7).
enum UTF8Sequence {
  /// Of the sequence that begins at `at`: 1...4, or 0 if there is none.
  static func length(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Int {
    let first = bytes[at]
    if first < 0x80 { return 1 }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, at + length <= bytes.count else { return 0 }
    let second = bytes[at + 1]
    let low: UInt8 = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
    let high: UInt8 = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
    guard second >= low, second <= high else { return 0 }
    for index in 2..<max(length, 2) where bytes[at + index] & 0xC0 != 0x80 { return 0 }
    return length
  }
}
