import Foundation

/// How the range of a tensor is chosen from what was seen of it.
public enum RangeMethod: String, Sendable, CaseIterable {
  /// Everything that was seen.
  case minMax = "min-max"
  /// The range with the least mean squared error: rare values are cut off where finer steps for the others pay.
  case squaredError = "mse"

  func range(of distribution: Distribution) -> ClosedRange<Float> {
    switch self {
    case .minMax: distribution.range
    case .squaredError: RangeSearch.leastSquares(distribution)
    }
  }
}

enum RangeSearch {
  /// Coordinate descent on the two ends, each over a hundred candidates, from the whole range down to a fifth.
  static func leastSquares(_ distribution: Distribution) -> ClosedRange<Float> {
    guard !distribution.isEmpty, distribution.bins.contains(where: { $0 > 0 }) else { return distribution.range }
    let cumulated = Moments(distribution)
    var (low, high) = (min(0, Double(distribution.minimum)), max(0, Double(distribution.maximum)))
    let whole = (low, high)
    for _ in 0..<4 {
      let before = (low, high)
      high = best(whole.1) { cumulated.squaredError(low, $0) }
      low = best(whole.0) { cumulated.squaredError($0, high) }
      if before == (low, high) { break }
    }
    return Float(low)...Float(high)
  }

  private static func best(_ end: Double, _ error: (Double) -> Double) -> Double {
    guard end != 0 else { return end }
    var (found, least) = (end, error(end))
    for step in 1...80 {
      let candidate = end * (1 - Double(step) / 100)
      let value = error(candidate)
      if value < least { (found, least) = (candidate, value) }
    }
    return found
  }

  /// Sums over the histogram up to each bin, so that an error costs two look-ups.
  private struct Moments {
    private let distribution: Distribution
    private var counts: [Double] = [0]
    private var sums: [Double] = [0]
    private var squares: [Double] = [0]

    init(_ distribution: Distribution) {
      self.distribution = distribution
      for (bin, count) in distribution.bins.enumerated() {
        let x = distribution.center(bin)
        counts.append(counts[bin] + Double(count))
        sums.append(sums[bin] + Double(count) * x)
        squares.append(squares[bin] + Double(count) * x * x)
      }
    }

    /// Rounding inside, distance to the end outside.
    func squaredError(_ low: Double, _ high: Double) -> Double {
      let last = distribution.bins.count
      func bin(_ x: Double) -> Int {
        guard distribution.binWidth > 0 else { return 0 }
        return max(0, min(last, Int(((x - Double(distribution.minimum)) / distribution.binWidth).rounded())))
      }
      let (first, end) = (bin(low), bin(high))
      func cut(_ from: Int, _ to: Int, _ x: Double) -> Double {
        guard to > from else { return 0 }
        let (n, s, q) = (counts[to] - counts[from], sums[to] - sums[from], squares[to] - squares[from])
        return max(0, q - 2 * x * s + n * x * x)
      }
      let step = (high - low) / 255
      let inside = end > first ? counts[end] - counts[first] : 0
      return inside * step * step / 12 + cut(0, first, low) + cut(end, last, high)
    }
  }
}
