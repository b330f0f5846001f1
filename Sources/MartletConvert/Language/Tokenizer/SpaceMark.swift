/// SentencePiece's U+2581, which stands for a space.
enum SpaceMark {
  static let bytes: [UInt8] = [0xE2, 0x96, 0x81]

  /// The text with a space in place of each mark.
  static func decode(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(bytes[0]) else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      if index + 2 < text.count, text[index] == bytes[0], text[index + 1] == bytes[1], text[index + 2] == bytes[2] {
        result.append(0x20)
        index += 3
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return result
  }

  /// The byte that a token `<0xXX>` stands for.
  static func byte(_ text: [UInt8]) -> UInt8? {
    guard text.count == 6, text.starts(with: Array("<0x".utf8)), text[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
  }
}
