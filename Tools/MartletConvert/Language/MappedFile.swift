import Foundation

/// A file's bytes, mapped read-only: a model may be larger than memory.
///
/// The bytes stay valid for as long as the object lives. A file that is shortened meanwhile ends the process.
final class MappedFile {
  /// The last component of the path, fit for messages.
  let name: String
  let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool
  /// Of the whole content, in hexadecimal; read at the first access.
  private(set) lazy var sha256 = SHA256.hexDigest(of: bytes)

  init(_ path: String) throws(ConversionError) {
    name = printable((path as NSString).lastPathComponent)
    let shown = printable(path)
    // Without waiting for the other end of a pipe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw ConversionError(.missingFile, "\(shown): cannot be opened: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ConversionError(.missingFile, "\(shown): is not a file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      isMapped = false
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw ConversionError(.inputOutput, "\(shown): cannot be mapped: \(String(cString: strerror(errno)))")
    }
    isMapped = true
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  /// A copy of bytes that are in memory already.
  init(_ content: [UInt8], name: String) {
    self.name = printable(name)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(content.count, 1), alignment: 64)
    copy.copyBytes(from: content)
    isMapped = false
    bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<content.count])
  }

  deinit {
    guard let start = bytes.baseAddress else { return }
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    } else {
      start.deallocate()
    }
  }

  /// The whole content, of a file that is to be parsed in one piece.
  func content(limit: Int) throws(ConversionError) -> [UInt8] {
    guard bytes.count <= limit else { throw .badData("\(name): more than \(limit) bytes") }
    return withExtendedLifetime(self) { [UInt8](bytes) }
  }
}

/// Runs `body` so that every line of an error begins with `name`.
func named<Result>(_ name: String, _ body: () throws(ConversionError) -> Result) throws(ConversionError) -> Result {
  do throws(ConversionError) {
    return try body()
  } catch {
    throw ConversionError(error.kind, lines: error.lines.map { $0.hasPrefix("\(name): ") ? $0 : "\(name): \($0)" })
  }
}
