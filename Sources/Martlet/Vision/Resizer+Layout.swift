import CMartletKernels

/// How a resizer's region is divided: counted and carved by the same lines.
struct ResizerLayout: BitwiseCopyable {
  /// Channels that are filtered: 1 for a grey picture or a grey target, else 3.
  let channels: Int
  /// Taps of every column, padded.
  let taps: Int
  /// Samples of one plane, with room for the padding taps.
  let stride: Int

  // Offsets into the region, multiples of 64.
  let row: Int
  let previous: Int
  let sums: (Int, Int)
  let planes: Int
  let first: Int
  let weights: Int
  /// [channels, columns].
  let values: Int
  let byteCount: Int

  init(channels: Int, placement: TargetPlacement) {
    self.channels = channels
    let (length, columns) = (Int(placement.columns.length), Int(placement.columns.count))
    let multiple = Int(MARTLET_VISION_TAP_MULTIPLE)
    let needed = FilterAxis.maxTaps(length: length, count: columns)
    taps = (needed + multiple - 1) / multiple * multiple
    stride = length + taps

    var tape = RegionTape()
    let samples = length * channels
    row = tape.carve(samples)
    previous = tape.carve(samples)
    sums = (tape.carve(samples * 4), tape.carve(samples * 4))
    planes = tape.carve(stride * channels * 2)
    first = tape.carve(columns * 4)
    weights = tape.carve(columns * taps * 2)
    values = tape.carve(columns * channels * 2)
    byteCount = tape.used
  }
}
