/// Where a picture goes: a tensor [height, width, channels], int8.
public struct PictureTarget {
  /// 1...32768 each.
  public var width: Int
  public var height: Int
  /// 1 (luma) or 3.
  public var channels: Int
  /// Blue, green, red in place of red, green, blue.
  public var isBlueFirst: Bool
  /// height * width * channels values.
  public var values: UnsafeMutablePointer<Int8>
  /// [3, 256]: what a pixel value of red (or luma), green and blue becomes.
  public var table: UnsafePointer<Int8>

  public init(
    width: Int, height: Int, channels: Int, isBlueFirst: Bool = false, values: UnsafeMutablePointer<Int8>,
    table: UnsafePointer<Int8>
  ) {
    self.width = width
    self.height = height
    self.channels = channels
    self.isBlueFirst = isBlueFirst
    self.values = values
    self.table = table
  }
}
