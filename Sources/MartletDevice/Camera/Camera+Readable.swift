import CMartletLinux

/// What can be read of a camera's formats. What is not in the table, libv4l's converter is asked for: its library is
/// loaded when it is, and kept until the end.
public struct Converters: ~Copyable {
  private var converter = martlet_camera_converter()
  /// The library is not on this machine.
  public private(set) var isMissing = false

  public init() {}

  deinit {
    var converter = converter
    martlet_camera_converter_close(&converter)
  }

  public mutating func canRead(_ fourcc: FourCC, of camera: borrowing Camera) -> Bool {
    guard PixelFormat.of(fourcc).reading == .converted else { return true }
    if isMissing { return false }
    var raw = camera.raw
    let code = martlet_camera_converter_open(&converter, &raw, fourcc.code)
    martlet_camera_converter_stop(&converter)
    isMissing = martlet_camera_failure_of(code) == MARTLET_CAMERA_NO_CONVERTER
    return code == 0
  }
}

/// A camera's formats as they are gone through: which can be read, and why none is good.
struct FormatSurvey {
  /// All that it has, or those that were asked for.
  private var readable: [FourCC] = []
  private var unreadable: [FourCC] = []
  /// Colours under a sensor's mosaic of filters, and nothing else.
  private var areRaw = true

  mutating func add(_ fourcc: FourCC, _ pixels: martlet_camera_pixels, isReadable: Bool) {
    if isReadable { readable.append(fourcc) } else { unreadable.append(fourcc) }
    areRaw = areRaw && Self.isRaw(pixels)
  }

  /// The kernel's description of such formats has the word, whatever their code.
  private static func isRaw(_ pixels: martlet_camera_pixels) -> Bool {
    for word in FixedText.string(pixels.description).parts(at: UInt8(ascii: " ")) where word.isSame(as: "Bayer") {
      return true
    }
    return false
  }

  /// A sensor's own node: nobody sets its exposure, and its colours are not what they should be.
  func isSensor(_ camera: borrowing Camera) -> Bool {
    guard !(readable.isEmpty && unreadable.isEmpty), areRaw || readable.isEmpty else { return false }
    return camera.needsPipeline
      || areRaw && camera.identity.bus.parts(at: UInt8(ascii: ":"))[0].isSame(as: "platform")
  }

  /// Why a wish cannot be granted: nothing that can be read, or not in that size.
  func refusal(_ wish: CameraFormat, _ camera: borrowing Camera, isLibraryMissing: Bool) -> CameraError {
    if let asked = wish.fourcc {
      if Self.has(readable, asked) { return refusal(of: wish, camera.path) }
      guard Self.has(unreadable, asked) else { return refusal(of: wish, camera.path) }
      if isLibraryMissing { return CameraError(.noConverter, camera.path, detail: asked.text) }
      let others = readable.isEmpty ? Self.advice : "it has " + Self.list(readable)
      return CameraError(.unreadable, camera.path, detail: "\(asked.text): \(Self.reason); " + others)
    }
    if !readable.isEmpty || unreadable.isEmpty { return refusal(of: wish, camera.path) }
    if isLibraryMissing { return CameraError(.noConverter, camera.path, detail: Self.list(unreadable)) }
    return CameraError(
      .unreadable, camera.path, detail: "gives nothing but \(Self.list(unreadable)): \(Self.reason); " + Self.advice)
  }

  /// The driver answered with something else, or does not have it.
  func refusal(of wish: CameraFormat, _ path: String) -> CameraError {
    var text = "it has no"
    if let fourcc = wish.fourcc { text.add(" " + fourcc.text) }
    if wish.width > 0 { text.add(" \(wish.width)x\(wish.height)") }
    if wish.fourcc == nil && wish.width == 0 { text.add(" format at all") }
    let isListed = !(readable.isEmpty && unreadable.isEmpty)
    text.add("; it has " + Self.list(readable.isEmpty ? unreadable : readable))
    return CameraError(.refused, path, detail: isListed ? text : "it lists no format")
  }

  private static var reason: String { "neither Martlet nor libv4lconvert reads that" }
  private static var advice: String {
    "take a camera that gives YUYV or MJPG, or let a program decode it into a v4l2loopback device"
  }

  private static func has(_ formats: [FourCC], _ one: FourCC) -> Bool {
    for format in formats where format == one { return true }
    return false
  }

  /// The first few.
  private static func list(_ formats: [FourCC]) -> String {
    var text = ""
    for (index, format) in formats.enumerated() {
      if index == 16 {
        text.add(", ...")
        break
      }
      text.add((index == 0 ? "" : ", ") + format.text)
    }
    return text
  }
}
