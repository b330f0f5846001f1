import Martlet

/// A chat format in the making: its texts, and how it becomes a section.
struct ChatPieces {
  /// Indexed by `ChatPiece`.
  var texts = [[UInt8]](repeating: [], count: ChatLayout.pieces)
  var flags = ChatFlags.nothing
  var stops: [[UInt8]] = []
  /// Whether a text such as `<|im_end|>` is one token of the model's vocabulary; nil: taken to be so.
  var isToken: (@Sendable (String) -> Bool)?

  subscript(_ piece: ChatPiece) -> [UInt8] {
    get { texts[piece.rawValue] }
    set { texts[piece.rawValue] = newValue }
  }

  /// The section's bytes; nil if a text is longer than a section may hold.
  var section: [UInt8]? {
    var record = ChatFormatRecord()
    record.flags = flags.rawValue
    var body: [UInt8] = []
    func place(_ text: [UInt8]) -> UInt32 {
      defer { body += text }
      return UInt32(MemoryLayout<ChatFormatRecord>.size + body.count)
    }
    for (index, text) in texts.enumerated() {
      guard text.count <= ChatLayout.maxPieceBytes else { return nil }
      let edges = ChatTokenTexts.edges(of: text, isToken: isToken)
      record.pieces[index].offset = place(text)
      record.pieces[index].length = UInt32(text.count)
      record.pieces[index].headLength = UInt32(edges.head)
      record.pieces[index].tailLength = UInt32(edges.tail)
    }
    for stop in stops.prefix(ChatLayout.maxStops) where stop.count <= ChatLayout.maxStopBytes && !stop.isEmpty {
      record.stops[Int(record.stopCount)].offset = place(stop)
      record.stops[Int(record.stopCount)].length = UInt32(stop.count)
      record.stopCount += 1
    }
    return withUnsafeBytes(of: record) { Array($0) } + body
  }
}

/// Texts in a template that look like control tokens: `<|im_end|>`, `</s>`, `[INST]`.
enum ChatTokenTexts {
  static func edges(of text: [UInt8], isToken: ((String) -> Bool)?) -> (head: Int, tail: Int) {
    let tokens = ranges(in: text).filter { isToken?(String(decoding: text[$0], as: UTF8.self)) ?? true }
    guard let first = tokens.first, let last = tokens.last else { return (text.count, 0) }
    return (first.lowerBound, text.count - last.upperBound)
  }

  /// The texts themselves.
  static func all(in text: [UInt8]) -> [String] {
    ranges(in: text).map { String(decoding: text[$0], as: UTF8.self) }
  }

  /// In order, not overlapping: `<` up to `>` and `[` up to `]` with no blank and no other bracket between.
  static func ranges(in text: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var start: Int?
    for (index, byte) in text.enumerated() {
      switch byte {
      case UInt8(ascii: "<"), UInt8(ascii: "["):
        // `<<SYS>>` is plain text.
        start = index > 0 && text[index - 1] == byte ? nil : index
      case UInt8(ascii: ">"), UInt8(ascii: "]"):
        if let from = start, text[from] == (byte == UInt8(ascii: ">") ? UInt8(ascii: "<") : UInt8(ascii: "[")) {
          found.append(from..<(index + 1))
        }
        start = nil
      case 9...13, 32: start = nil
      default: break
      }
    }
    return found
  }

  /// The control text that a text begins with, blanks aside.
  static func first(of text: [UInt8]) -> [UInt8]? {
    let blanks = text.prefix { $0 == 32 || (9...13).contains($0) }.count
    guard let range = ranges(in: text).first, range.lowerBound == blanks else { return nil }
    return Array(text[range])
  }
}
