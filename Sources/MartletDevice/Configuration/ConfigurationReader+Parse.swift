// Values by themselves: what a text says, or nil.

extension WordList {
  static var timeUnits: WordList { WordList("us ms s min h d") }
  static var sizeUnits: WordList { WordList("B kB KB MB GB KiB MiB GiB") }
}

extension ConfigurationReader {
  /// Text that is not empty, without control characters, of at most `limit` bytes.
  @inline(never)
  static func word(_ text: UnsafeRawBufferPointer, _ limit: Int) -> String? {
    if text.isEmpty || text.count > limit { return nil }
    for byte in text where byte < 0x20 || byte == 0x7F { return nil }
    return String(utf8: text)
  }

  @inline(never)
  static func flag(_ text: UnsafeRawBufferPointer) -> Bool? {
    let words = WordList("true false yes no on off True False TRUE FALSE Yes No YES NO On Off ON OFF")
    return words.index(of: text).map { $0 % 2 == 0 }
  }

  @inline(never)
  static func range(_ low: Int, _ high: Int, _ unit: StaticString = "") -> String {
    var text = String(low)
    text.add(" to ")
    text.add(String(high))
    text.add(unit.text)
    return text
  }

  /// Decimal digits with a sign, at most 18.
  @inline(never)
  static func integer(_ text: UnsafeRawBufferPointer) -> Int? {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = text.dropFirst(isNegative ? 1 : 0)
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var number = 0
    for digit in digits {
      guard digit >= 0x30, digit <= 0x39 else { return nil }
      number = number * 10 + Int(digit - 0x30)
    }
    return isNegative ? -number : number
  }

  /// Digits with an optional point, at most 15, and where they end; nil if there are none.
  @inline(never)
  static func decimal(
    _ text: UnsafeRawBufferPointer
  ) -> (digits: UInt64, divisor: UInt64, end: Int)? {
    var digits: UInt64 = 0
    var divisor: UInt64 = 1
    var count = 0
    var at = 0
    var hasPoint = false
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if byte >= 0x30, byte <= 0x39 {
        digits = digits * 10 + UInt64(byte - 0x30)
        if hasPoint { divisor *= 10 }
        count += 1
        if count > 15 { return nil }
      } else {
        break
      }
      at += 1
    }
    return count > 0 ? (digits, divisor, at) : nil
  }

  /// A number of at least 0, without an exponent.
  @inline(never)
  static func number(_ text: UnsafeRawBufferPointer) -> Double? {
    guard let (digits, divisor, end) = decimal(text), end == text.count else { return nil }
    return Double(digits) / Double(divisor)
  }

  /// 500us, 5ms, 2s, 1.5min, 1h: in nanoseconds.
  @inline(never)
  static func time(_ text: UnsafeRawBufferPointer) -> UInt64? {
    quantity(text, .timeUnits) { unit in
      switch unit {
      case 0: 1000
      case 1: 1_000_000
      case 2: 1_000_000_000
      case 3: 60_000_000_000
      case 4: 3_600_000_000_000
      default: 86_400_000_000_000
      }
    }
  }

  /// 10MB, 64KiB: in bytes.
  @inline(never)
  static func size(_ text: UnsafeRawBufferPointer) -> UInt64? {
    quantity(text, .sizeUnits) { unit in
      switch unit {
      case 0: 1
      case 1, 2: 1000
      case 3: 1_000_000
      case 4: 1_000_000_000
      case 5: 1 << 10
      case 6: 1 << 20
      default: 1 << 30
      }
    }
  }

  /// A number times its unit, a rest cut off; nil if it is none or too large.
  private static func quantity(
    _ text: UnsafeRawBufferPointer, _ units: WordList, _ factor: (Int) -> UInt64
  ) -> UInt64? {
    guard let (digits, divisor, end) = decimal(text) else { return nil }
    var start = end
    if start < text.count, text[start] == 0x20 { start += 1 }
    guard let unit = units.index(of: UnsafeRawBufferPointer(rebasing: text[start...])) else { return nil }
    let (high, low) = digits.multipliedFullWidth(by: factor(unit))
    // Also what keeps the division from trapping.
    guard high < divisor else { return nil }
    return divisor.dividingFullWidth((high, low)).quotient
  }

  /// `count` whole numbers from 0 to 65535 with a separator between each two; a letter may be a capital.
  static func numbers(
    _ text: UnsafeRawBufferPointer, _ count: Int, separator: Unicode.Scalar
  ) -> InlineArray<4, Int>? {
    var numbers = InlineArray<4, Int>(repeating: 0)
    var index = 0
    var digits = 0
    for byte in text {
      if byte >= 0x30, byte <= 0x39, digits < 5 {
        numbers[index] = numbers[index] * 10 + Int(byte - 0x30)
        digits += 1
      } else if UInt32(byte | (byte >= 0x40 ? 0x20 : 0)) == separator.value, digits > 0, index + 1 < count {
        index += 1
        digits = 0
      } else if byte != 0x20 || digits > 0 {
        return nil
      }
    }
    guard index == count - 1, digits > 0, numbers[0] | numbers[1] | numbers[2] | numbers[3] < 65536 else { return nil }
    return numbers
  }
}

/// A time with the unit that suits it.
public enum DurationText {
  @inline(never)
  public static func text(_ ns: UInt64) -> String {
    if ns % 86_400_000_000_000 == 0, ns > 0 { return String(ns / 86_400_000_000_000) + "d" }
    if ns % 3_600_000_000_000 == 0, ns > 0 { return String(ns / 3_600_000_000_000) + "h" }
    if ns % 1_000_000_000 == 0 { return String(ns / 1_000_000_000) + "s" }
    if ns % 1_000_000 == 0 { return String(ns / 1_000_000) + "ms" }
    return String(ns / 1000) + "us"
  }
}
