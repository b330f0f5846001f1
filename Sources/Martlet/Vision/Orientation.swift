/// How a stored picture is turned for display: EXIF tag 0x0112, with its values.
public enum Orientation: UInt8, BitwiseCopyable, Sendable {
  case upright = 1
  case mirrored = 2
  case upsideDown = 3
  case flipped = 4
  case transposed = 5
  /// Display turns the stored picture clockwise by 90 degrees.
  case turnedRight = 6
  case transversed = 7
  /// Display turns the stored picture counter-clockwise by 90 degrees.
  case turnedLeft = 8

  /// Rows of the stored picture are columns of the displayed one.
  public var swapsAxes: Bool { rawValue >= 5 }
  /// The stored x axis runs against the displayed axis that it lies on.
  public var reversesX: Bool { self == .mirrored || self == .upsideDown || self == .transversed || self == .turnedLeft }
  /// The stored y axis runs against the displayed axis that it lies on.
  public var reversesY: Bool {
    self == .upsideDown || self == .flipped || self == .turnedRight || self == .transversed
  }
}
