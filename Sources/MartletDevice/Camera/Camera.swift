import CMartletLinux
import Martlet

/// An open V4L2 camera.
public struct Camera: ~Copyable {
  var raw = martlet_camera()
  public let path: String
  public let identity: CameraIdentity

  public init(path: String, system: CameraSystem = .kernel) throws(CameraError) {
    var raw = martlet_camera()
    let code = path.withPath { martlet_camera_open(&raw, system.tables.baseAddress, $0) }
    if code != 0 { throw CameraError(code: code, path) }
    var info = martlet_camera_info()
    let failure = martlet_camera_query(&raw, &info)
    if failure != 0 {
      martlet_camera_close(&raw)
      throw CameraError(code: failure, path)
    }
    self.raw = raw
    self.path = path
    identity = CameraIdentity(info)
  }

  deinit {
    var raw = raw
    martlet_camera_close(&raw)
  }

  /// To be polled: readable when a frame is there.
  public var descriptor: Int32 { raw.descriptor }
  /// Of the stream, after `setFormat`.
  public var format: martlet_camera_format { raw.format }
  mutating func isThere() -> Bool { martlet_camera_is_there(&raw) }

  // MARK: What it offers

  public func pixels(_ index: Int) -> martlet_camera_pixels? {
    var (raw, pixels) = (raw, martlet_camera_pixels())
    return martlet_camera_pixels_at(&raw, UInt32(index), &pixels) == 0 ? pixels : nil
  }

  public func sizes(_ fourcc: FourCC, _ index: Int) -> martlet_camera_sizes? {
    var (raw, sizes) = (raw, martlet_camera_sizes())
    return martlet_camera_sizes_at(&raw, fourcc.code, UInt32(index), &sizes) == 0 ? sizes : nil
  }

  public func rate(_ fourcc: FourCC, width: Int, height: Int, _ index: Int) -> martlet_camera_rate? {
    var (raw, rate) = (raw, martlet_camera_rate())
    let code = martlet_camera_rate_at(&raw, fourcc.code, Int32(width), Int32(height), UInt32(index), &rate)
    return code == 0 ? rate : nil
  }

  /// The size of its whole picture, as its source has it; nil: the driver does not say.
  var wholeSize: (width: Int, height: Int)? {
    var (raw, width, height) = (raw, Int32(0), Int32(0))
    return martlet_camera_whole_size(&raw, &width, &height) ? (Int(width), Int(height)) : nil
  }

  /// The size that the last program left it at.
  var sizeNow: (width: Int, height: Int)? {
    var (raw, width, height) = (raw, Int32(0), Int32(0))
    return martlet_camera_size_now(&raw, &width, &height) ? (Int(width), Int(height)) : nil
  }

  /// It is one end of a chain of devices that a program has to set up, as libcamera does.
  public var needsPipeline: Bool { raw.needs_pipeline }

  // MARK: Setting up

  /// Asks for a format; nil parts stay as they are. What the driver makes of it is in `format`.
  mutating func setFormat(_ choice: CameraFormat) throws(CameraError) {
    let code = martlet_camera_set_format(
      &raw, choice.fourcc?.code ?? 0, Int32(choice.width), Int32(choice.height), UInt32(choice.rate), 1)
    if code != 0 { throw CameraError(code: code, path) }
  }

  /// Of the format that was set: it shows a part of the picture.
  var isCropped: Bool { raw.is_cropped }

  /// Maps the buffers.
  mutating func prepare() throws(CameraError) {
    let code = martlet_camera_prepare(&raw)
    if code != 0 { throw CameraError(code: code, path) }
  }

  /// Bytes of a buffer, and whether reading it is slow: once `prepare` is done.
  var bufferCount: Int { raw.buffers.0.count }
  var isSlow: Bool { raw.is_slow }

  mutating func start() throws(CameraError) {
    let code = martlet_camera_start(&raw)
    if code != 0 { throw CameraError(code: code, path, detail: identity.driver) }
  }

  mutating func stop() { martlet_camera_stop(&raw) }

  // MARK: Frames

  /// 0: the newest frame, to be given back; or what `martlet_camera_take` returned.
  mutating func take(_ frame: inout martlet_camera_frame) -> Int32 { martlet_camera_take(&raw, &frame) }

  /// 0, or a `martlet_error`: the driver did not take it.
  mutating func giveBack(_ frame: martlet_camera_frame) -> Int32 {
    var frame = frame
    return martlet_camera_give_back(&raw, &frame)
  }
}
