// Single values. Each function reports what is wrong, and answers nil then and for a value that is not there.

extension ConfigurationReader {
  /// A scalar that is a value of a mapping.
  @inline(never)
  mutating func scalar(_ node: Node) -> UnsafeRawBufferPointer? {
    guard node >= 0 else { return nil }
    guard isScalar(node) else {
      wrong(node, "a single value")
      return nil
    }
    return bytes(node)
  }

  /// Which of the words the value is.
  @inline(never)
  mutating func choice(_ node: Node, _ words: Words) -> Int? {
    guard let word = scalar(node) else { return nil }
    if let index = words.index(of: word) { return index }
    wrong(node, "one of %s", words.list)
    return nil
  }

  @inline(never)
  mutating func boolean(_ node: Node) -> Bool? {
    guard let word = scalar(node) else { return nil }
    if let index = Words("true false yes no on off").index(of: word) { return index % 2 == 0 }
    wrong(node, "true or false")
    return nil
  }

  @inline(never)
  mutating func integer(_ node: Node, _ low: Int, _ high: Int) -> Int? {
    guard let text = scalar(node) else { return nil }
    if let number = ConfigurationReader.integer(text), number >= low, number <= high { return number }
    wrong(node, "a whole number from %s", ConfigurationReader.range(low, high))
    return nil
  }

  @inline(never)
  static func range(_ low: Int, _ high: Int) -> String {
    var text = String(low)
    text.add(" to ")
    text.add(String(high))
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
  mutating func number(_ node: Node, _ low: Double, _ high: Double) -> Double? {
    guard let text = scalar(node) else { return nil }
    if let (digits, divisor, end) = ConfigurationReader.decimal(text), end == text.count {
      let number = Double(digits) / Double(divisor)
      if number >= low, number <= high { return number }
    }
    wrong(node, "a number from %s", ConfigurationReader.range(Int(low), Int(high)))
    return nil
  }

  /// 500us, 5ms, 2s, 1.5min, 1h: in nanoseconds.
  @inline(never)
  mutating func duration(_ node: Node, _ low: UInt64, _ high: UInt64) -> UInt64? {
    guard let text = scalar(node) else { return nil }
    let ns = quantity(text, Words("us ms s min h")) { unit in
      switch unit {
      case 0: 1000
      case 1: 1_000_000
      case 2: 1_000_000_000
      case 3: 60_000_000_000
      default: 3_600_000_000_000
      }
    }
    if let ns, ns >= low, ns <= high { return ns }
    var range = DurationText.text(low)
    range.add(" to ")
    range.add(DurationText.text(high))
    wrong(node, "a time with its unit from %s, like 50ms (us, ms, s, min, h)", range)
    return nil
  }

  /// 10MB, 64KiB: in bytes.
  @inline(never)
  mutating func size(_ node: Node, to high: UInt64) -> UInt64? {
    guard let text = scalar(node) else { return nil }
    let bytes = quantity(text, Words("B kB KB MB GB KiB MiB GiB")) { unit in
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
    if let bytes, bytes >= 64 << 10, bytes <= high { return bytes }
    wrong(
      node, "a size with its unit from 64KiB to %sGiB, like 10MB (kB, MB, GB, KiB, MiB, GiB)", String(Int(high >> 30)))
    return nil
  }

  /// A number times its unit, a rest cut off; nil if it is none or too large.
  private func quantity(_ text: UnsafeRawBufferPointer, _ units: Words, _ factor: (Int) -> UInt64) -> UInt64? {
    guard let (digits, divisor, end) = ConfigurationReader.decimal(text) else { return nil }
    var start = end
    if start < text.count, text[start] == 0x20 { start += 1 }
    guard let unit = units.index(of: UnsafeRawBufferPointer(rebasing: text[start...])) else { return nil }
    let (high, low) = digits.multipliedFullWidth(by: factor(unit))
    // Also what keeps the division from trapping.
    guard high < divisor else { return nil }
    return divisor.dividingFullWidth((high, low)).quotient
  }

  /// Text that is not empty, without control characters, of at most `limit` bytes.
  @inline(never)
  mutating func words(_ node: Node, limit: Int = 255) -> String? {
    guard let text = scalar(node) else { return nil }
    if isWord(text, limit) { return String(utf8: text) }
    wrong(node, "a text of 1 to %s bytes without control characters", String(limit))
    return nil
  }

  func isWord(_ text: UnsafeRawBufferPointer, _ limit: Int) -> Bool {
    if text.isEmpty || text.count > limit { return false }
    for byte in text where byte < 0x20 || byte == 0x7F { return false }
    return true
  }

  /// The name that a definition has as its key.
  @inline(never)
  mutating func name(_ key: Node) -> String {
    if !isWord(bytes(key), ConfigurationReader.maxName) {
      error(key, "%v: a name has 1 to 63 bytes and no control characters")
    }
    return text(key)
  }

  static let maxName = 63

  /// A path, from the folder of the configuration unless it begins at the root.
  @inline(never)
  mutating func path(_ node: Node) -> String? {
    guard let path = words(node, limit: 1023) else { return nil }
    return path.utf8.first == UInt8(ascii: "/") ? path : folder + path
  }

  /// A definition by its name.
  @inline(never)
  mutating func reference(_ node: Node, _ what: StaticString, _ names: [String]) -> Int? {
    guard let wanted = scalar(node) else { return nil }
    var nearest = Nearest(to: wanted)
    for index in 0..<names.count {
      if Words.equal(names[index], wanted) { return index }
      nearest.offer(names[index])
    }
    var sentence = what.string
    sentence.add(" ")
    sentence.add(quoted(node))
    suggest(nearest.text, &sentence)
    error(node, "%k: there is no %s", sentence)
    return nil
  }
}

/// A time with the unit that suits it.
public enum DurationText {
  @inline(never)
  public static func text(_ ns: UInt64) -> String {
    if ns % 3_600_000_000_000 == 0, ns > 0 { return String(ns / 3_600_000_000_000) + "h" }
    if ns % 1_000_000_000 == 0 { return String(ns / 1_000_000_000) + "s" }
    if ns % 1_000_000 == 0 { return String(ns / 1_000_000) + "ms" }
    return String(ns / 1000) + "us"
  }
}
