import CMartletLinux
import Martlet

/// The way from a camera's buffer into a model's input, for the format that the camera has now.
///
/// All memory is taken at the start; a frame allocates nothing, unless its format goes through libv4l.
public struct FrameInput: ~Copyable {
  /// Where frames go, and how they are fitted.
  public struct Place {
    public var target: PictureTarget
    public var policy: ResizePolicy
    public var shorterSide: Int

    public init(target: PictureTarget, policy: ResizePolicy, shorterSide: Int) {
      self.target = target
      self.policy = policy
      self.shorterSide = shorterSide
    }

    /// An engine's first input.
    ///
    /// - Parameter policy: the model's own if nil.
    public init(for engine: borrowing Engine, policy: ResizePolicy?) throws(PictureError) {
      target = try engine.pictureTarget()
      self.policy = policy ?? ResizePolicy(rawValue: engine.manifest.resizePolicy) ?? .stretch
      shorterSide = Int(engine.manifest.shorterSide)
    }
  }

  private let reading: PixelFormat.Reading
  private let format: martlet_camera_format
  private let settings: CameraSettings
  private let place: Place
  /// What is resized: the driver's frames, or what libv4l makes of them; nil: a JPEG file each.
  private let shape: FrameShape?
  private var resizer: FrameResizer?
  private let region: Memory
  private var loader: PictureLoader?
  private var converter = martlet_camera_converter()
  private let converted: Memory
  /// Where a frame goes first whose buffer is slow to read; else without bytes.
  private let copy: Memory

  /// - Parameter camera: prepared.
  public init(_ camera: borrowing Camera, _ settings: CameraSettings, _ place: Place) throws(CameraError) {
    let format = camera.format
    let reading = PixelFormat.of(FourCC(code: format.fourcc)).reading
    self.format = format
    self.reading = reading
    self.settings = settings
    self.place = place
    var resizer: FrameResizer?
    var region = Memory(0)
    var loader: PictureLoader?
    var converter = martlet_camera_converter()
    var converted = Memory(0)
    var frame: FrameShape?
    switch reading {
    case .direct(let layout):
      frame = Self.shape(format, layout, stride: Int(format.stride), settings)
    case .converted:
      var raw = camera.raw
      let code = martlet_camera_converter_open(&converter, &raw, format.fourcc)
      if code != 0 {
        martlet_camera_converter_close(&converter)
        throw CameraError(.noConverter, camera.path, detail: FourCC(code: format.fourcc).text)
      }
      let shape = Self.shape(format, .rgb(), stride: 3 * Int(format.width), settings)
      converted = Memory(shape.byteCount)
      frame = shape
    case .jpeg:
      do throws(PictureError) {
        loader = try PictureLoader(
          width: place.target.width, height: place.target.height, channels: place.target.channels)
      } catch {
        throw CameraError(.system, camera.path, code: Int32(MARTLET_NO_MEMORY))
      }
    }
    if let box = settings.region, !Self.isInside(box, format) {
      martlet_camera_converter_close(&converter)
      throw CameraError(
        .refused, camera.path,
        detail: "the region \(box.x),\(box.y),\(box.width),\(box.height) is not inside \(format.width)x\(format.height)"
      )
    }
    // The resize reads a row more than once, and decoders read byte by byte.
    let copy = Memory(camera.isSlow ? camera.bufferCount : 0)
    if camera.isSlow, copy.bytes.baseAddress == nil {
      martlet_camera_converter_close(&converter)
      throw CameraError(.system, camera.path, code: Int32(MARTLET_NO_MEMORY))
    }
    if let frame {
      guard frame.isValid else {
        martlet_camera_converter_close(&converter)
        throw CameraError(.refused, camera.path, detail: "its driver describes frames that cannot be")
      }
      let bytes = FrameResizer.byteCount(
        of: frame, policy: place.policy, shorterSide: place.shorterSide, width: place.target.width,
        height: place.target.height, channels: place.target.channels)
      let memory = Memory(bytes)
      let isComplete = reading != .converted || converted.bytes.baseAddress != nil
      guard let start = memory.bytes.baseAddress, isComplete else {
        martlet_camera_converter_close(&converter)
        throw CameraError(.system, camera.path, code: Int32(MARTLET_NO_MEMORY))
      }
      resizer = FrameResizer(
        frame: frame, policy: place.policy, shorterSide: place.shorterSide, target: place.target,
        region: UnsafeMutableRawBufferPointer(start: start, count: bytes))
      region = consume memory
    }
    shape = frame
    self.resizer = consume resizer
    self.region = consume region
    self.loader = consume loader
    self.converter = converter
    self.converted = consume converted
    self.copy = consume copy
  }

  deinit {
    var converter = converter
    martlet_camera_converter_close(&converter)
  }

  /// Frames are copied before they are read: their buffers are slow.
  var isCopying: Bool { copy.bytes.baseAddress != nil }

  /// What comes before `fill`, and takes its time: copies a frame out of slow memory, and makes red, green, blue of the
  /// formats that need libv4l, which may talk to the camera meanwhile; false: it is damaged.
  mutating func prepare(_ frame: martlet_camera_frame) -> Bool {
    if isCopying {
      guard frame.count <= copy.bytes.count else { return false }
      copy.bytes.copyMemory(from: UnsafeRawBufferPointer(start: frame.bytes, count: frame.count))
    }
    guard reading == .converted else { return true }
    var (frame, format) = (frame, format)
    frame.bytes = start(of: frame)
    let rgb = converted.bytes
    return martlet_camera_convert(
      &converter, &format, &frame, rgb.baseAddress!.assumingMemoryBound(to: UInt8.self), rgb.count)
  }

  /// Brings a frame that went through `prepare` into the model's input; false: it is damaged, and the input means
  /// nothing.
  mutating func fill(_ frame: martlet_camera_frame) -> Bool {
    let bytes = UnsafeRawBufferPointer(start: start(of: frame), count: frame.count)
    switch reading {
    case .direct:
      return resizer!.run(bytes)
    case .converted:
      return resizer!.run(UnsafeRawBufferPointer(converted.bytes))
    case .jpeg:
      do throws(PictureError) {
        try loader!.load(
          frame: bytes, into: place.target, policy: place.policy, shorterSide: place.shorterSide,
          region: settings.region, orientation: settings.orientation)
        return true
      } catch {
        return false
      }
    }
  }

  /// A frame that was filled in, as it can be saved: until the next one, or until it is given back.
  func content(of frame: martlet_camera_frame) -> FrameContent {
    let bytes = UnsafeRawBufferPointer(start: start(of: frame), count: frame.count)
    return FrameContent(bytes: reading == .converted ? UnsafeRawBufferPointer(converted.bytes) : bytes, shape: shape)
  }

  /// Where its bytes are read.
  private func start(of frame: martlet_camera_frame) -> UnsafePointer<UInt8>? {
    copy.bytes.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) } ?? frame.bytes
  }

  private static func shape(
    _ format: martlet_camera_format, _ layout: PixelLayout, stride: Int, _ settings: CameraSettings
  ) -> FrameShape {
    let matrix: ColourMatrix =
      switch format.matrix {
      case MARTLET_CAMERA_BT709: .bt709
      case MARTLET_CAMERA_BT2020: .bt2020
      default: .bt601
      }
    return FrameShape(
      width: Int(format.width), height: Int(format.height), layout: layout, stride: stride, matrix: matrix,
      isFullRange: format.is_full_range, orientation: settings.orientation, region: settings.region)
  }

  private static func isInside(_ box: PixelBox, _ format: martlet_camera_format) -> Bool {
    box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 && box.x + box.width <= Int(format.width)
      && box.y + box.height <= Int(format.height)
  }
}

/// Memory of the system's, given back at the end; without bytes for a count of 0, or where there is none.
struct Memory: ~Copyable {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ count: Int) {
    let start = count > 0 ? martlet_reserve_memory(count) : nil
    bytes = UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : count)
  }

  deinit {
    if let start = bytes.baseAddress { martlet_release_memory(start, bytes.count) }
  }
}
