import Martlet

/// `.martlet` files for tests, put together from sections.
public enum TestFile {
  /// In the order given, each at a multiple of 64, with all hashes.
  public static func bytes(_ sections: [(kind: SectionKind, bytes: [UInt8])]) -> [UInt8] {
    var header = FileHeader()
    header.sectionCount = UInt32(sections.count)
    var records: [UInt8] = []
    var body: [UInt8] = []
    let start = roundedUp(MemoryLayout<FileHeader>.size + sections.count * MemoryLayout<SectionRecord>.size)
    for section in sections {
      var record = SectionRecord()
      record.kind = section.kind.rawValue
      record.offset = UInt64(start + body.count)
      record.length = UInt64(section.bytes.count)
      records += bytes(of: record)
      body += section.bytes
      body += [UInt8](repeating: 0, count: roundedUp(body.count) - body.count)
    }
    var file = bytes(of: header) + records
    file += [UInt8](repeating: 0, count: start - file.count)
    file += body
    file.withUnsafeMutableBytes { FileRepair.repairHashes($0, weights: true) }
    return file
  }

  public static func bytes<Record: BitwiseCopyable>(of record: Record) -> [UInt8] {
    withUnsafeBytes(of: record) { [UInt8]($0) }
  }

  /// Where a section lies; nil if the file has none of that kind.
  public static func section(_ kind: SectionKind, in file: [UInt8]) -> Range<Int>? {
    records(of: file).first { $0.kind == kind.rawValue }.map { Int($0.offset)..<Int($0.offset + $0.length) }
  }

  /// Header and section table.
  public static func head(of file: [UInt8]) -> Range<Int> {
    0..<MemoryLayout<FileHeader>.size + records(of: file).count * MemoryLayout<SectionRecord>.size
  }

  private static func records(of file: [UInt8]) -> [SectionRecord] {
    file.withUnsafeBytes { bytes in
      (0..<Int(bytes.loadUnaligned(as: FileHeader.self).sectionCount)).map {
        let place = MemoryLayout<FileHeader>.size + $0 * MemoryLayout<SectionRecord>.size
        return bytes.loadUnaligned(fromByteOffset: place, as: SectionRecord.self)
      }
    }
  }

  public static func roundedUp(_ count: Int) -> Int {
    (count + ModelFormat.alignment - 1) / ModelFormat.alignment * ModelFormat.alignment
  }
}
