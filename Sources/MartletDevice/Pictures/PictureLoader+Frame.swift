import Martlet

extension PictureLoader {
  /// What the tables of a frame resizer were made for.
  struct FrameKey: Equatable {
    var shape: FrameShape
    var policy: ResizePolicy
    var shorterSide: Int
    var isBlueFirst: Bool
    /// Addresses, only compared: whether the target is still the same.
    var values: UInt
    var table: UInt
  }

  /// Fills the engine's first input from a camera's JPEG frame in memory.
  ///
  /// - Parameter policy: the model's own if nil.
  public mutating func load(
    frame: UnsafeRawBufferPointer, into engine: borrowing Engine, policy: ResizePolicy? = nil, region: PixelBox? = nil,
    orientation: Orientation = .upright
  ) throws(PictureError) {
    let own = ResizePolicy(rawValue: engine.manifest.resizePolicy) ?? .stretch
    try load(
      frame: frame, into: try engine.pictureTarget(), policy: policy ?? own,
      shorterSide: Int(engine.manifest.shorterSide), region: region, orientation: orientation)
  }

  /// Fills a target of the loader's sizes from a camera's JPEG frame in memory: decoded in the least size from which
  /// the filter does not enlarge, to Y, Cb and Cr, which `FrameResizer` takes. After an error the target's values mean
  /// nothing.
  ///
  /// The same frame as a file gives slightly other pixels, since a file is decoded in full. An EXIF orientation does
  /// not count: a camera's `orientation` is how it is mounted.
  ///
  /// - Parameters:
  ///   - region: in full pixels of the stored frame; where those are decoded smaller, it grows to whole ones. So does
  ///     the frame, where its sides do not divide: by less than a pixel of the target.
  ///   - eighths: of the full size to decode in, if it is not to be the least.
  public mutating func load(
    frame: UnsafeRawBufferPointer, into target: PictureTarget, policy: ResizePolicy, shorterSide: Int = 0,
    region: PixelBox? = nil, orientation: Orientation = .upright, eighths: Int? = nil
  ) throws(PictureError) {
    precondition(target.width == width && target.height == height && target.channels == channels)
    let size = try reader.open(frame: frame)
    defer { reader.close() }
    let full = FrameShape(
      width: size.width, height: size.height, layout: .grey, stride: size.width, orientation: orientation,
      region: region)
    guard full.isValid else { throw PictureError(.regionOutside) }
    let scale =
      eighths
      ?? FrameResizer.leastEighths(
        of: full, policy: policy, shorterSide: shorterSide, width: width, height: height)
    let decoded = try reader.readFrame(eighths: scale, lumaOnly: channels == 1)
    var shape = decoded.shape
    shape.orientation = orientation
    shape.region = region.map { $0.scaled(byEighths: scale) }

    let key = FrameKey(
      shape: shape, policy: policy, shorterSide: shorterSide, isBlueFirst: target.isBlueFirst,
      values: UInt(bitPattern: target.values), table: UInt(bitPattern: target.table))
    if frameKey != key {
      frames = FrameResizer(
        frame: shape, policy: policy, shorterSide: shorterSide, target: target, region: frameRegion)
      frameKey = key
    }
    let isWhole = frames!.run(decoded.bytes)
    precondition(isWhole)
  }
}
