import Foundation

/// Where the inputs of a float graph come from, one picture after another.
public protocol SampleSource: Sendable {
  var count: Int { get }
  /// The input tensor of sample `index`, row-major.
  func sample(_ index: Int) throws(ConversionError) -> [Float]
}

/// How the values of one tensor are spread, over all samples.
public struct Distribution: Sendable {
  public static let binCount = 2048
  public var minimum = Float.infinity
  public var maximum = -Float.infinity
  /// Equal parts of `minimum...maximum`.
  public var bins: [UInt32] = []

  mutating func extend(_ values: [Float]) {
    var (low, high) = (minimum, maximum)
    for value in values where value.isFinite {
      low = min(low, value)
      high = max(high, value)
    }
    (minimum, maximum) = (low, high)
  }

  mutating func extend(_ other: Distribution) {
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }

  var isEmpty: Bool { !(minimum <= maximum) }
  var range: ClosedRange<Float> { isEmpty ? 0...0 : minimum...maximum }
  var binWidth: Double { (Double(maximum) - Double(minimum)) / Double(Self.binCount) }

  mutating func count(_ values: [Float]) {
    if bins.isEmpty { bins = Array(repeating: 0, count: Self.binCount) }
    let width = Float(binWidth)
    guard width > 0 else { return }
    let inverse = 1 / width
    let (low, last) = (minimum, Self.binCount - 1)
    bins.withUnsafeMutableBufferPointer { bins in
      for value in values where value.isFinite { bins[min(last, max(0, Int((value - low) * inverse)))] += 1 }
    }
  }

  mutating func add(_ other: [UInt32]) {
    if bins.isEmpty { bins = other } else { for index in other.indices { bins[index] &+= other[index] } }
  }

  /// The real number in the middle of a bin.
  func center(_ bin: Int) -> Double { Double(minimum) + (Double(bin) + 0.5) * binWidth }
}

/// Two passes over the samples: the range of every value, then its histogram.
struct Calibration {
  /// By value.
  private(set) var distributions: [Int: Distribution] = [:]
  /// The graph's outputs for each sample.
  private(set) var outputs: [[[Float]]] = []

  /// - Parameter progress: is told how many of `2 * source.count` steps are done.
  init(_ executor: FloatExecutor, _ source: some SampleSource, progress: @Sendable (Int) -> Void)
    throws(ConversionError)
  {
    typealias Found = Result<(seen: [Int: Distribution], outputs: [[Float]]), ConversionError>
    for pass in 0..<2 {
      for first in stride(from: 0, to: source.count, by: 8) {
        let known = distributions
        let results: [Found] = inParallel(min(8, source.count - first)) { offset in
          do throws(ConversionError) {
            var seen = known
            var fresh: [Int: Distribution] = [:]
            let outputs = executor.run([try source.sample(first + offset)]) { value, elements in
              if pass == 0 {
                fresh[value, default: Distribution()].extend(elements)
              } else {
                seen[value]?.bins = []
                seen[value]?.count(elements)
              }
            }
            return .success((pass == 0 ? fresh : seen, outputs))
          } catch {
            return .failure(error)
          }
        }
        for result in results {
          let found = try result.get()
          for (value, distribution) in found.seen {
            if pass == 0 {
              distributions[value, default: Distribution()].extend(distribution)
            } else {
              distributions[value]?.add(distribution.bins)
            }
          }
          if pass == 0 { outputs.append(found.outputs) }
        }
        progress(pass * source.count + first + results.count)
      }
    }
  }
}
