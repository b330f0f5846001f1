import CMartletKernels

/// How a resizer's region is divided: counted and carved by the same lines.
struct ResizerLayout: BitwiseCopyable {
  /// Channels that are filtered: 1 for a grey picture or a grey target, else 3.
  let channels: Int
  /// The used part of the picture and its place in the target, in stored axes.
  let columns: FilterAxis
  let rows: FilterAxis
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
  let pixels: Int
  let byteCount: Int

  init(channels: Int, sourceWidth: Int, sourceHeight: Int, targetWidth: Int, targetHeight: Int) {
    self.channels = channels
    columns = FilterAxis(length: sourceWidth, count: targetWidth)
    rows = FilterAxis(length: sourceHeight, count: targetHeight)
    let multiple = Int(MARTLET_VISION_TAP_MULTIPLE)
    let needed = FilterAxis.maxTaps(length: sourceWidth, count: targetWidth)
    taps = (needed + multiple - 1) / multiple * multiple
    stride = sourceWidth + taps

    var tape = Tape()
    let samples = sourceWidth * channels
    row = tape.carve(samples)
    previous = tape.carve(samples)
    sums = (tape.carve(samples * 4), tape.carve(samples * 4))
    planes = tape.carve(stride * channels * 2)
    first = tape.carve(targetWidth * 4)
    weights = tape.carve(targetWidth * taps * 2)
    pixels = tape.carve(targetWidth * channels)
    byteCount = tape.used
  }

  private struct Tape {
    var used = 0

    mutating func carve(_ bytes: Int) -> Int {
      defer { used += (bytes + 63) & ~63 }
      return used
    }
  }
}
