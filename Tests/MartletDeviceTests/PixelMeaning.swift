/// What the bytes of a frame mean, format by format and in plain words: what the table of the product is held against.
enum PixelMeaning {
  /// All that are read where they lie.
  static let names = [
    "GREY", "Y10", "Y12", "YUYV", "UYVY", "VYUY", "NV12", "NV21", "NV16", "NV24", "NV42", "YU12", "422P", "RGB3",
    "BGR3", "AB24", "XB24", "AR24", "XR24", "BGR4",
  ]

  static func isGrey(_ name: String) -> Bool { ["GREY", "Y10", "Y12"].contains(name) }

  static func isYCbCr(_ name: String) -> Bool {
    ["YUYV", "UYVY", "VYUY", "NV12", "NV21", "NV16", "NV24", "NV42", "YU12", "422P"].contains(name)
  }

  /// The least bytes of a line of the first plane.
  static func stride(_ name: String, _ width: Int) -> Int {
    let even = (width + 1) / 2 * 2
    switch name {
    case "GREY", "NV24", "NV42": return width
    case "Y10", "Y12": return 2 * width
    case "NV12", "NV21", "NV16", "YU12", "422P": return even
    case "YUYV", "UYVY", "VYUY": return 2 * even
    case "RGB3", "BGR3": return 3 * width
    default: return 4 * width
    }
  }

  /// Bytes of a frame up to its last sample.
  static func count(_ name: String, _ width: Int, _ height: Int, stride: Int) -> Int {
    let (half, halfHeight) = ((width + 1) / 2, (height + 1) / 2)
    switch name {
    case "NV12", "NV21": return stride * height + stride * (halfHeight - 1) + 2 * half
    case "NV16": return stride * height + stride * (height - 1) + 2 * half
    case "NV24", "NV42": return stride * height + 2 * stride * (height - 1) + 2 * width
    case "YU12": return stride * height + stride / 2 * (2 * halfHeight - 1) + half
    case "422P": return stride * height + stride / 2 * (2 * height - 1) + half
    default: return stride * (height - 1) + Self.stride(name, width)
    }
  }

  /// Y, Cb, Cr, or red, green, blue, or luma; nil for a name that is not known here.
  static func pixel(_ name: String, _ bytes: [UInt8], _ x: Int, _ y: Int, height: Int, stride: Int) -> [UInt8]? {
    let (row, chroma, half) = (y * stride, height * stride, stride / 2)
    let pair = row + x / 2 * 4
    switch name {
    case "GREY": return [bytes[row + x]]
    // The lower byte first: ten bits, or twelve.
    case "Y10": return [bytes[row + 2 * x] / 4 | bytes[row + 2 * x + 1] % 4 * 64]
    case "Y12": return [bytes[row + 2 * x] / 16 | bytes[row + 2 * x + 1] % 16 * 16]
    case "YUYV": return [bytes[pair + x % 2 * 2], bytes[pair + 1], bytes[pair + 3]]
    case "UYVY": return [bytes[pair + 1 + x % 2 * 2], bytes[pair], bytes[pair + 2]]
    case "VYUY": return [bytes[pair + 1 + x % 2 * 2], bytes[pair + 2], bytes[pair]]
    case "NV12":
      let at = chroma + y / 2 * stride + x / 2 * 2
      return [bytes[row + x], bytes[at], bytes[at + 1]]
    case "NV21":
      let at = chroma + y / 2 * stride + x / 2 * 2
      return [bytes[row + x], bytes[at + 1], bytes[at]]
    case "NV16":
      let at = chroma + y * stride + x / 2 * 2
      return [bytes[row + x], bytes[at], bytes[at + 1]]
    case "NV24", "NV42":
      let at = chroma + 2 * (y * stride + x)
      return name == "NV24" ? [bytes[row + x], bytes[at], bytes[at + 1]] : [bytes[row + x], bytes[at + 1], bytes[at]]
    case "YU12":
      let at = chroma + y / 2 * half + x / 2
      return [bytes[row + x], bytes[at], bytes[at + half * ((height + 1) / 2)]]
    case "422P":
      let at = chroma + y * half + x / 2
      return [bytes[row + x], bytes[at], bytes[at + half * height]]
    case "RGB3": return (0..<3).map { bytes[row + 3 * x + $0] }
    case "BGR3": return (0..<3).map { bytes[row + 3 * x + 2 - $0] }
    case "AB24", "XB24": return (0..<3).map { bytes[row + 4 * x + $0] }
    case "AR24", "XR24", "BGR4": return (0..<3).map { bytes[row + 4 * x + 2 - $0] }
    default: return nil
    }
  }

  /// Of a matrix's factors of red and blue.
  static func colour(
    _ pixel: [UInt8], red: Double = 0.299, blue: Double = 0.114, isFullRange: Bool = false
  ) -> [Double] {
    let (luma, chroma) = isFullRange ? (1, 1) : (255.0 / 219, 255.0 / 224)
    let y = (Double(pixel[0]) - (isFullRange ? 0 : 16)) * luma
    let (b, r) = ((Double(pixel[1]) - 128) * chroma, (Double(pixel[2]) - 128) * chroma)
    let (redPart, bluePart) = (2 * (1 - red) * r, 2 * (1 - blue) * b)
    let greenPart = (red * redPart + blue * bluePart) / (1 - red - blue)
    return [y + redPart, y - greenPart, y + bluePart].map { min(max($0, 0), 255) }
  }
}
