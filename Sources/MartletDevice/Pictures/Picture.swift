import CMartletLinux
import Martlet

/// A picture in memory, as displayed: for calibration, evaluation and tests; a device loads with `PictureLoader`.
public struct Picture: Sendable {
  public let width: Int
  public let height: Int
  /// 1 (luma) or 3 (red, green, blue).
  public let channels: Int
  /// [height, width, channels].
  public let values: [UInt8]

  /// Decodes a file, turned upright, and fits it to a size by the filter that feeds the models; in its own size if none
  /// is given.
  public init(
    path: FilePath, width: Int? = nil, height: Int? = nil, channels: Int = 3, policy: ResizePolicy = .stretch,
    shorterSide: Int = 0
  ) throws(PictureError) {
    var reader = try PictureReader()
    let shape = try reader.open(path: path)
    try self.init(
      &reader, shape, width: width ?? shape.displayedWidth, height: height ?? shape.displayedHeight,
      channels: channels, policy: policy, shorterSide: shorterSide)
  }

  /// The same from a file's bytes.
  public init(
    bytes: UnsafeRawBufferPointer, width: Int? = nil, height: Int? = nil, channels: Int = 3,
    policy: ResizePolicy = .stretch, shorterSide: Int = 0
  ) throws(PictureError) {
    var reader = try PictureReader()
    let shape = try reader.open(bytes: bytes)
    try self.init(
      &reader, shape, width: width ?? shape.displayedWidth, height: height ?? shape.displayedHeight,
      channels: channels, policy: policy, shorterSide: shorterSide)
  }

  private init(
    _ reader: inout PictureReader, _ shape: PictureShape, width: Int, height: Int, channels: Int, policy: ResizePolicy,
    shorterSide: Int
  ) throws(PictureError) {
    let regionBytes = Resizer.byteCount(
      of: shape, policy: policy, shorterSide: shorterSide, width: width, height: height, channels: channels)
    let valueBytes = width * height * channels
    guard let region = martlet_reserve_memory(regionBytes) else { throw PictureError(.outOfMemory) }
    defer { martlet_release_memory(region, regionBytes) }
    guard let start = martlet_reserve_memory(valueBytes) else { throw PictureError(.outOfMemory) }
    defer { martlet_release_memory(start, valueBytes) }

    let table = [Int8]((0..<768).map { Int8(truncatingIfNeeded: $0 & 255) })
    let failure = table.withUnsafeBufferPointer { table -> PictureError? in
      let target = PictureTarget(
        width: width, height: height, channels: channels, values: start.assumingMemoryBound(to: Int8.self),
        table: table.baseAddress!)
      var resizer = Resizer(
        picture: shape, policy: policy, shorterSide: shorterSide, target: target,
        region: UnsafeMutableRawBufferPointer(start: region, count: regionBytes))
      do throws(PictureError) {
        for _ in 0..<shape.height { resizer.push(row: try reader.readRow()) }
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    self.width = width
    self.height = height
    self.channels = channels
    values = [UInt8](UnsafeRawBufferPointer(start: start, count: valueBytes))
  }
}
