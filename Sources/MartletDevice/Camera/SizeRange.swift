import CMartletLinux

/// The sizes of an entry of a driver's list: one, or all from a least to a most in steps.
struct SizeRange: BitwiseCopyable {
  struct Side: BitwiseCopyable {
    let least: Int
    let most: Int
    let step: Int

    init(_ least: Int32, _ most: Int32, _ step: Int32) {
      self.least = Int(least)
      self.step = Int(step)
      // What is above the last whole step cannot be had.
      self.most = least > 0 && most >= least && step > 0 ? Int(least + (most - least) / step * step) : 0
    }

    var isValid: Bool { most > 0 }

    /// That which is asked for, the least for 0; nil: it cannot be had.
    func fitting(_ asked: Int) -> Int? {
      guard isValid else { return nil }
      if asked == 0 { return least }
      return asked >= least && asked <= most && (asked - least) % step == 0 ? asked : nil
    }

    /// The least that is as large as `wanted`, or the most.
    func covering(_ wanted: Int) -> Int {
      wanted <= least ? least : min(most, least + (min(wanted, most) - least + step - 1) / step * step)
    }

    /// The most that is no larger than `wanted`, or the least.
    func within(_ wanted: Int) -> Int {
      wanted <= least ? least : least + (min(wanted, most) - least) / step * step
    }
  }

  let columns: Side
  let rows: Side

  init(_ sizes: martlet_camera_sizes) {
    columns = Side(sizes.width, sizes.max_width, sizes.step_width)
    rows = Side(sizes.height, sizes.max_height, sizes.step_height)
  }

  var isValid: Bool { columns.isValid && rows.isValid }
  var isOne: Bool { columns.least == columns.most && rows.least == rows.most }

  /// The size to ask for so that all of a picture is seen: its own; of one with more than `mostPixels` the least in its
  /// shape that covers the target and has `usualSide` columns and rows.
  func showing(
    _ whole: (width: Int, height: Int), mostPixels: Int, usualSide: Int, _ targetWidth: Int, _ targetHeight: Int
  ) -> (Int, Int) {
    guard whole.width * whole.height > mostPixels else {
      return (columns.within(whole.width), rows.within(whole.height))
    }
    // The largest of the factors, as a fraction; never above 1.
    var (over, under) = (usualSide, min(whole.width, whole.height))
    if targetWidth * under > whole.width * over { (over, under) = (targetWidth, whole.width) }
    if targetHeight * under > whole.height * over { (over, under) = (targetHeight, whole.height) }
    if over > under { (over, under) = (1, 1) }
    return (
      columns.covering((whole.width * over + under - 1) / under),
      rows.covering((whole.height * over + under - 1) / under)
    )
  }
}
