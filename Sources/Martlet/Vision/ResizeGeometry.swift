/// A rectangle of whole pixels.
public struct PixelBox: BitwiseCopyable, Equatable, Sendable {
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int

  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}

/// Which part of the picture goes to which part of the target.
///
/// Computed in displayed axes, in whole pixels; divisions of sizes round half up, those of margins down:
/// - stretch: everything to everything;
/// - crop: all of the shorter side (relative to the target), and of the other one
///   `round(side * target ratio)`, at least 1, in the middle; with `shorterSide`, of that the share
///   `shorter target side / shorterSide` in the middle: as if the picture's shorter side were first scaled to
///   `shorterSide` pixels and the target's size then cut out;
/// - letterbox: everything, to a middle part of the target that has the picture's ratio in the same way.
public struct ResizeGeometry: BitwiseCopyable, Equatable, Sendable {
  /// The largest side of a picture or a target.
  public static let maxSide = 32768

  /// The part of the picture that is used, in displayed axes.
  public var source: PixelBox
  /// Where it goes in the target; what lies around it is mid-grey.
  public var target: PixelBox

  /// All sizes lie in 1...maxSide; `width` and `height` are those of the displayed picture.
  ///
  /// - Parameter shorterSide: 0, or at least the target's shorter side; of meaning to `crop` alone.
  public init(
    width: Int, height: Int, targetWidth: Int, targetHeight: Int, policy: ResizePolicy, shorterSide: Int = 0
  ) {
    source = PixelBox(x: 0, y: 0, width: width, height: height)
    target = PixelBox(x: 0, y: 0, width: targetWidth, height: targetHeight)
    let isWider = width * targetHeight > height * targetWidth
    switch policy {
    case .stretch: break
    case .crop:
      if isWider {
        source.width = Self.scaled(height, by: targetWidth, over: targetHeight, limit: width)
      } else {
        source.height = Self.scaled(width, by: targetHeight, over: targetWidth, limit: height)
      }
      if shorterSide > 0 {
        let shorter = min(targetWidth, targetHeight)
        source.width = Self.scaled(source.width, by: shorter, over: shorterSide, limit: source.width)
        source.height = Self.scaled(source.height, by: shorter, over: shorterSide, limit: source.height)
      }
      source.x = (width - source.width) / 2
      source.y = (height - source.height) / 2
    case .letterbox:
      if isWider {
        target.height = Self.scaled(height, by: targetWidth, over: width, limit: targetHeight)
      } else {
        target.width = Self.scaled(width, by: targetHeight, over: height, limit: targetWidth)
      }
      target.x = (targetWidth - target.width) / 2
      target.y = (targetHeight - target.height) / 2
    }
  }

  /// `side * a / b`, rounded half up, within 1...limit.
  private static func scaled(_ side: Int, by a: Int, over b: Int, limit: Int) -> Int {
    min(max((2 * side * a + b) / (2 * b), 1), limit)
  }
}
