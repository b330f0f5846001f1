import Martlet

/// Makes the length and the hashes of a damaged file right again, so that what lies behind them is reached.
public enum FileRepair {
  /// - Parameter weights: the weights' hash too, which only `verify` looks at.
  public static func repairHashes(_ file: UnsafeMutableRawBufferPointer, weights: Bool = false) {
    let headerBytes = MemoryLayout<FileHeader>.size
    let stride = MemoryLayout<SectionRecord>.stride
    guard file.count >= headerBytes else { return }
    var header = file.loadUnaligned(as: FileHeader.self)
    guard header.magic == ModelFormat.magic, header.sectionCount <= ModelFormat.maxSections else { return }
    let end = headerBytes + Int(header.sectionCount) * stride
    guard end <= file.count else { return }
    for index in 0..<Int(header.sectionCount) {
      let place = headerBytes + index * stride
      var record = file.loadUnaligned(fromByteOffset: place, as: SectionRecord.self)
      let (last, overflow) = record.offset.addingReportingOverflow(record.length)
      guard !overflow, last <= UInt64(file.count), weights || record.kind != SectionKind.weights.rawValue
      else { continue }
      let bytes = UnsafeRawBufferPointer(rebasing: file[Int(record.offset)..<Int(last)])
      record.hash = XXH64.hash(bytes, seed: 0)
      file.storeBytes(of: record, toByteOffset: place, as: SectionRecord.self)
    }
    header.fileLength = UInt64(file.count)
    let table = UnsafeRawBufferPointer(rebasing: file[headerBytes..<end])
    header.tableHash = XXH64.hash(table, seed: header.fileLength)
    file.storeBytes(of: header, as: FileHeader.self)
  }
}
