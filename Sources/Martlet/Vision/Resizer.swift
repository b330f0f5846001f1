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
  private let layout: ResizerLayout
  private let region: UnsafeMutableRawPointer
  /// In stored axes.
  private let source: PixelBox
  /// Of the pixel that the first stored row and column give, and from one column, one row, to the next.
  private let origin: Int
  private let columnStep: Int
  private let rowStep: Int

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
    let geometry = ResizeGeometry(
      width: picture.displayedWidth, height: picture.displayedHeight, targetWidth: width, targetHeight: height,
      policy: policy, shorterSide: shorterSide)
    return layout(of: picture, geometry: geometry, channels: channels).byteCount
  }

  /// A limit of `byteCount` over every picture at most `pictureWidth` columns wide, as stored.
  public static func byteCountLimit(pictureWidth: Int, width: Int, height: Int, channels: Int) -> Int {
    // Per source column: two byte rows, two sums, a plane and its padding, the column's share of all taps (2 + 2).
    // Per target column: padding taps, first tap, pixels.
    let longer = max(width, height)
    return pictureWidth * (14 * channels + 4) + longer * (24 + channels) + 16 * channels + 9 * 64
  }

  /// - Parameter region: 64-byte aligned, at least `byteCount` bytes; in use until the resizer ends.
  public init(
    picture: PictureShape, policy: ResizePolicy, shorterSide: Int = 0, target: PictureTarget,
    region: UnsafeMutableRawBufferPointer
  ) {
    precondition(target.channels == 1 || target.channels == 3)
    precondition(Self.isSide(picture.width) && Self.isSide(picture.height))
    precondition(Self.isSide(target.width) && Self.isSide(target.height))
    let geometry = ResizeGeometry(
      width: picture.displayedWidth, height: picture.displayedHeight, targetWidth: target.width,
      targetHeight: target.height, policy: policy, shorterSide: shorterSide)
    layout = Self.layout(of: picture, geometry: geometry, channels: target.channels)
    precondition(region.count >= layout.byteCount && UInt(bitPattern: region.baseAddress) % 64 == 0)
    self.region = region.baseAddress!
    self.target = target
    format = picture.format
    source = Self.stored(geometry.source, of: picture)

    let box = geometry.target
    let orientation = picture.orientation
    let swaps = orientation.swapsAxes
    let xIsReversed = swaps ? orientation.reversesY : orientation.reversesX
    let yIsReversed = swaps ? orientation.reversesX : orientation.reversesY
    let x = box.x + (xIsReversed ? box.width - 1 : 0)
    let y = box.y + (yIsReversed ? box.height - 1 : 0)
    let xStep = (xIsReversed ? -1 : 1) * target.channels
    let yStep = (yIsReversed ? -1 : 1) * target.channels * target.width
    origin = (y * target.width + x) * target.channels
    columnStep = swaps ? yStep : xStep
    rowStep = swaps ? xStep : yStep

    fillAround(box)
    fillColumnWeights()
  }

  /// Every output row is stored; further rows change nothing.
  public var isComplete: Bool { nextOutput == layout.rows.count }

  /// Takes the next row of the stored picture: width * bytes per pixel bytes.
  public mutating func push(row: UnsafePointer<UInt8>) {
    let y = rowsPushed - source.y
    rowsPushed += 1
    guard y >= 0 && y < source.height && !isComplete else { return }
    let used = row + source.x * Int(format.rawValue)
    var samples = used
    if Int(format.rawValue) != layout.channels {
      let unpacked = (region + layout.row).assumingMemoryBound(to: UInt8.self)
      martlet_vision_unpack(
        unpacked, used, Int32(source.width), martlet_row_format(UInt32(format.rawValue)), Int32(layout.channels))
      samples = UnsafePointer(unpacked)
    }
    if layout.rows.length >= layout.rows.count {
      shrink(samples, at: y)
    } else {
      enlarge(samples, at: y)
    }
  }

  // MARK: - Down the rows

  /// A source row takes part in at most two output rows, since their centres are one filter reach apart.
  private mutating func shrink(_ samples: UnsafePointer<UInt8>, at y: Int) {
    let count = Int32(source.width * layout.channels)
    var output = nextOutput
    while output < Int(layout.rows.count) {
      let range = layout.rows.range(of: output)
      guard range.lowerBound <= y else { break }
      let isEven = output & 1 == 0
      var state = isEven ? progress.0 : progress.1
      let sums = (region + (isEven ? layout.sums.0 : layout.sums.1)).assumingMemoryBound(to: Int32.self)
      let isFirst = range.lowerBound == y
      if isFirst { state = RowProgress(total: layout.rows.total(of: output)) }
      let before = FilterAxis.share(state.prefix, of: state.total)
      state.prefix += layout.rows.rawWeight(of: output, at: y)
      let weight = Int32(FilterAxis.share(state.prefix, of: state.total) - before)
      if isFirst {
        martlet_vision_weigh(sums, samples, count, weight)
      } else {
        martlet_vision_weigh_more(sums, samples, count, weight)
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
    let count = Int32(source.width * layout.channels)
    let previous = (region + layout.previous).assumingMemoryBound(to: UInt8.self)
    let sums = (region + layout.sums.0).assumingMemoryBound(to: Int32.self)
    while nextOutput < Int(layout.rows.count) {
      let range = layout.rows.range(of: nextOutput)
      guard range.upperBound == y + 1 else { break }
      let last = layout.rows.rawWeight(of: nextOutput, at: y)
      let total = layout.rows.total(of: nextOutput)
      let share = Int32(FilterAxis.share(total - last, of: total))
      martlet_vision_weigh(sums, samples, count, Int32(FilterAxis.one) - share)
      if share > 0 { martlet_vision_weigh_more(sums, previous, count, share) }
      store(nextOutput, UnsafePointer(sums))
      nextOutput += 1
    }
    previous.update(from: samples, count: Int(count))
  }

  // MARK: - Along the columns

  private func store(_ output: Int, _ sums: UnsafePointer<Int32>) {
    let planes = (region + layout.planes).assumingMemoryBound(to: Int16.self)
    let pixels = (region + layout.pixels).assumingMemoryBound(to: UInt8.self)
    let (channels, columns) = (Int32(layout.channels), Int32(layout.columns.count))
    martlet_vision_separate(planes, Int32(layout.stride), sums, Int32(source.width), channels)
    martlet_vision_columns(
      pixels, planes, Int32(layout.stride), channels, (region + layout.first).assumingMemoryBound(to: Int32.self),
      (region + layout.weights).assumingMemoryBound(to: Int16.self), Int32(layout.taps), columns)
    martlet_vision_store(
      target.values + origin + output * rowStep, columnStep, Int32(target.channels), pixels, channels, columns,
      target.table, target.isBlueFirst ? 1 : 0)
  }

  private func fillColumnWeights() {
    let first = (region + layout.first).assumingMemoryBound(to: Int32.self)
    let weights = (region + layout.weights).assumingMemoryBound(to: Int16.self)
    for output in 0..<Int(layout.columns.count) {
      let range = layout.columns.range(of: output)
      let total = layout.columns.total(of: output)
      first[output] = Int32(range.lowerBound)
      let taps = weights + output * layout.taps
      taps.update(repeating: 0, count: layout.taps)
      var (prefix, before): (Int64, Int64) = (0, 0)
      for source in range {
        prefix += layout.columns.rawWeight(of: output, at: source)
        let share = FilterAxis.share(prefix, of: total)
        taps[source - range.lowerBound] = Int16(share - before)
        before = share
      }
    }
    // The padding taps read past the row; their weight is 0, but what they read must exist.
    (region + layout.planes).assumingMemoryBound(to: Int16.self).update(
      repeating: 0, count: layout.stride * layout.channels)
  }

  /// Mid-grey wherever the picture does not go.
  private func fillAround(_ box: PixelBox) {
    guard box.width < target.width || box.height < target.height else { return }
    for pixel in 0..<target.width * target.height {
      for channel in 0..<target.channels {
        let colour = target.isBlueFirst && target.channels == 3 ? 2 - channel : channel
        target.values[pixel * target.channels + channel] = target.table[colour * 256 + Int(MARTLET_VISION_MID_GREY)]
      }
    }
  }

  // MARK: - Shapes

  private static func isSide(_ side: Int) -> Bool { side >= 1 && side <= ResizeGeometry.maxSide }

  private static func layout(of picture: PictureShape, geometry: ResizeGeometry, channels: Int) -> ResizerLayout {
    let (source, target) = (geometry.source, geometry.target)
    let swaps = picture.orientation.swapsAxes
    return ResizerLayout(
      channels: picture.format.isGrey ? 1 : channels, sourceWidth: swaps ? source.height : source.width,
      sourceHeight: swaps ? source.width : source.height, targetWidth: swaps ? target.height : target.width,
      targetHeight: swaps ? target.width : target.height)
  }

  /// A box of the displayed picture in stored axes.
  private static func stored(_ box: PixelBox, of picture: PictureShape) -> PixelBox {
    let orientation = picture.orientation
    var result = box
    if orientation.swapsAxes { result = PixelBox(x: box.y, y: box.x, width: box.height, height: box.width) }
    if orientation.reversesX { result.x = picture.width - result.x - result.width }
    if orientation.reversesY { result.y = picture.height - result.y - result.height }
    return result
  }
}
