/// Numbers as text, without a locale and without Foundation.
public enum NumberText {
  /// `value` with exactly `places` (0...9) digits after the point, rounded half away from zero; not finite: "null".
  @inline(never)
  public static func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite else { return "null" }
    var scale: Double = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = value.magnitude * scale
    // Beyond 2^53 there are no fractional digits left to print.
    guard scaled < 9e15 else { return (value < 0 ? "-" : "") + String(UInt64(min(value.magnitude, 1.8e19))) }
    // Not `rounded()`: that would be the only call into libm, a third of a megabyte of resident memory.
    let whole = UInt64(scaled)
    let digits = scaled - Double(whole) >= 0.5 ? whole + 1 : whole
    let divisor = UInt64(scale)
    let sign = value < 0 && digits > 0 ? "-" : ""
    if places == 0 { return sign + String(digits) }
    let fraction = String(digits % divisor)
    let zeros = String(repeating: "0", count: places - fraction.utf8.count)
    return sign + String(digits / divisor) + "." + zeros + fraction
  }

  /// 1234567 as "1,234,567".
  @inline(never)
  public static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    var left = digits.utf8.count
    for digit in digits.utf8 {
      text.unicodeScalars.append(Unicode.Scalar(digit))
      left -= 1
      if left > 0 && left % 3 == 0 { text.add(",") }
    }
    return text
  }

  /// 16 hexadecimal digits.
  @inline(never)
  public static func hash(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// Bytes for people: "512 B", "37.4 KiB", "1.62 MiB".
  @inline(never)
  public static func bytes(_ count: Int) -> String {
    if count < 1024 { return String(count) + " B" }
    if count < 1024 * 1024 { return decimal(Double(count) / 1024, places: 1) + " KiB" }
    return decimal(Double(count) / (1024 * 1024), places: 2) + " MiB"
  }

  /// Operations per second for people: "812 M", "41.7 G".
  @inline(never)
  public static func rate(_ perSecond: Double) -> String {
    perSecond < 1e9 ? decimal(perSecond / 1e6, places: 0) + " M" : decimal(perSecond / 1e9, places: 1) + " G"
  }
}

extension String {
  /// Filled with spaces, or what is told, to `width` characters on its right side, or on its left.
  @inline(never)
  public func padded(to width: Int, left: Bool = false, with filler: String = " ") -> String {
    let missing = width - unicodeScalars.count
    guard missing > 0 else { return self }
    let space = String(repeating: filler, count: missing)
    return left ? space + self : self + space
  }
}
