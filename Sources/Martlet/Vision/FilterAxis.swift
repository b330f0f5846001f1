import CMartletKernels

/// The resize filter along one axis: `length` source samples become `count` output samples.
///
/// A triangle around the output sample's centre (half-pixel centres), one source pixel wide to either side, widened by
/// the scale when shrinking. With m = max(length, count), the raw weight of source sample j for output sample i is
///
///     r(j) = max(0, 2m - |(2j + 1) count - (2i + 1) length|)
///
/// for j in 0..<length: exact integers. With P(j) the sum of r before j and R the sum of all, the fixed-point weight is
/// Q(P(j) + r(j)) - Q(P(j)), where Q(p) is `p * 2^14 / R` to the nearest integer; ties go away from the nearer end, so
/// that the mirrored axis has the mirrored weights. Weights are never negative and sum to exactly 2^14.
struct FilterAxis: BitwiseCopyable {
  static let one = Int64(1) << Int64(MARTLET_VISION_WEIGHT_BITS)

  let length: Int64
  let count: Int64
  private let reach: Int64

  /// Both in 1...32768: no product below reaches 2^63.
  init(length: Int, count: Int) {
    self.length = Int64(length)
    self.count = Int64(count)
    reach = 2 * Int64(max(length, count))
  }

  /// The source samples with a raw weight above 0; never empty.
  func range(of output: Int) -> Range<Int> {
    let centre = (2 * Int64(output) + 1) * length
    // (2j + 1) count > centre - reach, and < centre + reach
    let first = Self.floorDivide(centre - reach - count, 2 * count) + 1
    let end = -Self.floorDivide(-(centre + reach - count), 2 * count)
    return Int(max(first, 0))..<Int(min(end, length))
  }

  func rawWeight(of output: Int, at source: Int) -> Int64 {
    let distance = (2 * Int64(source) + 1) * count - (2 * Int64(output) + 1) * length
    return max(0, reach - abs(distance))
  }

  /// The sum of the raw weights of an output sample.
  func total(of output: Int) -> Int64 {
    var sum: Int64 = 0
    for source in range(of: output) { sum += rawWeight(of: output, at: source) }
    return sum
  }

  /// Q: the fixed-point share of the first `prefix` of `total`.
  static func share(_ prefix: Int64, of total: Int64) -> Int64 {
    if 2 * prefix <= total { return (2 * prefix * one + total) / (2 * total) }
    return one - (2 * (total - prefix) * one + total) / (2 * total)
  }

  /// An upper bound of the taps of any output sample, no more than `length`.
  static func maxTaps(length: Int, count: Int) -> Int {
    // Shrinking, odd numbers in an open interval of 4 length / count; else 2.
    length > count ? min(length, (2 * length + count - 1) / count + 1) : min(length, 2)
  }

  /// Writes the weights of every output sample: `taps` each, those that are not needed 0, from tap `first` on.
  ///
  /// - Parameters:
  ///   - offset: the plane's sample, before `shift`, that source sample 0 is.
  ///   - shift: 0; or 1 for a plane that holds one sample for every two source samples: their weights add up.
  func fill(
    first: UnsafeMutablePointer<Int32>?, weights: UnsafeMutablePointer<Int16>, taps: Int, offset: Int, shift: Int
  ) {
    for output in 0..<Int(count) {
      let range = range(of: output)
      let total = total(of: output)
      let start = (offset + range.lowerBound) >> shift
      first?[output] = Int32(start)
      let own = weights + output * taps
      own.update(repeating: 0, count: taps)
      var (prefix, before): (Int64, Int64) = (0, 0)
      for source in range {
        prefix += rawWeight(of: output, at: source)
        let share = Self.share(prefix, of: total)
        own[((offset + source) >> shift) - start] += Int16(share - before)
        before = share
      }
    }
  }

  /// An upper bound of the taps of any output sample in a plane with `shift`.
  static func maxTaps(length: Int, count: Int, shift: Int) -> Int {
    let taps = maxTaps(length: length, count: count)
    return shift == 0 ? taps : taps / 2 + 1
  }

  private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
    a >= 0 ? a / b : -((b - 1 - a) / b)
  }
}
