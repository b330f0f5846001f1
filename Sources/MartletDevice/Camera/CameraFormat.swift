import CMartletLinux

/// What is asked of a camera; parts that are nil or 0 are left open.
public struct CameraFormat: Sendable {
  public var fourcc: FourCC?
  public var width: Int
  public var height: Int
  /// Frames per second.
  public var rate: Int

  public init(fourcc: FourCC? = nil, width: Int = 0, height: Int = 0, rate: Int = 0) {
    self.fourcc = fourcc
    self.width = width
    self.height = height
    self.rate = rate
  }
}

extension Camera {
  /// The rate that a camera is asked for where nobody says one: what most of them can do.
  static let usualRate = 30

  /// Completes a wish by what makes the least work, and sets it.
  ///
  /// Of the formats and sizes that fit the wish and are at least as large as the model's input, the one with the least
  /// work for a frame; if none is so large, the largest. The rate is the highest up to the one asked for.
  ///
  /// - Parameters:
  ///   - targetWidth: columns that the model takes, in the axes of the stored frame; likewise `targetHeight`.
  mutating func choose(
    _ wish: CameraFormat, targetWidth: Int, targetHeight: Int, wantsColour: Bool
  ) throws(CameraError) {
    var best: CameraFormat?
    var bestRank = (isLarge: false, work: Int.max)
    var index = 0
    while let pixels = pixels(index), index < 128 {
      index += 1
      let fourcc = FourCC(code: pixels.fourcc)
      if let asked = wish.fourcc, asked != fourcc { continue }
      let work = PixelFormat.of(fourcc).work(wantsColour: wantsColour)
      var sizeIndex = 0
      while let sizes = sizes(fourcc, sizeIndex), sizeIndex < 128 {
        sizeIndex += 1
        guard let (width, height) = Self.size(in: sizes, wish, targetWidth, targetHeight) else { continue }
        let isLarge = width >= targetWidth && height >= targetHeight
        let area = width * height
        let rank = (isLarge: isLarge, work: isLarge ? area * work : -area)
        let isBetter = rank.isLarge == bestRank.isLarge ? rank.work < bestRank.work : rank.isLarge
        guard isBetter || best == nil else { continue }
        bestRank = rank
        best = CameraFormat(fourcc: fourcc, width: width, height: height)
      }
      // A driver without a list of sizes has one, or takes any.
      if sizeIndex == 0, best == nil { best = CameraFormat(fourcc: fourcc, width: wish.width, height: wish.height) }
    }
    guard var choice = best else { throw refusal(wish) }
    choice.rate = bestRate(choice, wish.rate)
    try setFormat(choice)
    try check(wish)
  }

  /// The size of an entry that fits: of a range, the smallest that is as large as the target.
  private static func size(
    in sizes: martlet_camera_sizes, _ wish: CameraFormat, _ targetWidth: Int, _ targetHeight: Int
  ) -> (Int, Int)? {
    let width = side(wish.width, targetWidth, Int(sizes.width), Int(sizes.max_width), Int(sizes.step_width))
    let height = side(wish.height, targetHeight, Int(sizes.height), Int(sizes.max_height), Int(sizes.step_height))
    guard let width, let height else { return nil }
    return (width, height)
  }

  private static func side(_ asked: Int, _ target: Int, _ least: Int, _ most: Int, _ step: Int) -> Int? {
    guard most >= least, least > 0, step > 0 else { return nil }
    if asked > 0 { return asked >= least && asked <= most && (asked - least) % step == 0 ? asked : nil }
    if target <= least { return least }
    let wanted = least + (target - least + step - 1) / step * step
    return min(wanted, least + (most - least) / step * step)
  }

  /// The highest rate up to `limit`, or the lowest there is; 0 if the driver lists none.
  private func bestRate(_ format: CameraFormat, _ limit: Int) -> Int {
    guard let fourcc = format.fourcc else { return limit }
    let limit = limit > 0 ? limit : Self.usualRate
    var (below, above) = (0, Int.max)
    var index = 0
    while let rate = rate(fourcc, width: format.width, height: format.height, index), index < 64 {
      index += 1
      let frames = Int(rate.frames) / max(1, Int(rate.seconds))
      if rate.is_range && frames >= limit { return limit }
      if frames <= limit { below = max(below, frames) } else { above = min(above, frames) }
    }
    return below > 0 ? below : above == Int.max ? 0 : above
  }

  /// The driver may have answered with something else.
  private func check(_ wish: CameraFormat) throws(CameraError) {
    let isOther =
      wish.fourcc.map { $0.code != format.fourcc } ?? false || wish.width > 0 && wish.width != Int(format.width)
      || wish.height > 0 && wish.height != Int(format.height)
    if isOther { throw refusal(wish) }
  }

  /// What it cannot do, and what it can.
  private func refusal(_ wish: CameraFormat) -> CameraError {
    var text = "it has no"
    if let fourcc = wish.fourcc { text.add(" " + fourcc.text) }
    if wish.width > 0 { text.add(" \(wish.width)x\(wish.height)") }
    if wish.fourcc == nil && wish.width == 0 { text.add(" format at all") }
    text.add("; it has")
    var index = 0
    while let pixels = pixels(index), index < 16 {
      index += 1
      text.add(index == 1 ? " " : ", ")
      text.add(FourCC(code: pixels.fourcc).text)
    }
    return CameraError(.refused, path, detail: index > 0 ? text : "it lists no format")
  }
}
