extension FrameResizer {
  /// The least number of eighths, 1...8, that a frame may be decoded in so that the filter does not enlarge what it would
  /// not enlarge anyway; 8 if it enlarges.
  public static func leastEighths(
    of frame: FrameShape, policy: ResizePolicy, shorterSide: Int = 0, width: Int, height: Int
  ) -> Int {
    let placement = placement(
      of: frame, policy: policy, shorterSide: shorterSide, width: width, height: height, channels: 1)
    let (columns, rows) = (placement.columns, placement.rows)
    for eighths in 1..<8 {
      let share = Int64(eighths)
      if columns.length * share >= 8 * columns.count && rows.length * share >= 8 * rows.count { return eighths }
    }
    return 8
  }

  /// A limit of `byteCount` over every frame that is not red, green, blue for a target of one channel.
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
