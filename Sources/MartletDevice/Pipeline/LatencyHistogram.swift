import CMartletLinux

/// How long something took, over any number of times, in fixed memory: 64 buckets an octave (the idea is Gil Tene's
/// HdrHistogram), so that a quantile is at most 1.6 % from the sample that it stands for.
public struct LatencyHistogram: ~Copyable {
  private static let bits = 6
  private static let perOctave = 1 << bits
  /// 2^40 ns are 18 minutes; what is longer counts as that.
  private static let octaves = 40 - bits + 1
  private static let bucketCount = perOctave * octaves
  public static let highest: UInt64 = (1 << 40) - 1

  private let counts: UnsafeMutableBufferPointer<UInt64>
  public private(set) var count: UInt64 = 0
  /// Exact, in ns; 0 without samples.
  public private(set) var max: UInt64 = 0
  /// Exact, in ns.
  public private(set) var min: UInt64 = 0
  public private(set) var sum: UInt64 = 0

  /// Takes 18 KB of address space, of which only what is used becomes resident; nil if the system has none.
  public init?() {
    guard let region = martlet_reserve_memory(LatencyHistogram.byteCount) else { return nil }
    counts = UnsafeMutableRawBufferPointer(start: region, count: LatencyHistogram.byteCount).bindMemory(to: UInt64.self)
  }

  deinit {
    martlet_release_memory(counts.baseAddress, LatencyHistogram.byteCount)
  }

  private static var byteCount: Int { bucketCount * MemoryLayout<UInt64>.stride }

  public mutating func record(_ ns: UInt64) {
    let value = ns < LatencyHistogram.highest ? ns : LatencyHistogram.highest
    counts[LatencyHistogram.bucket(value)] += 1
    min = count == 0 || value < min ? value : min
    max = value > max ? value : max
    sum &+= value
    count += 1
  }

  /// In ns: the least value that `share` of the samples do not exceed, the middle of its bucket; 0 without samples.
  ///
  /// - Parameter share: 0...1, like 0.99.
  public func quantile(_ share: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    var rank = UInt64(share * Double(count))
    if Double(rank) < share * Double(count) { rank += 1 }
    rank = rank < 1 ? 1 : rank > count ? count : rank
    var seen: UInt64 = 0
    for index in 0..<LatencyHistogram.bucketCount {
      seen += counts[index]
      guard seen >= rank else { continue }
      let middle = LatencyHistogram.middle(index)
      return middle > max ? max : middle < min ? min : middle
    }
    return max
  }

  /// Forgets all samples.
  public mutating func reset() {
    counts.update(repeating: 0)
    count = 0
    max = 0
    min = 0
    sum = 0
  }

  /// Values below 64 have a bucket each; from there on each octave has 64.
  private static func bucket(_ value: UInt64) -> Int {
    let octave = Swift.max(63 - value.leadingZeroBitCount - bits, 0)
    return octave * perOctave + Int(value >> UInt64(octave))
  }

  private static func middle(_ bucket: Int) -> UInt64 {
    guard bucket >= 2 * perOctave else { return UInt64(bucket) }
    let octave = UInt64(bucket / perOctave - 1)
    let low = UInt64(bucket % perOctave + perOctave) << octave
    return low + (1 << octave) / 2
  }
}
