import CMartletLinux
import Martlet

/// A pixel format as V4L2 names it: four characters.
public struct FourCC: BitwiseCopyable, Equatable, Sendable {
  public var code: UInt32

  public init(code: UInt32) { self.code = code }

  public static let jpeg = FourCC(code: known("JPEG"))

  /// Nil unless `text` has one to four characters of ASCII; shorter ones are filled with blanks, as in "GREY", "YU12".
  public init?(_ text: String) {
    var code: UInt32 = 0
    var count: UInt32 = 0
    for byte in text.utf8 {
      guard count < 4, byte > 0x20, byte < 0x7F else { return nil }
      code |= UInt32(byte) << (8 * count)
      count += 1
    }
    guard count > 0 else { return nil }
    while count < 4 {
      code |= 0x20 << (8 * count)
      count += 1
    }
    self.code = code
  }

  /// Without blanks at the end; what is no printable ASCII is a dot.
  public var text: String {
    var text = ""
    for shift in [0, 8, 16, 24] as [UInt32] {
      let byte = UInt8(truncatingIfNeeded: code >> shift)
      if byte == 0x20 || byte == 0 { break }
      text.unicodeScalars.append(Unicode.Scalar(byte > 0x20 && byte < 0x7F ? byte : 0x2E))
    }
    return text
  }

  /// How a frame comes into the model's input.
  public enum Reading: Equatable, Sendable {
    /// Its pixels are read where they lie.
    case direct(PixelLayout)
    case jpeg
    /// Made red, green, blue by libv4l first.
    case converted
  }

  public var reading: Reading {
    switch code {
    case Self.known("YUYV"): .direct(.yuyv)
    case Self.known("UYVY"): .direct(.uyvy)
    case Self.known("NV12"): .direct(.nv12)
    case Self.known("NV21"): .direct(.nv21)
    case Self.known("YU12"): .direct(.yu12)
    case Self.known("GREY"): .direct(.grey)
    case Self.known("RGB3"): .direct(.rgb24)
    case Self.known("BGR3"): .direct(.bgr24)
    case Self.known("422P"): .direct(.yuv422p)
    // With alpha or without: red, green, blue in that order, or the other way round.
    case Self.known("AB24"), Self.known("XB24"): .direct(.rgbx)
    case Self.known("AR24"), Self.known("XR24"), Self.known("BGR4"): .direct(.bgrx)
    case Self.known("MJPG"), Self.known("JPEG"): .jpeg
    default: .converted
    }
  }

  /// Rough work for a pixel, in tenths of a nanosecond: what makes one format better than another. Grey for a model that
  /// wants colours is worse than any.
  func workPerPixel(wantsColour: Bool) -> Int {
    switch reading {
    case .direct(let layout):
      switch layout {
      case .grey: wantsColour ? 1000 : 2
      case .nv12, .nv21, .yu12: 3
      case .yuyv, .uyvy, .yuv422p: 4
      case .rgb24, .bgr24, .yuv444p: 5
      case .rgbx, .bgrx: 6
      }
    case .jpeg: 40
    case .converted: 100
    }
  }

  private static func known(_ text: StaticString) -> UInt32 {
    let p = text.utf8Start
    return UInt32(p[0]) | UInt32(p[1]) << 8 | UInt32(p[2]) << 16 | UInt32(p[3]) << 24
  }
}
