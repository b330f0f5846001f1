import CMartletKernels

/// Where the rows and columns of a stored picture go in a target: what both resizers share besides the filter.
struct TargetPlacement: BitwiseCopyable {
  /// The part of the picture that is used, in stored axes.
  let source: PixelBox
  /// Its columns and rows in the target, in stored axes.
  let columns: FilterAxis
  let rows: FilterAxis

  // Of the value that the first stored row and column give, and from one column, one row, to the next.
  private let origin: Int
  private let columnStep: Int
  private let rowStep: Int
  private let box: PixelBox

  /// For a picture of `width` columns and `height` rows as stored.
  init(
    width: Int, height: Int, orientation: Orientation, policy: ResizePolicy, shorterSide: Int, targetWidth: Int,
    targetHeight: Int, channels: Int
  ) {
    let swaps = orientation.swapsAxes
    let geometry = ResizeGeometry(
      width: swaps ? height : width, height: swaps ? width : height, targetWidth: targetWidth,
      targetHeight: targetHeight, policy: policy, shorterSide: shorterSide)
    var source = geometry.source
    if swaps { source = PixelBox(x: source.y, y: source.x, width: source.height, height: source.width) }
    if orientation.reversesX { source.x = width - source.x - source.width }
    if orientation.reversesY { source.y = height - source.y - source.height }
    self.source = source

    box = geometry.target
    columns = FilterAxis(length: source.width, count: swaps ? box.height : box.width)
    rows = FilterAxis(length: source.height, count: swaps ? box.width : box.height)
    let xIsReversed = swaps ? orientation.reversesY : orientation.reversesX
    let yIsReversed = swaps ? orientation.reversesX : orientation.reversesY
    let x = box.x + (xIsReversed ? box.width - 1 : 0)
    let y = box.y + (yIsReversed ? box.height - 1 : 0)
    let xStep = (xIsReversed ? -1 : 1) * channels
    let yStep = (yIsReversed ? -1 : 1) * channels * targetWidth
    origin = (y * targetWidth + x) * channels
    columnStep = swaps ? yStep : xStep
    rowStep = swaps ? xStep : yStep
  }

  /// Mid-grey wherever the picture does not go.
  func fillAround(_ target: PictureTarget) {
    guard box.width < target.width || box.height < target.height else { return }
    for y in 0..<target.height {
      let isInside = y >= box.y && y < box.y + box.height
      let gap = isInside ? box.x..<box.x + box.width : target.width..<target.width
      for x in 0..<gap.lowerBound { fill(target, x, y) }
      for x in gap.upperBound..<target.width { fill(target, x, y) }
    }
  }

  private func fill(_ target: PictureTarget, _ x: Int, _ y: Int) {
    let pixel = target.values + (y * target.width + x) * target.channels
    for channel in 0..<target.channels {
      let colour = target.isBlueFirst && target.channels == 3 ? 2 - channel : channel
      pixel[channel] = target.table[colour * 256 + Int(MARTLET_VISION_MID_GREY)]
    }
  }

  /// Quantizes an output row of values 0...255; red is luma if that is all there is.
  func store(
    row: Int, _ red: UnsafePointer<Int16>, _ green: UnsafePointer<Int16>, _ blue: UnsafePointer<Int16>,
    into target: PictureTarget
  ) {
    martlet_vision_store(
      target.values + origin + row * rowStep, columnStep, Int32(target.channels), red, green, blue,
      Int32(columns.count), target.table, target.isBlueFirst ? 1 : 0)
  }

  static func isSide(_ side: Int) -> Bool { side >= 1 && side <= ResizeGeometry.maxSide }
}

/// Divides a region into parts at multiples of 64 bytes.
struct RegionTape {
  var used = 0

  mutating func carve(_ bytes: Int) -> Int {
    defer { used += (bytes + 63) & ~63 }
    return used
  }
}
