import Martlet

/// Puts sections together to the bytes of a `.martlet` file.
enum SectionFile {
  static func bytes(_ sections: [(SectionKind, [UInt8])]) -> [UInt8] {
    let headerBytes = MemoryLayout<FileHeader>.size
    let tableBytes = sections.count * MemoryLayout<SectionRecord>.size
    var body: [UInt8] = Array(repeating: 0, count: headerBytes + tableBytes)
    body.reserveCapacity(sections.reduce(4096) { $0 + $1.1.count + ModelFormat.alignment })
    var table: [UInt8] = []
    for (kind, bytes) in sections {
      pad(&body)
      var record = SectionRecord()
      record.kind = kind.rawValue
      record.offset = UInt64(body.count)
      record.length = UInt64(bytes.count)
      record.hash = bytes.withUnsafeBytes { XXH64.hash($0) }
      append(record, to: &table)
      body += bytes
    }
    pad(&body)
    var header = FileHeader()
    header.sectionCount = UInt32(sections.count)
    header.fileLength = UInt64(body.count)
    header.tableHash = table.withUnsafeBytes { XXH64.hash($0, seed: UInt64(body.count)) }
    body.replaceSubrange(0..<headerBytes, with: self.bytes(of: header))
    body.replaceSubrange(headerBytes..<headerBytes + tableBytes, with: table)
    return body
  }

  /// Zeros up to the format's alignment.
  static func pad(_ bytes: inout [UInt8]) {
    let excess = bytes.count % ModelFormat.alignment
    if excess != 0 { bytes += Array(repeating: 0, count: ModelFormat.alignment - excess) }
  }

  static func bytes<T: BitwiseCopyable>(of record: T) -> [UInt8] { withUnsafeBytes(of: record) { Array($0) } }

  static func append<T: BitwiseCopyable>(_ record: T, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: record) { bytes += $0 }
  }

  /// The section `provenance`.
  static func lines(_ lines: [String]) -> [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }
}
