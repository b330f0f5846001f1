import CMartletLinux
import Martlet

public enum PictureFormat: Sendable {
  case jpeg, png, bmp, pnm
}

/// Reads picture files row by row, one after another, in memory that it takes once.
///
/// Work memory does not grow with a picture's height, save for progressive JPEG and interlaced PNG, which are held
/// whole.
public struct PictureReader: ~Copyable {
  /// Enough for a progressive JPEG of 22 megapixels in full colour resolution, 44 in the usual halved one. Address
  /// space: only what a picture needs becomes resident.
  public static let defaultMemoryBytes = 128 << 20

  private let region: UnsafeMutableRawPointer
  private let regionBytes: Int
  private let reader: OpaquePointer

  /// - Parameter memoryBytes: for everything; the least is used if this is less.
  public init(memoryBytes: Int = PictureReader.defaultMemoryBytes) throws(PictureError) {
    let bytes = max(memoryBytes, martlet_picture_reader_minimum_bytes())
    guard let region = martlet_reserve_memory(bytes) else { throw PictureError(.outOfMemory) }
    var made: OpaquePointer?
    guard martlet_picture_reader_create(region, bytes, &made) == 0, let reader = made else {
      martlet_release_memory(region, bytes)
      throw PictureError(.outOfMemory)
    }
    self.region = region
    regionBytes = bytes
    self.reader = reader
  }

  deinit {
    martlet_picture_reader_destroy(reader)
    martlet_release_memory(region, regionBytes)
  }

  /// Opens a file and reads its header.
  public mutating func open(path: FilePath) throws(PictureError) -> PictureShape {
    try check(martlet_picture_open_file(reader, path.cString))
    return shape
  }

  /// Opens a picture in memory, which must stay there until `close`.
  public mutating func open(bytes: UnsafeRawBufferPointer) throws(PictureError) -> PictureShape {
    try check(martlet_picture_open_bytes(reader, bytes.baseAddress, bytes.count))
    return shape
  }

  /// Opens a camera's JPEG frame in memory, which must stay there until `close`; its full size. Also one without
  /// Huffman tables, which then are the standard ones. What lies behind its end does not matter.
  public mutating func open(frame: UnsafeRawBufferPointer) throws(PictureError) -> (width: Int, height: Int) {
    try check(martlet_picture_open_frame(reader, frame.baseAddress, frame.count))
    let info = martlet_picture_info_of(reader).pointee
    return (Int(info.width), Int(info.height))
  }

  /// Decodes the open frame whole, to planes that are valid until `close`. One that is cut short or damaged is an
  /// error.
  ///
  /// - Parameters:
  ///   - eighths: 1...8: the size to decode in, of its full one, rounded up.
  ///   - lumaOnly: no Cb and Cr: the layout is `grey`.
  public mutating func readFrame(
    eighths: Int, lumaOnly: Bool
  ) throws(PictureError) -> (shape: FrameShape, bytes: UnsafeRawBufferPointer) {
    precondition(eighths >= 1 && eighths <= 8)
    var planes = martlet_picture_planes()
    try check(martlet_picture_read_frame(reader, Int32(eighths), lumaOnly, &planes))
    let layout: PixelLayout =
      switch planes.chroma.rawValue {
      case MARTLET_CHROMA_NONE.rawValue: .grey
      case MARTLET_CHROMA_444.rawValue: .planar(columnShift: 0, rowShift: 0)
      case MARTLET_CHROMA_422.rawValue: .planar(columnShift: 1, rowShift: 0)
      default: .planar(columnShift: 1, rowShift: 1)
      }
    let shape = FrameShape(
      width: Int(planes.width), height: Int(planes.height), layout: layout, stride: Int(planes.stride),
      matrix: .bt601, isFullRange: true)
    return (shape, UnsafeRawBufferPointer(start: planes.bytes, count: planes.count))
  }

  /// The next row from the top, as stored: width * bytes per pixel bytes, valid until the next call. The last one comes
  /// only if the file is whole.
  public mutating func readRow() throws(PictureError) -> UnsafeBufferPointer<UInt8> {
    var row: UnsafePointer<UInt8>?
    try check(martlet_picture_read_row(reader, &row))
    let info = martlet_picture_info_of(reader).pointee
    return UnsafeBufferPointer(start: row, count: Int(info.width) * Int(info.channels))
  }

  public mutating func close() { martlet_picture_close(reader) }

  /// Of the open picture.
  public var format: PictureFormat {
    switch martlet_picture_info_of(reader).pointee.format {
    case MARTLET_PICTURE_JPEG: .jpeg
    case MARTLET_PICTURE_PNG: .png
    case MARTLET_PICTURE_BMP: .bmp
    default: .pnm
    }
  }

  /// The most memory in use since the last open, the reader's own included.
  public var peakBytes: Int { martlet_picture_peak_bytes(reader) }

  private var shape: PictureShape {
    let info = martlet_picture_info_of(reader).pointee
    return PictureShape(
      width: Int(info.width), height: Int(info.height), format: RowFormat(rawValue: UInt8(info.channels))!,
      orientation: Orientation(rawValue: UInt8(info.orientation))!)
  }

  private func check(_ error: martlet_error) throws(PictureError) {
    guard error != 0 else { return }
    throw PictureError(martlet_picture_failure_of(reader).pointee)
  }
}
