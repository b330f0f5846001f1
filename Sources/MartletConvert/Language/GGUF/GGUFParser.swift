/// Reads a GGUF file's header, metadata and tensor records: every count, length and offset is checked before its use.
struct GGUFParser {
  private(set) var version = 0
  private(set) var metadata: [String: GGUFValue] = [:]
  private(set) var tensors: [GGUFTensor] = []
  private(set) var indices: [String: Int] = [:]
  private var cursor: ByteCursor

  static func parse(_ bytes: UnsafeRawBufferPointer) throws(ConversionError) -> GGUFParser {
    guard GGUFFile.matches(bytes) else { throw .badData("does not begin with the letters GGUF") }
    var parser = GGUFParser(cursor: ByteCursor(bytes))
    let (tensorCount, keyCount) = try parser.readHeader()
    for index in 0..<keyCount { try parser.readPair(index) }
    try parser.refuseShards()
    try parser.readTensors(tensorCount)
    return parser
  }

  private init(cursor: ByteCursor) { self.cursor = cursor }

  private mutating func readHeader() throws(ConversionError) -> (tensors: Int, keys: Int) {
    _ = try cursor.integer(UInt32.self, "the header")
    let version = try cursor.integer(UInt32.self, "the header")
    if version & 0xffff == 0, version != 0 { throw .unsupported("big-endian GGUF is not supported") }
    guard version == 2 || version == 3 else {
      throw .unsupported("GGUF version \(version) is not supported; 2 and 3 are")
    }
    self.version = Int(version)
    // The shortest record of a tensor: name's length, rank, a dimension, type, offset; of a pair: length, type, a byte.
    let tensorCount = try cursor.count(limit: LanguageLimits.tensors, elementBytes: 32, "the number of tensors")
    let keyCount = try cursor.count(limit: LanguageLimits.metadataKeys, elementBytes: 13, "the number of metadata keys")
    return (tensorCount, keyCount)
  }

  private mutating func readPair(_ index: Int) throws(ConversionError) {
    let bytes = try cursor.string(limit: LanguageLimits.keyBytes, "metadata key \(index)")
    let key = String(decoding: bytes, as: UTF8.self)
    let shown = "key \(printable(key))"
    guard metadata[key] == nil else { throw .badData("\(shown): there are two") }
    let code = try cursor.integer(UInt32.self, shown)
    metadata[key] = try code == 9 ? array(shown) : scalar(code, shown)
    guard cursor.position <= LanguageLimits.metadataBytes else {
      throw .badData("\(shown): the metadata has more than \(LanguageLimits.metadataBytes) bytes")
    }
  }

  private mutating func scalar(_ code: UInt32, _ shown: String) throws(ConversionError) -> GGUFValue {
    switch code {
    case 0: .unsigned(UInt64(try cursor.integer(UInt8.self, shown)))
    case 1: .signed(Int64(try cursor.integer(Int8.self, shown)))
    case 2: .unsigned(UInt64(try cursor.integer(UInt16.self, shown)))
    case 3: .signed(Int64(try cursor.integer(Int16.self, shown)))
    case 4: .unsigned(UInt64(try cursor.integer(UInt32.self, shown)))
    case 5: .signed(Int64(try cursor.integer(Int32.self, shown)))
    case 6: .real(try real(shown))
    case 7: .boolean(try boolean(shown))
    case 8: .string(try cursor.string(limit: LanguageLimits.stringBytes, shown))
    case 10: .unsigned(try cursor.integer(UInt64.self, shown))
    case 11: .signed(try cursor.integer(Int64.self, shown))
    case 12: .real(Double(bitPattern: try cursor.integer(UInt64.self, shown)))
    default: throw .badData("\(shown): value type \(code) is not known")
    }
  }

  private mutating func real(_ shown: String) throws(ConversionError) -> Double {
    Double(Float(bitPattern: try cursor.integer(UInt32.self, shown)))
  }

  private mutating func boolean(_ shown: String) throws(ConversionError) -> Bool {
    let byte = try cursor.integer(UInt8.self, shown)
    guard byte < 2 else { throw .badData("\(shown): \(byte) is not a boolean") }
    return byte == 1
  }

  private mutating func array(_ shown: String) throws(ConversionError) -> GGUFValue {
    let code = try cursor.integer(UInt32.self, shown)
    guard code != 9 else { throw .unsupported("\(shown): arrays of arrays are not supported") }
    guard code < 13 else { throw .badData("\(shown): value type \(code) is not known") }
    let size = [1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8][Int(code)]
    let count = try cursor.count(
      limit: LanguageLimits.arrayElements, elementBytes: size, "\(shown): the number of elements")
    switch code {
    case 6, 12:
      return .reals(
        try elements(count) { (self) throws(ConversionError) in try self.scalar(code, shown).number ?? 0 })
    case 7: return .booleans(try elements(count) { (self) throws(ConversionError) in try self.boolean(shown) })
    case 8:
      return .strings(
        try elements(count) { (self) throws(ConversionError) in
          try self.cursor.string(limit: LanguageLimits.stringBytes, shown)
        })
    default:
      return .integers(
        try elements(count) { (self) throws(ConversionError) in
          guard let value = try self.scalar(code, shown).integer else {
            throw .badData("\(shown): an integer does not fit 63 bits")
          }
          return Int64(value)
        })
    }
  }

  private mutating func elements<Element>(
    _ count: Int, _ read: (inout GGUFParser) throws(ConversionError) -> Element
  ) throws(ConversionError) -> [Element] {
    var result: [Element] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try read(&self)) }
    return result
  }

  private func refuseShards() throws(ConversionError) {
    guard let value = metadata["split.count"] else { return }
    guard let count = value.integer, count >= 0 else { throw .badData("key split.count: is not a count") }
    guard count <= 1 else {
      throw .unsupported("is one of \(count) shards; join them with gguf-split --merge first")
    }
  }

  /// Offsets and sizes are those of the data section, which begins at the next multiple of the alignment.
  private mutating func readTensors(_ count: Int) throws(ConversionError) {
    var alignment = 32
    if let value = metadata["general.alignment"] {
      guard let given = value.integer, given > 0, given <= LanguageLimits.alignment, given & (given - 1) == 0 else {
        throw .badData("key general.alignment: is not a power of two of at most \(LanguageLimits.alignment)")
      }
      alignment = given
    }
    var records: [(name: String, dimensions: [Int], type: GGUFType, offset: UInt64, elements: Int)] = []
    for index in 0..<count {
      let bytes = try cursor.string(limit: LanguageLimits.tensorNameBytes, "the name of tensor \(index)")
      let name = String(decoding: bytes, as: UTF8.self)
      guard indices.updateValue(index, forKey: name) == nil else {
        throw .badData("tensor \(printable(name)): there are two")
      }
      let (dimensions, elements) = try readDimensions("tensor \(printable(name))")
      let type = GGUFType(rawValue: try cursor.integer(UInt32.self, "the tensor records"))
      records.append((name, dimensions, type, try cursor.integer(UInt64.self, "the tensor records"), elements))
    }
    let start = (cursor.position + alignment - 1) & ~(alignment - 1)
    var ends: [(start: Int, end: Int, index: Int)] = []
    for (index, record) in records.enumerated() {
      let shown = "tensor \(printable(record.name))"
      guard record.offset % UInt64(alignment) == 0 else {
        throw .badData("\(shown): offset \(record.offset) is not a multiple of the alignment \(alignment)")
      }
      let room = UInt64(max(cursor.bytes.count - start, 0))
      guard record.offset <= room else {
        throw .badData("\(shown): begins at byte \(record.offset) of the data, past the end at \(room)")
      }
      let offset = start + Int(record.offset)
      if let layout = record.type.layout {
        let size = try Self.byteCount(record.dimensions, record.elements, layout, record.type, shown)
        guard size <= cursor.bytes.count - offset else {
          throw .badData("\(shown): \(size) bytes at \(offset) end past the file's \(cursor.bytes.count)")
        }
        ends.append((offset, offset + size, index))
      }
      tensors.append(
        GGUFTensor(
          name: record.name, dimensions: record.dimensions, type: record.type, offset: offset,
          elementCount: record.elements))
    }
    try refuseOverlaps(&ends)
  }

  private mutating func readDimensions(_ shown: String) throws(ConversionError) -> (sizes: [Int], elements: Int) {
    let rank = try cursor.integer(UInt32.self, "the tensor records")
    guard rank >= 1, rank <= UInt32(LanguageLimits.rank) else { throw .badData("\(shown): has \(rank) dimensions") }
    var sizes: [Int] = []
    var product = 1
    for _ in 0..<rank {
      let size = try cursor.integer(UInt64.self, "the tensor records")
      guard size > 0, size <= UInt64(Int.max) else { throw .badData("\(shown): a dimension of \(size)") }
      let (next, overflow) = product.multipliedReportingOverflow(by: Int(size))
      guard !overflow else { throw .badData("\(shown): the product of the dimensions does not fit 63 bits") }
      product = next
      sizes.append(Int(size))
    }
    return (sizes, product)
  }

  private static func byteCount(
    _ sizes: [Int], _ elements: Int, _ layout: GGUFType.Layout, _ type: GGUFType, _ shown: String
  ) throws(ConversionError) -> Int {
    guard sizes[0] % layout.elements == 0 else {
      throw .badData("\(shown): rows of \(sizes[0]) are not whole blocks of \(type.name)")
    }
    let (size, overflow) = (elements / layout.elements).multipliedReportingOverflow(by: layout.bytes)
    guard !overflow else { throw .badData("\(shown): the number of bytes does not fit 63 bits") }
    return size
  }

  private func refuseOverlaps(_ ends: inout [(start: Int, end: Int, index: Int)]) throws(ConversionError) {
    ends.sort { $0.start < $1.start }
    for (one, next) in zip(ends, ends.dropFirst()) where one.end > next.start {
      let names = [one, next].map { printable(tensors[$0.index].name) }
      throw .badData("tensors \(names[0]) and \(names[1]) overlap")
    }
  }
}
