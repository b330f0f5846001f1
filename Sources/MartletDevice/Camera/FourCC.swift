/// The name of a pixel format in V4L2: four characters. They are read and written here and nowhere else.
public struct FourCC: BitwiseCopyable, Equatable, Sendable {
  /// The first character is the lowest byte.
  public var code: UInt32

  public init(code: UInt32) { self.code = code }

  /// Nil unless it is three or four printable characters of ASCII; to three a blank is added, as in "Y16 ".
  public init?(_ text: UnsafeRawBufferPointer) {
    guard text.count == 3 || text.count == 4 else { return nil }
    code = text.count == 3 ? 0x2000_0000 : 0
    for index in 0..<text.count {
      guard text[index] > 0x20 || text[index] == 0x20 && index == 3, text[index] < 0x7F else { return nil }
      code |= UInt32(text[index]) << UInt32(8 * index)
    }
  }

  public init?(_ text: String) {
    var text = text
    guard let fourcc = text.withUTF8({ FourCC(UnsafeRawBufferPointer($0)) }) else { return nil }
    self = fourcc
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
}
