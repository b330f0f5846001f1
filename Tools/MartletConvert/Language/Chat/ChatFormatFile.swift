import Martlet

/// Where the command finds a chat format: in a model, or in a template file.
public enum ChatFormatFile {
  /// The section `chat` of a .martlet file. The rest of the file is not looked at.
  public static func section(of file: [UInt8], name: String) throws(ConversionError) -> [UInt8] {
    try section(.chat, "chat format", of: file, name: name)
  }

  /// The section `tokenizer`, likewise.
  public static func tokenizer(of file: [UInt8], name: String) throws(ConversionError) -> [UInt8] {
    try section(.tokenizer, "tokenizer", of: file, name: name)
  }

  private static func section(
    _ kind: SectionKind, _ what: String, of file: [UInt8], name: String
  ) throws(ConversionError) -> [UInt8] {
    let size = MemoryLayout<FileHeader>.size
    guard file.count >= size else { throw .badData("\(name): too short for a model") }
    let header = file.withUnsafeBytes { $0.loadUnaligned(as: FileHeader.self) }
    guard header.magic == ModelFormat.magic else { throw .badData("\(name): is no .martlet file") }
    guard header.version == ModelFormat.version, header.sectionCount <= ModelFormat.maxSections else {
      throw .badData("\(name): of another version")
    }
    let stride = MemoryLayout<SectionRecord>.stride
    for index in 0..<Int(header.sectionCount) {
      let place = size + index * stride
      guard place + stride <= file.count else { throw .badData("\(name): the section table ends too early") }
      let record = file.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: SectionRecord.self) }
      guard record.kind == kind.rawValue else { continue }
      let (end, overflow) = record.offset.addingReportingOverflow(record.length)
      guard !overflow, end <= UInt64(file.count) else { throw .badData("\(name): the \(what) ends past the file") }
      return Array(file[Int(record.offset)..<Int(end)])
    }
    throw ConversionError(.badRequest, "\(name): holds no \(what)")
  }

  public static func isModel(_ file: [UInt8]) -> Bool {
    file.count >= 8 && file.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } == ModelFormat.magic
  }
}
