/// The pixels of a source row; the raw value is bytes per pixel.
public enum RowFormat: UInt8, BitwiseCopyable, Sendable {
  /// Luma.
  case grey = 1
  case greyAlpha = 2
  /// Red, green, blue.
  case rgb = 3
  case rgba = 4

  var isGrey: Bool { self == .grey || self == .greyAlpha }
}

/// A stored picture, before its rows come.
public struct PictureShape: BitwiseCopyable, Sendable {
  /// Columns and rows as stored, 1...32768 each.
  public var width: Int
  public var height: Int
  public var format: RowFormat
  public var orientation: Orientation

  public init(width: Int, height: Int, format: RowFormat, orientation: Orientation = .upright) {
    self.width = width
    self.height = height
    self.format = format
    self.orientation = orientation
  }

  /// Columns of the picture as displayed.
  public var displayedWidth: Int { orientation.swapsAxes ? height : width }
  public var displayedHeight: Int { orientation.swapsAxes ? width : height }
}
