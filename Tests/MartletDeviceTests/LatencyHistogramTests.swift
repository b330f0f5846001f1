import Foundation
import Testing

@testable import MartletDevice

@Suite struct LatencyHistogramTests {
  @Test(arguments: [1, 2, 3, 10, 1000, 50000]) func quantilesAreNearTheSortedSamples(count: Int) throws {
    for spread in [7.0, 20.0, 39.0] {
      var histogram = try require(LatencyHistogram())
      var samples: [UInt64] = []
      for _ in 0..<count {
        // Every octave alike.
        samples.append(UInt64(exp2(Double.random(in: 0...spread))))
        histogram.record(samples.last!)
      }
      samples.sort()
      #expect(histogram.count == UInt64(count) && histogram.max == samples.last! && histogram.min == samples[0])
      #expect(histogram.sum == samples.reduce(0, +))
      for share in [0, 0.001, 0.5, 0.9, 0.99, 0.999, 1] {
        let rank = max(Int((share * Double(count)).rounded(.up)), 1)
        let want = Double(samples[rank - 1])
        #expect(abs(Double(histogram.quantile(share)) - want) <= want * 0.016)
      }
    }
  }

  @Test func smallValuesAreExactAndLargeOnesAreCut() throws {
    var histogram = try require(LatencyHistogram())
    #expect(histogram.quantile(0.5) == 0)
    for value in 0..<128 { histogram.record(UInt64(value)) }
    for value in 0..<128 { #expect(histogram.quantile((Double(value) + 0.5) / 128) == UInt64(value)) }
    histogram.record(.max)
    #expect(histogram.max == LatencyHistogram.highest && histogram.quantile(1) <= LatencyHistogram.highest)
    histogram.reset()
    #expect(histogram.count == 0 && histogram.quantile(1) == 0)
  }
}
