/// The header and the section table of a file, copied and checked. What the sections hold is checked elsewhere.
struct Sections {
  let file: UnsafeRawBufferPointer
  private let records: InlineArray<16, SectionRecord>
  private let count: Int
  /// Of the section table, which holds the hash of every section: it names the file's content.
  let hash: UInt64

  init(file: UnsafeRawBufferPointer) throws(ModelError) {
    let headerBytes = MemoryLayout<FileHeader>.size
    if file.count >= 4, file.loadUnaligned(as: UInt32.self) != UInt32(truncatingIfNeeded: ModelFormat.magic) {
      throw ModelError(.wrongMagic, .header, found: Int64(file.loadUnaligned(as: UInt32.self)))
    }
    guard file.count >= headerBytes else {
      throw ModelError(.tooShort, .header, found: Int64(file.count), expected: Int64(headerBytes))
    }
    let header = file.loadUnaligned(as: FileHeader.self)
    guard header.magic == ModelFormat.magic else {
      throw ModelError(.wrongMagic, .header, found: Int64(truncatingIfNeeded: header.magic & 0xFFFF_FFFF))
    }
    guard header.version == ModelFormat.version else {
      throw ModelError(
        .wrongVersion, .header, field: "version", found: Int64(header.version), expected: Int64(ModelFormat.version))
    }
    guard header.fileLength == UInt64(file.count) else {
      throw ModelError(
        .wrongLength, .header, field: "fileLength", found: Int64(file.count),
        expected: Int64(truncatingIfNeeded: header.fileLength))
    }
    guard header.sectionCount <= ModelFormat.maxSections else {
      throw ModelError(
        .overLimit, .header, field: "sectionCount", found: Int64(header.sectionCount),
        expected: Int64(ModelFormat.maxSections))
    }
    count = Int(header.sectionCount)
    let stride = MemoryLayout<SectionRecord>.stride
    let tableEnd = headerBytes + count * stride
    guard tableEnd <= file.count else {
      throw ModelError(.outOfBounds, .sectionTable, found: Int64(tableEnd), expected: Int64(file.count))
    }
    let table = UnsafeRawBufferPointer(rebasing: file[headerBytes..<tableEnd])
    guard XXH64.hash(table, seed: header.fileLength) == header.tableHash else {
      throw ModelError(.wrongHash, .sectionTable)
    }
    var records = InlineArray<16, SectionRecord>(repeating: SectionRecord())
    for i in 0..<count {
      let record = table.loadUnaligned(fromByteOffset: i * stride, as: SectionRecord.self)
      guard SectionKind(rawValue: record.kind) != nil else {
        throw ModelError(.unknownValue, .sectionTable, index: i, field: "kind", found: Int64(record.kind))
      }
      guard record.reserved == 0 else {
        throw ModelError(.unknownValue, .sectionTable, index: i, field: "reserved", found: Int64(record.reserved))
      }
      guard record.offset % UInt64(ModelFormat.alignment) == 0 else {
        throw ModelError(
          .misaligned, .section, index: Int(record.kind), field: "offset",
          found: Int64(truncatingIfNeeded: record.offset), expected: Int64(ModelFormat.alignment))
      }
      let (end, overflow) = record.offset.addingReportingOverflow(record.length)
      guard !overflow, record.offset >= UInt64(tableEnd), end <= UInt64(file.count) else {
        throw ModelError(
          .outOfBounds, .section, index: Int(record.kind), field: "length", found: Int64(truncatingIfNeeded: end),
          expected: Int64(file.count))
      }
      for earlier in 0..<i where records[earlier].kind == record.kind {
        throw ModelError(.duplicate, .section, index: Int(record.kind))
      }
      records[i] = record
    }
    hash = header.tableHash
    self.file = file
    self.records = records
    // Weights are as large as the model: their hash is for `verify` and for installation, not for a cold start.
    for i in 0..<count where records[i].kind != SectionKind.weights.rawValue {
      try checkHash(records[i])
    }
  }

  /// The section's bytes; empty if the file has none of that kind.
  subscript(_ kind: SectionKind) -> UnsafeRawBufferPointer {
    for i in 0..<count where records[i].kind == kind.rawValue {
      let start = Int(records[i].offset)
      return UnsafeRawBufferPointer(rebasing: file[start..<start + Int(records[i].length)])
    }
    return UnsafeRawBufferPointer(start: file.baseAddress, count: 0)
  }

  /// Checks the one hash that `init` leaves out.
  func verifyWeights() throws(ModelError) {
    for i in 0..<count where records[i].kind == SectionKind.weights.rawValue { try checkHash(records[i]) }
  }

  private func checkHash(_ record: SectionRecord) throws(ModelError) {
    let start = Int(record.offset)
    let bytes = UnsafeRawBufferPointer(rebasing: file[start..<start + Int(record.length)])
    guard XXH64.hash(bytes) == record.hash else { throw ModelError(.wrongHash, .section, index: Int(record.kind)) }
  }

  /// One fixed-size record that fills its section.
  func record<T: BitwiseCopyable>(_ kind: SectionKind, as type: T.Type) throws(ModelError) -> T {
    let bytes = self[kind]
    guard bytes.count == MemoryLayout<T>.size else {
      throw ModelError(
        bytes.isEmpty ? .missing : .mismatch, .section, index: Int(kind.rawValue), field: bytes.isEmpty ? "" : "length",
        found: Int64(bytes.count), expected: Int64(MemoryLayout<T>.size))
    }
    return bytes.loadUnaligned(as: type)
  }

  /// Whether the file is a tokenizer alone, with a chat format perhaps: of use to `martlet tokenize` and nothing else.
  var isTokenizer: Bool {
    self[.manifest].isEmpty && self[.language].isEmpty && self[.tensors].isEmpty && !self[.tokenizer].isEmpty
  }

  /// What the file is for.
  func task() throws(ModelError) -> ModelTask {
    guard !isTokenizer else { throw ModelError(.noModel, .file) }
    let manifest = try record(.manifest, as: ManifestRecord.self)
    guard let task = ModelTask(rawValue: manifest.task) else {
      throw ModelError(.unknownValue, .manifest, field: "task", found: Int64(manifest.task))
    }
    return task
  }

  /// How many records of a fixed size the section holds: at least one, but for operators, since a model may be nothing
  /// but a reshape, and for cascades.
  func count<T: BitwiseCopyable>(_ kind: SectionKind, of type: T.Type, limit: Int) throws(ModelError) -> Int {
    let bytes = self[kind]
    let stride = MemoryLayout<T>.size
    guard !bytes.isEmpty || kind == .operators || kind == .cascades else {
      throw ModelError(.missing, .section, index: Int(kind.rawValue))
    }
    guard bytes.count % stride == 0 else {
      throw ModelError(
        .mismatch, .section, index: Int(kind.rawValue), field: "length", found: Int64(bytes.count),
        expected: Int64(stride))
    }
    guard bytes.count / stride <= limit else {
      throw ModelError(
        .overLimit, .section, index: Int(kind.rawValue), field: "length", found: Int64(bytes.count / stride),
        expected: Int64(limit))
    }
    return bytes.count / stride
  }
}

extension ModelTask {
  /// The task of a whole `.martlet` file, whose section table and hashes are checked (not the weights').
  public init(file: UnsafeRawBufferPointer) throws(ModelError) {
    self = try Sections(file: file).task()
  }
}
