import Martlet
import MartletDevice

/// Where the command finds a chat format: in a model, or in a template file.
public enum ChatFormatFile {
  /// The section `chat` of a .martlet file, which is verified whole.
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
    var failure: ModelError?
    file.withUnsafeBytes { bytes in
      do throws(ModelError) { try Engine.verify(file: bytes) } catch { failure = error }
    }
    if let failure {
      throw .badData("\(name): " + failure.sentence(look: file.withUnsafeBytes { ModelFile.Look($0) }))
    }
    let found: [UInt8]? = file.withUnsafeBytes { bytes in
      for index in 0..<Int(bytes.loadUnaligned(as: FileHeader.self).sectionCount) {
        let place = MemoryLayout<FileHeader>.size + index * MemoryLayout<SectionRecord>.stride
        let record = bytes.loadUnaligned(fromByteOffset: place, as: SectionRecord.self)
        guard record.kind == kind.rawValue else { continue }
        return Array(bytes[Int(record.offset)..<Int(record.offset + record.length)])
      }
      return nil
    }
    guard let found else { throw ConversionError(.badRequest, "\(name): holds no \(what)") }
    return found
  }

  public static func isModel(_ file: [UInt8]) -> Bool {
    file.count >= 8 && file.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } == ModelFormat.magic
  }
}
