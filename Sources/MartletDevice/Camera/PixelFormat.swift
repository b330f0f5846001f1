import Martlet

/// What is known of a pixel format of V4L2's: how its frames are read, and how much work that is.
///
/// `all` has a row for each that is read without libv4l, and nothing else says that there is such a format: a camera's
/// best one is chosen by it, frames are read and saved by its layout, `martlet devices` and `martlet check` tell of it,
/// tests go through it and hold the lists of README.md and martlet.yaml(5) against it. It is a table of Swift's, since
/// C needs nothing of it: the driver takes any code, and what saves a frame is told where its samples lie.
public struct PixelFormat: BitwiseCopyable, Sendable {
  /// How a frame comes into the model's input.
  public enum Reading: BitwiseCopyable, Equatable, Sendable {
    /// Its pixels are read where they lie.
    case direct(PixelLayout)
    /// Decoded, in the least size that is enough.
    case jpeg
    /// Made red, green, blue by libv4l first.
    case converted
  }

  public let fourcc: FourCC
  public let reading: Reading
  /// Rough work for a pixel, in tenths of a nanosecond: what makes one format better than another.
  let work: Int

  public static let all = [
    PixelFormat("GREY", .grey, work: 2),
    PixelFormat("Y10", .grey(bits: 10), work: 4),
    PixelFormat("Y12", .grey(bits: 12), work: 4),
    PixelFormat("NV12", .semiPlanar(columnShift: 1, rowShift: 1), work: 3),
    PixelFormat("NV21", .semiPlanar(columnShift: 1, rowShift: 1, isCrFirst: true), work: 3),
    PixelFormat("NV16", .semiPlanar(columnShift: 1, rowShift: 0), work: 4),
    PixelFormat("NV24", .semiPlanar(columnShift: 0, rowShift: 0), work: 5),
    PixelFormat("NV42", .semiPlanar(columnShift: 0, rowShift: 0, isCrFirst: true), work: 5),
    PixelFormat("YU12", .planar(columnShift: 1, rowShift: 1), work: 3),
    PixelFormat("422P", .planar(columnShift: 1, rowShift: 0), work: 4),
    PixelFormat("YUYV", .packed(), work: 4),
    PixelFormat("UYVY", .packed(isChromaFirst: true), work: 4),
    PixelFormat("VYUY", .packed(isChromaFirst: true, isCrFirst: true), work: 4),
    PixelFormat("RGB3", .rgb(), work: 5),
    PixelFormat("BGR3", .rgb(isBlueFirst: true), work: 5),
    // With alpha or without.
    PixelFormat("AB24", .rgb(step: 4), work: 6),
    PixelFormat("XB24", .rgb(step: 4), work: 6),
    PixelFormat("AR24", .rgb(step: 4, isBlueFirst: true), work: 6),
    PixelFormat("XR24", .rgb(step: 4, isBlueFirst: true), work: 6),
    PixelFormat("BGR4", .rgb(step: 4, isBlueFirst: true), work: 6),
    PixelFormat("MJPG", work: 40),
    PixelFormat("JPEG", work: 40),
  ]

  /// A row, or what is true of any format that has none.
  public static func of(_ fourcc: FourCC) -> PixelFormat {
    for format in all where format.fourcc == fourcc { return format }
    return PixelFormat(fourcc, .converted, convertedWork)
  }

  static let convertedWork = 100

  private init(_ fourcc: FourCC, _ reading: Reading, _ work: Int) {
    self.fourcc = fourcc
    self.reading = reading
    self.work = work
  }

  private init(_ name: StaticString, _ layout: PixelLayout, work: Int) {
    self.init(FourCC(name), .direct(layout), work)
  }

  /// A JPEG file each.
  private init(_ name: StaticString, work: Int) {
    self.init(FourCC(name), .jpeg, work)
  }

  /// The names of all that are read without libv4l.
  public static var list: String {
    var list = ""
    for format in all { list.add((list.isEmpty ? "" : ", ") + format.fourcc.text) }
    return list
  }

  /// `work`, for a model that wants colours or none: grey for one that wants them is worse than any.
  func work(wantsColour: Bool) -> Int {
    isGrey && wantsColour ? 1000 : work
  }

  private var isGrey: Bool {
    if case .direct(let layout) = reading { return layout.planes == .grey }
    return false
  }
}

extension FourCC {
  fileprivate init(_ name: StaticString) {
    self.init(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))!
  }
}
