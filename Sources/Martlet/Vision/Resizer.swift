import CMartletKernels

/// The one resize of the project, in one pass over a picture's rows: unpack, crop, resize, quantize, store.
///
/// Rows come from top to bottom, as stored, with `push`; what an orientation turns is turned while storing. Memory is a
/// caller's region whose size does not depend on the picture's height.
///
/// The filter is that of `FilterAxis`, separable, with 14 fraction bits, down the stored rows first:
///
/// 1. A source pixel becomes luma or red, green, blue of 8 bits (`martlet_vision_unpack`): transparency over mid-grey
///    128, luma in BT.601 weights.
/// 2. A row sample is the weighted sum over source rows, `(sum + 64) >> 7`: 8 bits and 7 fraction bits. Rows and
///    columns outside the used part of the picture do not count.
/// 3. A pixel is the weighted sum over the columns of that row, `(sum + 2^20) >> 21`: 8 bits. No step can leave
///    0...255.
/// 4. The table makes it a tensor value. Around a letterboxed picture lies what the table makes of 128.
///
/// A picture of the target's size comes out as it went in; a constant one stays constant.
public struct Resizer: ~Copyable {
  private let target: PictureTarget
  private let format: RowFormat
  private let placement: TargetPlacement
  private let layout: ResizerLayout
  private let region: UnsafeMutableRawPointer
  private let kernels: UnsafePointer<martlet_vision_table>

  private var rowsPushed = 0
  private var nextOutput = 0
  /// Outputs `nextOutput` and the one after it, while shrinking; by parity.
  private var progress = (RowProgress(), RowProgress())

  private struct RowProgress: BitwiseCopyable {
    var total: Int64 = 0
    var prefix: Int64 = 0
  }

  /// Exact bytes of the region, for a target of these sizes.
  public static func byteCount(
    of picture: PictureShape, policy: ResizePolicy, shorterSide: Int = 0, width: Int, height: Int, channels: Int
  ) -> Int {
    let placement = Self.placement(
      of: picture, policy: policy, shorterSide: shorterSide, width: width, height: height, channels: channels)
    return ResizerLayout(channels: picture.format.isGrey ? 1 : channels, placement: placement).byteCount
  }

  /// A limit of `byteCount` over every picture at most `pictureWidth` columns wide, as stored.
  public static func byteCountLimit(pictureWidth: Int, width: Int, height: Int, channels: Int) -> Int {
    // Per source column: two byte rows, two sums, a plane and its padding, the column's share of all taps (2 + 2).
    // Per target column: padding taps, first tap, values.
    let longer = max(width, height)
    return pictureWidth * (14 * channels + 4) + longer * (24 + 2 * channels) + 16 * channels + 9 * 64
  }

  /// - Parameter region: 64-byte aligned, at least `byteCount` bytes; in use until the resizer ends.
  public init(
    picture: PictureShape, policy: ResizePolicy, shorterSide: Int = 0, target: PictureTarget,
    region: UnsafeMutableRawBufferPointer
  ) {
    precondition(target.channels == 1 || target.channels == 3)
    precondition(TargetPlacement.isSide(picture.width) && TargetPlacement.isSide(picture.height))
    precondition(TargetPlacement.isSide(target.width) && TargetPlacement.isSide(target.height))
    placement = Self.placement(
      of: picture, policy: policy, shorterSide: shorterSide, width: target.width, height: target.height,
      channels: target.channels)
    layout = ResizerLayout(channels: picture.format.isGrey ? 1 : target.channels, placement: placement)
    precondition(region.count >= layout.byteCount && UInt(bitPattern: region.baseAddress) % 64 == 0)
    self.region = region.baseAddress!
    self.target = target
    format = picture.format
    kernels = martlet_vision_for(martlet_best_isa())

    placement.fillAround(target)
    placement.columns.fill(
      first: at(layout.first), weights: at(layout.weights), taps: layout.taps, offset: 0, shift: 0)
    // The padding taps read past the row; their weight is 0, but what they read must exist.
    at(layout.planes, of: Int16.self).update(repeating: 0, count: layout.stride * layout.channels)
  }

  private func at<Value: BitwiseCopyable>(_ offset: Int, of type: Value.Type = Value.self)
    -> UnsafeMutablePointer<Value>
  {
    (region + offset).assumingMemoryBound(to: Value.self)
  }

  /// Every output row is stored; further rows change nothing.
  public var isComplete: Bool { nextOutput == placement.rows.count }

  /// Takes the next row of the stored picture: width * bytes per pixel bytes.
  public mutating func push(row: UnsafeBufferPointer<UInt8>) {
    let last = placement.source.x + placement.source.width
    precondition(row.count >= last * Int(format.rawValue))
    let y = rowsPushed - placement.source.y
    rowsPushed += 1
    guard y >= 0 && y < placement.source.height && !isComplete else { return }
    let used = row.baseAddress! + placement.source.x * Int(format.rawValue)
    var samples = used
    if Int(format.rawValue) != layout.channels {
      let unpacked = at(layout.row, of: UInt8.self)
      martlet_vision_unpack(
        unpacked, used, Int32(placement.source.width), martlet_row_format(UInt32(format.rawValue)),
        Int32(layout.channels))
      samples = UnsafePointer(unpacked)
    }
    if placement.rows.length >= placement.rows.count {
      shrink(samples, at: y)
    } else {
      enlarge(samples, at: y)
    }
  }

  // MARK: - Down the rows

  /// A source row takes part in at most two output rows, since their centres are one filter reach apart.
  private mutating func shrink(_ samples: UnsafePointer<UInt8>, at y: Int) {
    let count = Int32(placement.source.width * layout.channels)
    var output = nextOutput
    while output < Int(placement.rows.count) {
      let range = placement.rows.range(of: output)
      guard range.lowerBound <= y else { break }
      let isEven = output & 1 == 0
      var state = isEven ? progress.0 : progress.1
      let sums = at(isEven ? layout.sums.0 : layout.sums.1, of: Int32.self)
      let isFirst = range.lowerBound == y
      if isFirst { state = RowProgress(total: placement.rows.total(of: output)) }
      let before = FilterAxis.share(state.prefix, of: state.total)
      state.prefix += placement.rows.rawWeight(of: output, at: y)
      let weight = Int32(FilterAxis.share(state.prefix, of: state.total) - before)
      if isFirst {
        kernels.pointee.weigh(sums, samples, count, weight)
      } else {
        kernels.pointee.weigh_more(sums, samples, count, weight)
      }
      if isEven { progress.0 = state } else { progress.1 = state }
      if range.upperBound == y + 1 {
        store(output, UnsafePointer(sums))
        nextOutput = output + 1
      }
      output += 1
    }
  }

  /// An output row needs this source row and at most the one before it.
  private mutating func enlarge(_ samples: UnsafePointer<UInt8>, at y: Int) {
    let count = Int32(placement.source.width * layout.channels)
    let previous = at(layout.previous, of: UInt8.self)
    let sums = at(layout.sums.0, of: Int32.self)
    while nextOutput < Int(placement.rows.count) {
      let range = placement.rows.range(of: nextOutput)
      guard range.upperBound == y + 1 else { break }
      let last = placement.rows.rawWeight(of: nextOutput, at: y)
      let total = placement.rows.total(of: nextOutput)
      let share = Int32(FilterAxis.share(total - last, of: total))
      kernels.pointee.weigh(sums, samples, count, Int32(FilterAxis.one) - share)
      if share > 0 { kernels.pointee.weigh_more(sums, previous, count, share) }
      store(nextOutput, UnsafePointer(sums))
      nextOutput += 1
    }
    previous.update(from: samples, count: Int(count))
  }

  // MARK: - Along the columns

  private func store(_ output: Int, _ sums: UnsafePointer<Int32>) {
    let (planes, values): (UnsafeMutablePointer<Int16>, UnsafeMutablePointer<Int16>) = (
      at(layout.planes), at(layout.values)
    )
    let columns = Int(placement.columns.count)
    martlet_vision_separate(
      planes, Int32(layout.stride), sums, Int32(placement.source.width), Int32(layout.channels))
    for channel in 0..<layout.channels {
      kernels.pointee.columns(
        values + channel * columns, planes + channel * layout.stride, at(layout.first), at(layout.weights),
        Int32(layout.taps), Int32(columns), MARTLET_VISION_WEIGHT_BITS + MARTLET_VISION_SAMPLE_BITS)
    }
    let step = layout.channels == 3 ? columns : 0
    placement.store(row: output, values, values + step, values + 2 * step, into: target)
  }

  // MARK: - Shapes

  private static func placement(
    of picture: PictureShape, policy: ResizePolicy, shorterSide: Int, width: Int, height: Int, channels: Int
  ) -> TargetPlacement {
    TargetPlacement(
      width: picture.width, height: picture.height, orientation: picture.orientation, policy: policy,
      shorterSide: shorterSide, targetWidth: width, targetHeight: height, channels: channels)
  }
}
