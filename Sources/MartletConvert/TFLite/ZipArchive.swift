import CZlib

/// Reads files from the zip archive at the end of a byte string, as TensorFlow Lite models carry their label files.
/// Nothing in the archive is trusted; sizes are bounded before anything is unpacked.
struct ZipArchive {
  struct Entry {
    var name: String
    var method: Int
    var packedSize: Int
    var size: Int
    var checksum: UInt32
    /// Position of the local header in the byte string.
    var header: Int
  }

  private let bytes: [UInt8]
  private let name: String
  private(set) var entries: [Entry] = []

  private static let maxEntries = 256

  /// An archive without entries if there is none.
  init(_ bytes: [UInt8], name: String) throws(ConversionError) {
    self.bytes = bytes
    self.name = name
    guard let end = endRecord() else { return }
    let count = try integer(UInt16.self, end + 10)
    let directorySize = try integer(UInt32.self, end + 12)
    let directoryOffset = try integer(UInt32.self, end + 16)
    // Offsets may count from the archive's start or from the file's.
    let base = end - directorySize - directoryOffset
    guard base >= 0, count <= Self.maxEntries else { throw failure("the directory does not fit the file") }
    var position = end - directorySize
    for _ in 0..<count {
      guard try integer(UInt32.self, position) == 0x0201_4b50 else {
        throw failure("entry at byte \(position) is not one")
      }
      let nameLength = try integer(UInt16.self, position + 28)
      let skipped = try integer(UInt16.self, position + 30) + integer(UInt16.self, position + 32)
      let header = try integer(UInt32.self, position + 42) + base
      entries.append(
        Entry(
          name: String(decoding: try slice(position + 46, nameLength), as: UTF8.self),
          method: try integer(UInt16.self, position + 10), packedSize: try integer(UInt32.self, position + 20),
          size: try integer(UInt32.self, position + 24),
          checksum: UInt32(try integer(UInt32.self, position + 16)), header: header))
      position += 46 + nameLength + skipped
    }
  }

  /// The unpacked bytes of an entry of at most `limit` bytes.
  func contents(of entry: Entry, limit: Int) throws(ConversionError) -> [UInt8] {
    let shown = printable(entry.name)
    guard entry.size <= limit else { throw failure("'\(shown)' has \(entry.size) bytes, at most \(limit)") }
    guard try integer(UInt32.self, entry.header) == 0x0403_4b50 else { throw failure("'\(shown)' has no local header") }
    let nameLength = try integer(UInt16.self, entry.header + 26)
    let start = try entry.header + 30 + nameLength + integer(UInt16.self, entry.header + 28)
    let packed = Array(try slice(start, entry.packedSize))
    let unpacked: [UInt8]
    switch entry.method {
    case 0: unpacked = packed
    case 8: unpacked = try inflated(packed, size: entry.size, entry.name)
    default: throw failure("'\(shown)' is packed with method \(entry.method), which is not supported")
    }
    let checksum = UInt32(truncatingIfNeeded: crc32(0, unpacked, uInt(unpacked.count)))
    guard unpacked.count == entry.size, checksum == entry.checksum else { throw failure("'\(shown)' is damaged") }
    return unpacked
  }

  /// Position of the end-of-directory record: the last one that reaches exactly to the end.
  private func endRecord() -> Int? {
    let size = 22
    guard bytes.count >= size else { return nil }
    let earliest = max(0, bytes.count - size - 0xFFFF)
    for position in stride(from: bytes.count - size, through: earliest, by: -1)
    where bytes[position..<position + 4].elementsEqual([0x50, 0x4b, 5, 6]) {
      let comment = Int(bytes[position + 20]) + Int(bytes[position + 21]) << 8
      if position + size + comment == bytes.count { return position }
    }
    return nil
  }

  private func inflated(_ packed: [UInt8], size: Int, _ entry: String) throws(ConversionError) -> [UInt8] {
    var output = Array(repeating: UInt8(0), count: size)
    var input = packed
    let status = output.withUnsafeMutableBufferPointer { output in
      input.withUnsafeMutableBufferPointer { input in
        var stream = z_stream()
        // -15: a raw deflate stream with the largest window.
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(&stream, -15, ZLIB_VERSION, size) == Z_OK else { return Z_MEM_ERROR }
        defer { inflateEnd(&stream) }
        stream.next_in = input.baseAddress
        stream.avail_in = uInt(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = uInt(output.count)
        let status = inflate(&stream, Z_FINISH)
        return status == Z_STREAM_END && stream.avail_out == 0 ? Z_OK : Z_DATA_ERROR
      }
    }
    guard status == Z_OK else { throw failure("'\(printable(entry))' is damaged") }
    return output
  }

  private func integer<T: FixedWidthInteger>(_ type: T.Type, _ position: Int) throws(ConversionError) -> Int {
    let size = MemoryLayout<T>.size
    guard position >= 0, position <= bytes.count - size else {
      throw failure("record at byte \(position) leaves the file")
    }
    return bytes.withUnsafeBytes { Int(T(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: T.self))) }
  }

  private func slice(_ start: Int, _ count: Int) throws(ConversionError) -> ArraySlice<UInt8> {
    guard start >= 0, count <= bytes.count, start <= bytes.count - count else {
      throw failure("data at byte \(start) leaves the file")
    }
    return bytes[start..<start + count]
  }

  private func failure(_ reason: String) -> ConversionError { .badData("\(name): attached files: \(reason)") }
}
