/// How a camera's buffer holds its pixels. The core reads whatever can be said with these numbers and keeps no list of
/// formats: which of V4L2's there are is `PixelFormat`'s, in MartletDevice.
public struct PixelLayout: BitwiseCopyable, Equatable, Sendable {
  public enum Planes: UInt8, BitwiseCopyable, Sendable {
    /// Luma and nothing else.
    case grey
    /// Red, green, blue in one plane.
    case rgb
    /// Y, Cb and Cr in one plane: four bytes are two pixels that share Cb and Cr.
    case packed
    /// A plane of Y, then one of Cb and Cr in turns.
    case semiPlanar
    /// A plane each for Y, Cb and Cr.
    case planar
  }

  public let planes: Planes
  /// Bytes from a pixel of the first plane to the next.
  let step: Int
  /// Of luma in words of 16 bits, the lower byte first: how many lie below the eight that count.
  let wordShift: Int
  /// Blue comes before red, or Cr before Cb.
  let isReversed: Bool
  /// Of `packed`: Cb and Cr come before the Y of their pixels.
  let isChromaFirst: Bool
  /// 1 if two columns share their Cb and Cr, else 0; likewise rows.
  let chromaColumnShift: Int
  let chromaRowShift: Int

  private init(
    _ planes: Planes, step: Int = 1, wordShift: Int = 0, isReversed: Bool = false, isChromaFirst: Bool = false,
    columnShift: Int = 0, rowShift: Int = 0
  ) {
    precondition(columnShift | rowShift | 1 == 1)
    self.planes = planes
    self.step = step
    self.wordShift = wordShift
    self.isReversed = isReversed
    self.isChromaFirst = isChromaFirst
    chromaColumnShift = columnShift
    chromaRowShift = rowShift
  }

  public static var grey: PixelLayout { PixelLayout(.grey) }

  /// Luma of 9 to 16 bits in the lower ones of 16. The highest eight are read: what the model takes, and more than most
  /// sensors' noise leaves.
  public static func grey(bits: Int) -> PixelLayout {
    precondition(bits > 8 && bits <= 16)
    return PixelLayout(.grey, step: 2, wordShift: bits - 8)
  }

  /// - Parameter step: bytes of a pixel, 3 or 4; a fourth is without meaning.
  public static func rgb(step: Int = 3, isBlueFirst: Bool = false) -> PixelLayout {
    precondition(step == 3 || step == 4)
    return PixelLayout(.rgb, step: step, isReversed: isBlueFirst)
  }

  /// Y, Cb, Y, Cr, or another order of these.
  public static func packed(isChromaFirst: Bool = false, isCrFirst: Bool = false) -> PixelLayout {
    PixelLayout(.packed, step: 2, isReversed: isCrFirst, isChromaFirst: isChromaFirst, columnShift: 1)
  }

  /// - Parameter columnShift: 1 if two columns share their Cb and Cr, else 0; likewise `rowShift`. Here and below.
  public static func semiPlanar(columnShift: Int, rowShift: Int, isCrFirst: Bool = false) -> PixelLayout {
    PixelLayout(.semiPlanar, isReversed: isCrFirst, columnShift: columnShift, rowShift: rowShift)
  }

  public static func planar(columnShift: Int, rowShift: Int, isCrFirst: Bool = false) -> PixelLayout {
    PixelLayout(.planar, isReversed: isCrFirst, columnShift: columnShift, rowShift: rowShift)
  }

  /// Brightness and colour difference; else red, green, blue or nothing but luma.
  public var isYCbCr: Bool { planes == .packed || planes == .semiPlanar || planes == .planar }
}

/// The standard that says what Y, Cb and Cr are made of.
public enum ColourMatrix: UInt8, BitwiseCopyable, Sendable {
  case bt601, bt709, bt2020
}
