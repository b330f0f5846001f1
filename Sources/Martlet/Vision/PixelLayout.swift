/// How a camera's buffer holds its pixels; the names are V4L2's.
public enum PixelLayout: UInt8, BitwiseCopyable, Sendable {
  /// Luma.
  case grey
  /// Y, Cb, Y, Cr: two pixels share Cb and Cr.
  case yuyv
  /// Cb, Y, Cr, Y.
  case uyvy
  /// A plane of Y, then one of Cb, Cr for every 2x2 pixels.
  case nv12
  /// A plane of Y, then one of Cr, Cb for every 2x2 pixels.
  case nv21
  /// Three planes: Y, and Cb and Cr for every 2x2 pixels.
  case yu12
  case rgb24
  case bgr24
  /// Red, green, blue, and a byte without meaning.
  case rgbx
  /// Blue, green, red, and a byte without meaning.
  case bgrx
  /// Three planes: Y, and Cb and Cr for every two pixels of a row (as JPEG frames are decoded).
  case yuv422p
  /// Three planes of one size: Y, Cb, Cr.
  case yuv444p

  /// Brightness and colour difference; else red, green, blue or nothing but luma.
  var isYCbCr: Bool {
    switch self {
    case .grey, .rgb24, .bgr24, .rgbx, .bgrx: false
    default: true
    }
  }

  var isRGB: Bool { self == .rgb24 || self == .bgr24 || self == .rgbx || self == .bgrx }
  /// Y, Cb and Cr in one plane.
  var isPackedYCbCr: Bool { self == .yuyv || self == .uyvy }
  /// Cb and Cr in one plane.
  var hasChromaPairs: Bool { self == .nv12 || self == .nv21 }

  /// 1 if two columns share their colour, else 0.
  var chromaColumnShift: Int { isYCbCr && self != .yuv444p ? 1 : 0 }
  /// 1 if two rows share their colour, else 0.
  var chromaRowShift: Int { hasChromaPairs || self == .yu12 ? 1 : 0 }

  /// Bytes of a pixel in red, green, blue.
  var rgbStep: Int { self == .rgbx || self == .bgrx ? 4 : 3 }
}

/// The standard that says what Y, Cb and Cr are made of.
public enum ColourMatrix: UInt8, BitwiseCopyable, Sendable {
  case bt601, bt709, bt2020
}
