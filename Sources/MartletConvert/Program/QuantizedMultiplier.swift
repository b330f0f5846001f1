import Foundation

/// A real factor as TensorFlow Lite's fixed point: value = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).
struct QuantizedMultiplier: Equatable {
  var multiplier: Int32
  var shift: Int32

  /// The specification's QuantizeMultiplier.
  init(_ real: Double) {
    guard real != 0, real.isFinite else {
      multiplier = 0
      shift = 0
      return
    }
    let (fraction, exponent) = frexp(real)
    var fixed = Int64((fraction * Double(1 << 31)).rounded(.toNearestOrAwayFromZero))
    var shift = exponent
    if fixed == 1 << 31 {
      fixed /= 2
      shift += 1
    }
    if shift < -31 {
      shift = 0
      fixed = 0
    }
    multiplier = Int32(fixed)
    self.shift = Int32(shift)
  }

  init(multiplier: Int32, shift: Int32) {
    self.multiplier = multiplier
    self.shift = shift
  }

  /// The specification's MultiplyByQuantizedMultiplier with its two roundings.
  func rescale(_ value: Int32) -> Int32 {
    let left = max(shift, 0)
    let right = max(-shift, 0)
    let shifted = left > 31 ? 0 : value &* (left == 31 ? Int32.min : 1 << left)
    return FixedPoint.roundingDivide(FixedPoint.doublingHighMultiply(shifted, multiplier), byPowerOf2: right)
  }
}

enum FixedPoint {
  /// High half of 2ab, rounded to nearest, saturated.
  static func doublingHighMultiply(_ a: Int32, _ b: Int32) -> Int32 {
    if a == b && a == Int32.min { return Int32.max }
    let product = Int64(a) * Int64(b)
    let nudge: Int64 = product >= 0 ? 1 << 30 : 1 - (1 << 30)
    return Int32((product + nudge) / (1 << 31))
  }

  static func doublingHighMultiply(_ a: Int16, _ b: Int16) -> Int16 {
    if a == b && a == Int16.min { return Int16.max }
    let product = Int32(a) * Int32(b)
    let nudge: Int32 = product >= 0 ? 1 << 14 : 1 - (1 << 14)
    return Int16((product + nudge) / (1 << 15))
  }

  /// value / 2^exponent, rounded to nearest, ties away from zero.
  static func roundingDivide<T: FixedWidthInteger & SignedInteger>(_ value: T, byPowerOf2 exponent: Int32) -> T {
    guard exponent > 0 else { return value }
    guard exponent < T.bitWidth else { return 0 }
    let mask: T = exponent == T.bitWidth - 1 ? T.max : (T(1) << exponent) - 1
    let remainder = value & mask
    let threshold = (mask >> 1) + (value < 0 ? 1 : 0)
    return (value >> exponent) + (remainder > threshold ? 1 : 0)
  }
}
