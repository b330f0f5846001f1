/// A camera's frame: how its bytes are pixels, and which of them are meant.
public struct FrameShape: BitwiseCopyable, Equatable, Sendable {
  /// Columns and rows as stored, 1...32768 each.
  public var width: Int
  public var height: Int
  public var layout: PixelLayout
  /// Bytes from one line of the first plane to the next, at least `leastStride`. Further planes follow in the same
  /// buffer as V4L2 has it for its single-planar formats: right behind `height` lines of the one before, with the same
  /// stride (NV12, NV21, `yuv444p`) or half of it (YU12, `yuv422p`); chroma planes of 4:2:0 have half the lines, rounded
  /// up.
  public var stride: Int
  /// What Y, Cb and Cr mean; of no meaning to layouts without them.
  public var matrix: ColourMatrix
  /// Y is 0...255 and not 16...235, Cb and Cr likewise; of no meaning to red, green, blue, which always are 0...255.
  public var isFullRange: Bool
  public var orientation: Orientation
  /// The part of the stored frame that counts as the picture; all of it if nil.
  public var region: PixelBox?

  public init(
    width: Int, height: Int, layout: PixelLayout, stride: Int, matrix: ColourMatrix = .bt601, isFullRange: Bool = false,
    orientation: Orientation = .upright, region: PixelBox? = nil
  ) {
    self.width = width
    self.height = height
    self.layout = layout
    self.stride = stride
    self.matrix = matrix
    self.isFullRange = isFullRange
    self.orientation = orientation
    self.region = region
  }

  /// The region, or the whole frame.
  public var usedBox: PixelBox { region ?? PixelBox(x: 0, y: 0, width: width, height: height) }

  /// The least stride that holds a line of `width` pixels.
  public static func leastStride(width: Int, layout: PixelLayout) -> Int {
    let even = (width + 1) & ~1
    return switch layout {
    case .grey, .yuv444p: width
    case .yuyv, .uyvy: 2 * even
    case .nv12, .nv21, .yu12, .yuv422p: even
    case .rgb24, .bgr24, .rgbx, .bgrx: layout.rgbStep * width
    }
  }

  /// Sides, stride and region are possible: what a resizer demands.
  public var isValid: Bool {
    let box = usedBox
    return TargetPlacement.isSide(width) && TargetPlacement.isSide(height)
      && stride >= Self.leastStride(width: width, layout: layout) && stride <= Self.maxStride
      && box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1 && box.x < width && box.y < height
      && box.width <= width - box.x && box.height <= height - box.y
  }

  private static let maxStride = 1 << 24

  /// Bytes from the frame's first to its last, without what pads the last line: a buffer with fewer is not whole.
  public var byteCount: Int {
    if !layout.isYCbCr || layout.isPackedYCbCr {
      return stride * (height - 1) + Self.leastStride(width: width, layout: layout)
    }
    let columns = (width + layout.chromaColumnShift) >> layout.chromaColumnShift
    let line = layout.hasChromaPairs ? 2 * columns : columns
    let lastPlane = layout.hasChromaPairs ? 1 : 2
    return offset(ofPlane: lastPlane) + chromaStride * (chromaHeight - 1) + line
  }

  var chromaHeight: Int { (height + layout.chromaRowShift) >> layout.chromaRowShift }
  var chromaStride: Int { layout == .yu12 || layout == .yuv422p ? stride / 2 : stride }

  /// Of plane 0, 1 or 2.
  func offset(ofPlane plane: Int) -> Int {
    plane == 0 ? 0 : stride * height + (plane - 1) * chromaStride * chromaHeight
  }
}
