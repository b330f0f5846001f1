import CMartletLinux

/// JSON on one line, written into memory of the caller's without allocation. What writes with it keeps to the room that
/// there is; a bound holds all the same.
struct RecordText {
  /// More of a name or label is cut off.
  static let maxName = 128

  private let buffer: UnsafeMutableRawBufferPointer
  private(set) var count = 0
  /// Entries of lists that were left out.
  private var omitted = 0
  private var isFirst = true

  init(into buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

  mutating func removeAll() {
    count = 0
    omitted = 0
  }

  /// The end of the object, and all of it with its newline: valid as long as the buffer and until it is begun anew.
  mutating func end() -> UnsafeRawBufferPointer {
    if omitted > 0 { field(",\"omitted\":", UInt64(omitted)) }
    literal("}\n")
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
  }

  // MARK: Lists

  mutating func beginList(_ opening: StaticString) {
    literal(opening)
    isFirst = true
  }

  /// Whether there is room for one more entry: a name of which every byte is escaped, its words, and what comes behind
  /// the list.
  mutating func beginEntry() -> Bool {
    guard count + 6 * Self.maxName + 512 <= buffer.count else {
      omitted += 1
      return false
    }
    if !isFirst { literal(",") }
    isFirst = false
    return true
  }

  mutating func endList() { literal("]") }

  // MARK: Values

  mutating func byte(_ value: UInt8) {
    guard count < buffer.count else { return }
    buffer[count] = value
    count += 1
  }

  @inline(never)
  mutating func literal(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { byte(text.utf8Start[index]) }
  }

  mutating func field(_ key: StaticString, _ value: UInt64) {
    literal(key)
    number(value)
  }

  @inline(never)
  mutating func number(_ value: UInt64) {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      byte(UInt8(value / divisor % 10) + 0x30)
      divisor /= 10
    }
  }

  mutating func signed(_ value: Int64) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    number(value.magnitude)
  }

  /// Six digits after the point, rounded half away from zero; what is not finite or beyond 10^12 is null.
  mutating func decimal(_ value: Float) {
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

  mutating func hexDigit(_ value: UInt64) {
    let digit = UInt8(value & 15)
    byte(digit < 10 ? digit + 0x30 : digit + 0x57)
  }

  /// In quotes, with what JSON wants escaped; what is no UTF-8 becomes U+FFFD.
  @inline(never)
  mutating func string(_ text: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    var at = 0
    while at < text.count {
      let length = UTF8Sequence.length(text, at)
      if at + max(length, 1) > Self.maxName { break }
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

  mutating func escape(_ value: UInt8) {
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

  /// Microseconds since 1970 UTC, in quotes.
  mutating func time(wallUs: UInt64) {
    literal("\"")
    let text = (buffer.baseAddress! + count).assumingMemoryBound(to: CChar.self)
    if count + Int(MARTLET_WALL_TIME_LENGTH) <= buffer.count { count += martlet_wall_time_text(wallUs, text) }
    literal("\"")
  }

  /// 16 hexadecimal digits in quotes.
  mutating func hash(_ value: UInt64) {
    literal("\"")
    for shift in stride(from: UInt64(60), through: 0, by: -4) { hexDigit(value >> shift) }
    literal("\"")
  }

  /// Nanoseconds as milliseconds, three digits after the point.
  mutating func milliseconds(ns: UInt64) {
    let us = (ns + 500) / 1000
    number(us / 1000)
    byte(UInt8(ascii: "."))
    byte(UInt8(us / 100 % 10) + 0x30)
    byte(UInt8(us / 10 % 10) + 0x30)
    byte(UInt8(us % 10) + 0x30)
  }

  /// What a `martlet_error` means.
  mutating func reason(_ code: Int32) {
    let text = martlet_error_text(code)!
    string(UnsafeRawBufferPointer(start: text, count: martlet_text_bytes(text)))
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
