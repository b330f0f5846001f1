/// A JSON number as a count of units of 10^-digits, rounded both ways.
struct DecimalBound {
  /// The greatest count that is not above the number, and the least that is not below it; both clamped to ±10^18.
  private(set) var floor: Int64 = 0
  private(set) var ceiling: Int64 = 0

  static let limit: Int64 = 1_000_000_000_000_000_000

  var isWhole: Bool { floor == ceiling }

  /// - Parameter number: a valid JSON number.
  init(_ number: UnsafeBufferPointer<UInt8>, fractionDigits: Int) {
    var wholeDigits = 0
    var mantissaEnd = number.count
    var exponent = 0
    var isExponentNegative = false
    var hasPoint = false
    for index in number.indices {
      switch number[index] {
      case UInt8(ascii: "e"), UInt8(ascii: "E"): mantissaEnd = index
      case UInt8(ascii: "-"): isExponentNegative = index > mantissaEnd
      case UInt8(ascii: "."): hasPoint = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if index > mantissaEnd {
          exponent = min(exponent * 10 + Int(number[index]) - 0x30, 1_000_000)
        } else if !hasPoint {
          wholeDigits += 1
        }
      default: break
      }
    }
    // Digits that are left of the unit.
    let kept = wholeDigits + fractionDigits + (isExponentNegative ? -exponent : exponent)
    var magnitude: Int64 = 0
    var isExact = true
    var seen = 0
    for index in 0..<mantissaEnd where number[index] >= UInt8(ascii: "0") {
      if seen < kept {
        magnitude = DecimalBound.shifted(magnitude, Int64(number[index] - 0x30))
      } else if number[index] != UInt8(ascii: "0") {
        isExact = false
      }
      seen += 1
    }
    while seen < kept, magnitude > 0, magnitude < DecimalBound.limit {
      magnitude = DecimalBound.shifted(magnitude, 0)
      seen += 1
    }
    let above = isExact ? magnitude : min(magnitude + 1, DecimalBound.limit)
    let isNegative = number.count > 0 && number[0] == UInt8(ascii: "-")
    floor = isNegative ? -above : magnitude
    ceiling = isNegative ? -magnitude : above
  }

  private static func shifted(_ value: Int64, _ digit: Int64) -> Int64 {
    value > (limit - 10) / 10 ? limit : value * 10 + digit
  }
}
