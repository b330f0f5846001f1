/// A camera's frame: how its bytes are pixels, and which of them are meant.
public struct FrameShape: BitwiseCopyable, Equatable, Sendable {
  /// Columns and rows as stored, 1...32768 each.
  public var width: Int
  public var height: Int
  public var layout: PixelLayout
  /// Bytes from one line of the first plane to the next, at least `leastStride`. Further planes follow in the same
  /// buffer as V4L2 has it for its single-planar formats: right behind all lines of the one before, with so many bytes
  /// a line for as many samples; where two rows share their Cb and Cr they have half the lines, rounded up.
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
    // Columns that share Cb and Cr are stored together, also where the last one is none of the picture's.
    let columns = (width + layout.chromaColumnShift) >> layout.chromaColumnShift
    return layout.step * (columns << layout.chromaColumnShift)
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
    let columns = (width + layout.chromaColumnShift) >> layout.chromaColumnShift
    switch layout.planes {
    case .grey, .rgb, .packed: return stride * (height - 1) + Self.leastStride(width: width, layout: layout)
    case .semiPlanar: return offset(ofPlane: 1) + chromaStride * (chromaHeight - 1) + 2 * columns
    case .planar: return offset(ofPlane: 2) + chromaStride * (chromaHeight - 1) + columns
    }
  }

  private var chromaHeight: Int { (height + layout.chromaRowShift) >> layout.chromaRowShift }
  var chromaStride: Int {
    switch layout.planes {
    case .grey, .rgb, .packed: stride
    case .semiPlanar: (2 * stride) >> layout.chromaColumnShift
    case .planar: stride >> layout.chromaColumnShift
    }
  }

  /// Of plane 0, 1 or 2.
  func offset(ofPlane plane: Int) -> Int {
    plane == 0 ? 0 : stride * height + (plane - 1) * chromaStride * chromaHeight
  }

  /// Where the samples of one component lie. That of the pixel in column x and row y is at
  /// `offset + (y >> rowShift) * stride + (x >> columnShift) * step`.
  public struct Samples: BitwiseCopyable, Sendable {
    public let offset: Int
    public let stride: Int
    public let step: Int
    public let columnShift: Int
    public let rowShift: Int
    /// 0: it is a byte; else the eight bits above so many of a word of 16, whose lower byte lies there.
    public let wordShift: Int
  }

  /// - Parameter component: 0, 1, 2: red, green, blue, or Y, Cb, Cr; of grey 0 alone.
  public func samples(of component: Int) -> Samples {
    precondition(component >= 0 && component < (layout.planes == .grey ? 1 : 3))
    if component == 0 || !layout.isYCbCr {
      let first = layout.planes == .rgb && layout.isReversed ? 2 - component : component
      return Samples(
        offset: layout.isChromaFirst ? 1 : first, stride: stride, step: layout.step, columnShift: 0, rowShift: 0,
        wordShift: layout.wordShift)
    }
    // Of Cb and Cr the one that is stored first is 0.
    let place = (component == 2) != layout.isReversed ? 1 : 0
    let (offset, step) =
      switch layout.planes {
      case .grey, .rgb, .packed: ((layout.isChromaFirst ? 0 : 1) + 2 * place, 4)
      case .semiPlanar: (offset(ofPlane: 1) + place, 2)
      case .planar: (offset(ofPlane: 1 + place), 1)
      }
    return Samples(
      offset: offset, stride: chromaStride, step: step, columnShift: layout.chromaColumnShift,
      rowShift: layout.chromaRowShift, wordShift: 0)
  }
}
