/// Names of pixel formats that are used elsewhere, and formats that are known not to be readable frame by frame.
struct FormatName {
  /// For `ConfigurationReader.error`; %s is `code`.
  let template: StaticString
  let code: String

  /// The names in other programs, each in front of V4L2's code.
  private static let others = WordList(
    """
    YUY2 YUYV MJPEG MJPG JPG MJPG Y800 GREY Y8 GREY GRAY GREY GRAY8 GREY I420 YU12 IYUV YU12 YUV420 YU12 RGB24 RGB3 \
    BGR24 BGR3 RGB RGB3 BGR BGR3 BGRA AR24 BGRX XR24 BGR0 XR24 RGBA AB24 RGBX XB24 RGB0 XB24
    """)
  private static let streams = WordList(
    "H264 AVC1 X264 H265 HEVC HVC1 VP80 VP8 VP90 VP9 AV01 AV1 MPEG MPG1 MPG2 MPG4 MP4V XVID DIVX H263 FWHT")

  /// nil: nothing is known of it, or it is the name of a format that is read.
  static func of(_ text: UnsafeRawBufferPointer) -> FormatName? {
    var upper = InlineArray<8, UInt8>(repeating: 0)
    guard text.count <= 8, text.count > 0 else { return nil }
    for index in 0..<text.count {
      let byte = text[index]
      upper[index] = byte >= 0x61 && byte <= 0x7A ? byte - 0x20 : byte
    }
    let span = upper.span
    return span.withUnsafeBytes { bytes in
      let name = UnsafeRawBufferPointer(rebasing: bytes[..<text.count])
      if let index = others.index(of: name), index % 2 == 0, let code = others.word(index + 1) {
        return .init(template: meant, code: code)
      }
      if streams.index(of: name) != nil {
        return .init(template: "%k: %v: a video stream, which is not read: take MJPG or YUYV", code: "")
      }
      // V4L2's codes are capital letters and digits.
      for format in PixelFormat.all where !name.isSame(as: text) && format.fourcc.text.isSame(as: name) {
        return .init(template: meant, code: format.fourcc.text)
      }
      return nil
    }
  }

  private static let meant: StaticString = "%k: %v: V4L2 calls it %s"
}
