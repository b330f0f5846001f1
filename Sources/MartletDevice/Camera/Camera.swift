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
    let failure = path.withPath { martlet_camera_query(&raw, $0, &info) }
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

  /// The control after the one with that number, 0 for the first; without its value.
  public func control(after id: UInt32) -> martlet_camera_control? {
    var (raw, control) = (raw, martlet_camera_control())
    return martlet_camera_control_after(&raw, id, &control) == 0 ? control : nil
  }

  /// With the value that it has now: asking a camera takes time.
  public func read(_ control: martlet_camera_control) -> martlet_camera_control {
    var (raw, control) = (raw, control)
    martlet_camera_read_control(&raw, &control)
    return control
  }

  // MARK: Setting up

  /// Sets a control by its name, as v4l2-ctl writes it.
  public mutating func set(control name: String, to value: Int) throws(CameraError) {
    var id: UInt32 = 0
    while let control = control(after: id) {
      id = control.id
      guard FixedText.string(control.name).isSame(as: name) else { continue }
      let range = Int(control.minimum)...Int(max(control.minimum, control.maximum))
      guard range.contains(value) else {
        throw CameraError(
          .control, path, detail: "control \(name): \(value) is not from \(range.lowerBound) to \(range.upperBound)")
      }
      let code = martlet_camera_set_control(&raw, id, Int32(value))
      guard code != 0 else { return }
      throw CameraError(
        .control, path,
        detail: "control \(name): cannot be set to \(value): " + String(cString: martlet_error_text(code)))
    }
    throw CameraError(.control, path, detail: "has no control \(name); v4l2-ctl -l lists what it has")
  }

  /// Asks for a format; nil parts stay as they are. What the driver makes of it is in `format`.
  mutating func setFormat(_ choice: CameraFormat) throws(CameraError) {
    let code = martlet_camera_set_format(
      &raw, choice.fourcc?.code ?? 0, Int32(choice.width), Int32(choice.height), UInt32(choice.rate), 1)
    if code != 0 { throw CameraError(code: code, path) }
  }

  mutating func start() throws(CameraError) {
    let code = martlet_camera_start(&raw)
    if code != 0 { throw CameraError(code: code, path) }
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
