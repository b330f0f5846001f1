extension FrameResizer {
  /// In how many eighths of its size, 1, 2, 4 or 8, a JPEG frame may be decoded: the least from which the filter still
  /// does not enlarge; 8 if it enlarges the full size. (The others would do too, but libjpeg's transforms for them are
  /// so much slower that 3 eighths take longer than 4, and 5 to 7 longer than 8.)
  public static func leastEighths(
    of frame: FrameShape, policy: ResizePolicy, shorterSide: Int = 0, width: Int, height: Int
  ) -> Int {
    let placement = placement(
      of: frame, policy: policy, shorterSide: shorterSide, width: width, height: height, channels: 1)
    let (columns, rows) = (placement.columns, placement.rows)
    var eighths: Int64 = 1
    while eighths < 8 && (columns.length * eighths < 8 * columns.count || rows.length * eighths < 8 * rows.count) {
      eighths *= 2
    }
    return Int(eighths)
  }

  /// A limit of `byteCount` over every frame whose rows do not become luma first: not red, green, blue for a target of
  /// one channel, and not luma in words.
  public static func byteCountLimit(width: Int, height: Int) -> Int {
    // Per column or row of the frame at most 26 bytes for tables and pointers, 30 for samples; per one of the target 64
    // for tables and their padding, 20 for first taps and values.
    56 * ResizeGeometry.maxSide + 84 * max(width, height) + 4096
  }
}

extension PixelBox {
  /// The box in a picture of `eighths` / 8 of the size, grown to whole pixels.
  public func scaled(byEighths eighths: Int) -> PixelBox {
    let (left, top) = (x * eighths / 8, y * eighths / 8)
    let (right, bottom) = (((x + width) * eighths + 7) / 8, ((y + height) * eighths + 7) / 8)
    return PixelBox(x: left, y: top, width: right - left, height: bottom - top)
  }
}
