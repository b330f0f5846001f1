/// Which numbers a node allows, while they are written.
///
/// A bounded number has at most 18 digits, `fractionDigits` of which stand after the point, and no exponent: as a count
/// of units of 10^-fractionDigits it is an exact `Int64`. A prefix of one can be completed in blocks: k more digits
/// before the point give m * 10^k ... m * 10^k + 10^k - 1, and one of these blocks must meet the allowed range.
/// An unbounded number has at most 18 digits and two more in an exponent. A bounded number is never minus zero.
enum ConstraintNumber {
  private static let maxDigits = JSONNumberScanner.maxDigits
  private static let maxExponentDigits = 2

  /// Whether an allowed number goes on like this.
  static func allows(_ number: JSONNumberScanner, _ node: ConstraintNode) -> Bool {
    guard Int(number.digits) <= maxDigits else { return false }
    if node.kind == .anyNumber {
      return Int(number.exponentDigits) <= maxExponentDigits
        && (number.phase != .point || Int(number.digits) < maxDigits)
    }
    guard isWithinDigits(number, node) else { return false }
    let allowed = range(node, isNegative: number.isNegative)
    if number.phase == .start || number.phase == .sign { return allowed.low <= allowed.high }
    for more in 0...moreDigits(number, node) {
      let block = block(number, node, more: more)
      if block.low <= allowed.high, block.high >= allowed.low { return true }
    }
    return false
  }

  /// Whether an allowed number ends here.
  static func accepts(_ number: JSONNumberScanner, _ node: ConstraintNode) -> Bool {
    guard number.isComplete, Int(number.digits) <= maxDigits else { return false }
    if node.kind == .anyNumber { return true }
    guard isWithinDigits(number, node) else { return false }
    let allowed = range(node, isNegative: number.isNegative)
    let value = block(number, node, more: 0).low
    return allowed.low <= value && value <= allowed.high
  }

  private static func isWithinDigits(_ number: JSONNumberScanner, _ node: ConstraintNode) -> Bool {
    let places = Int(node.fractionDigits)
    return !number.hasExponent && number.fractionDigits <= node.fractionDigits
      && (number.phase != .point || places > 0) && Int(number.digits - number.fractionDigits) <= maxDigits - places
  }

  /// The allowed magnitudes, in units, of numbers of that sign.
  private static func range(_ node: ConstraintNode, isNegative: Bool) -> (low: Int64, high: Int64) {
    isNegative ? (max(-node.high, 1), -node.low) : (max(node.low, 0), node.high)
  }

  /// How many digits can still come before the point.
  private static func moreDigits(_ number: JSONNumberScanner, _ node: ConstraintNode) -> Int {
    number.phase == .integer ? maxDigits - Int(node.fractionDigits) - Int(number.digits) : 0
  }

  /// The magnitudes, in units, that begin like `number` with `more` more digits before the point.
  private static func block(
    _ number: JSONNumberScanner, _ node: ConstraintNode, more: Int
  ) -> (low: Int64, high: Int64) {
    let scale = power(Int(node.fractionDigits) - Int(number.fractionDigits) + more)
    let low = number.magnitude * scale
    return (low, low + scale - 1)
  }

  /// 10^exponent for 0...18.
  private static func power(_ exponent: Int) -> Int64 {
    var result: Int64 = 1
    for _ in 0..<max(exponent, 0) { result *= 10 }
    return result
  }

  // MARK: The shortest way to an end

  private static let never: UInt32 = 1 << 20

  /// The fewest bytes of an allowed number.
  static func fewestBytes(_ node: ConstraintNode) -> UInt32 {
    if node.kind == .anyNumber { return 1 }
    let positive = afterDigit(JSONNumberScanner(), node)
    var negative = JSONNumberScanner()
    guard negative.advance(UInt8(ascii: "-")), allows(negative, node) else { return positive }
    return min(positive, 1 + afterDigit(negative, node))
  }

  /// The fewest bytes that are missing; `number` is allowed.
  static func missingBytes(_ number: JSONNumberScanner, _ node: ConstraintNode) -> UInt32 {
    if accepts(number, node) { return 0 }
    if node.kind == .anyNumber { return 1 }
    return number.phase == .sign ? afterDigit(number, node) : fromDigits(number, node)
  }

  /// Of numbers whose first digit is still to come.
  private static func afterDigit(_ number: JSONNumberScanner, _ node: ConstraintNode) -> UInt32 {
    var fewest = never
    for digit in UInt8(ascii: "0")...UInt8(ascii: "9") {
      var next = number
      if next.advance(digit), allows(next, node) { fewest = min(fewest, 1 + fromDigits(next, node)) }
    }
    return fewest
  }

  private static func fromDigits(_ number: JSONNumberScanner, _ node: ConstraintNode) -> UInt32 {
    let allowed = range(node, isNegative: number.isNegative)
    let hasPoint = number.phase == .point || number.phase == .fraction
    var fewest = never
    for more in 0...moreDigits(number, node) {
      let block = block(number, node, more: more)
      let low = max(block.low, allowed.low)
      let high = min(block.high, allowed.high)
      guard low <= high else { continue }
      let least = number.phase == .point ? 1 : Int(number.fractionDigits)
      for places in least...Int(node.fractionDigits) {
        let step = power(Int(node.fractionDigits) - places)
        // Whether a multiple of the step lies in low...high.
        guard high / step * step >= low else { continue }
        let point = !hasPoint && places > 0 ? 1 : 0
        fewest = min(fewest, UInt32(more + point + places - Int(number.fractionDigits)))
        break
      }
    }
    return fewest
  }
}
