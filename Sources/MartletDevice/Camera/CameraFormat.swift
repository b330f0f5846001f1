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
  /// Rows, or columns if they are fewer, that a frame should have whatever the model takes: saved frames are what the
  /// next model learns from.
  static let usualSide = 480
  /// A picture of up to so many pixels is taken as it is.
  private static let mostWhole = 1 << 20

  /// What `choose` asks for: a wish, completed by what makes the least work. Nothing is set.
  ///
  /// Of the formats that can be read and the sizes that fit the wish, cover the model's input and have 480 rows and
  /// columns, the one with the least work for a frame; if none is so large, the largest. A driver with a range of sizes
  /// is asked for its whole picture, a large one scaled down. The rate is the highest up to the one asked for.
  ///
  /// - Parameters:
  ///   - targetWidth: columns that the model takes, in the axes of the stored frame; likewise `targetHeight`.
  public func choice(
    _ wish: CameraFormat, targetWidth: Int, targetHeight: Int, wantsColour: Bool
  ) throws(CameraError) -> CameraFormat {
    var survey = FormatSurvey()
    return try choice(wish, targetWidth, targetHeight, wantsColour, &survey)
  }

  /// Completes a wish, and sets it.
  mutating func choose(
    _ wish: CameraFormat, targetWidth: Int, targetHeight: Int, wantsColour: Bool
  ) throws(CameraError) {
    var survey = FormatSurvey()
    var choice = try choice(wish, targetWidth, targetHeight, wantsColour, &survey)
    try setFormat(choice)
    if isCropped, wish.width == 0, let whole = wholeSize, whole.width > choice.width || whole.height > choice.height {
      // It does not scale: less than its whole picture is a part of it.
      (choice.width, choice.height) = whole
      try setFormat(choice)
    }
    // The driver may have answered with something else.
    let isOther =
      wish.fourcc.map { $0.code != format.fourcc } ?? false || wish.width > 0 && wish.width != Int(format.width)
      || wish.height > 0 && wish.height != Int(format.height)
    if isOther { throw survey.refusal(of: wish, path) }
  }

  private func choice(
    _ wish: CameraFormat, _ targetWidth: Int, _ targetHeight: Int, _ wantsColour: Bool, _ survey: inout FormatSurvey
  ) throws(CameraError) -> CameraFormat {
    var converters = Converters()
    var best: CameraFormat?
    var bestRank = (isLarge: false, work: Int.max)
    let whole = wholeSize
    // libv4l is asked only where nothing that is read without it will do.
    for isConverted in [false, true] {
      if bestRank.isLarge, isRead(best!, wantsColour) { break }
      var index = 0
      while let pixels = pixels(index), index < 128 {
        index += 1
        let fourcc = FourCC(code: pixels.fourcc)
        let isAsked = wish.fourcc == nil || wish.fourcc == fourcc
        let format = PixelFormat.of(fourcc)
        guard isConverted == (format.reading == .converted), isAsked || !isConverted else { continue }
        let isReadable = converters.canRead(fourcc, of: self)
        survey.add(fourcc, pixels, isReadable: isReadable)
        guard isAsked, isReadable else { continue }
        let work = format.work(wantsColour: wantsColour)
        var sizeIndex = 0
        while let sizes = sizes(fourcc, sizeIndex), sizeIndex < 128 {
          sizeIndex += 1
          guard let (width, height) = size(in: SizeRange(sizes), wish, whole, targetWidth, targetHeight) else {
            continue
          }
          let isLarge = width >= targetWidth && height >= targetHeight && min(width, height) >= Self.usualSide
          let rank = (isLarge: isLarge, work: isLarge ? width * height * work : -width * height)
          let isBetter = rank.isLarge == bestRank.isLarge ? rank.work < bestRank.work : rank.isLarge
          guard isBetter || best == nil else { continue }
          bestRank = rank
          best = CameraFormat(fourcc: fourcc, width: width, height: height)
        }
        // A driver without a list of sizes has one, or takes any.
        if sizeIndex == 0, best == nil {
          let (width, height) = wish.width > 0 ? (wish.width, wish.height) : whole ?? (0, 0)
          best = CameraFormat(fourcc: fourcc, width: width, height: height)
        }
      }
    }
    if wish.fourcc == nil, survey.isSensor(self) { throw CameraError(.pipeline, path, detail: identity.driver) }
    guard var choice = best else { throw survey.refusal(wish, self, isLibraryMissing: converters.isMissing) }
    choice.rate = bestRate(choice, wish.rate)
    return choice
  }

  /// Without libv4l, and in colours if the model wants them.
  private func isRead(_ format: CameraFormat, _ wantsColour: Bool) -> Bool {
    format.fourcc.map { PixelFormat.of($0).work(wantsColour: wantsColour) < PixelFormat.convertedWork } ?? false
  }

  /// The size of an entry that fits.
  private func size(
    in range: SizeRange, _ wish: CameraFormat, _ whole: (width: Int, height: Int)?, _ targetWidth: Int,
    _ targetHeight: Int
  ) -> (Int, Int)? {
    if wish.width == 0, wish.height == 0, range.isValid, !range.isOne {
      let most = (width: range.columns.most, height: range.rows.most)
      // A square range is a limit of the driver's and no picture's shape.
      let shape = whole ?? (most.width == most.height ? sizeNow : nil) ?? most
      return range.showing(
        shape, mostPixels: Self.mostWhole, usualSide: Self.usualSide, targetWidth, targetHeight)
    }
    guard let width = range.columns.fitting(wish.width), let height = range.rows.fitting(wish.height) else {
      return nil
    }
    return (width, height)
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
}
