/// Labels as text: one a line, UTF-8, CR LF allowed, empty lines at the end left out.
public enum LabelFile {
  public static func labels(in bytes: [UInt8], name: String) throws(ConversionError) -> [String] {
    guard bytes.count <= ConversionLimits.labelBytes else {
      let limit = ConversionLimits.labelBytes
      throw ConversionError(.badRequest, "\(name): \(bytes.count) bytes of labels, at most \(limit)")
    }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      throw ConversionError(.badData, "\(name): the labels are not UTF-8 text")
    }
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(trimmed)
    while let last = lines.last, last.isEmpty { lines.removeLast() }
    guard !lines.isEmpty else { throw ConversionError(.badData, "\(name): holds no labels") }
    return lines
  }

  private static func trimmed(_ line: Substring) -> String {
    var line = line
    while let first = line.first, first.isWhitespace { line.removeFirst() }
    while let last = line.last, last.isWhitespace { line.removeLast() }
    return line.unicodeScalars.contains { $0.value < 32 } ? printable(String(line)) : String(line)
  }
}
