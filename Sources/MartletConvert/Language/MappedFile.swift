import CMartletLinux
import Foundation

/// A file's bytes, mapped read-only: a model may be larger than memory.
///
/// The bytes stay valid for as long as the object lives. A file that is shortened meanwhile ends the process, with a
/// line that names it in the commands.
final class MappedFile {
  /// The last component of the path, fit for messages.
  let name: String
  let bytes: UnsafeRawBufferPointer
  /// With its path, which is named if the file shrinks; nil: not mapped.
  private var mapped: (file: martlet_mapped_file, path: UnsafeMutablePointer<CChar>)?
  /// Of the whole content, in hexadecimal; read at the first access.
  private(set) lazy var sha256 = SHA256.hexDigest(of: bytes)

  init(_ path: String) throws(ConversionError) {
    name = printable((path as NSString).lastPathComponent)
    let permanent = strdup(path)!
    var file = martlet_mapped_file()
    let code = martlet_file_map_lazily(permanent, &file)
    guard code == 0 else {
      free(permanent)
      throw FileAccess.cannotRead(printable(path), code)
    }
    martlet_file_keep(path)
    mapped = (file, permanent)
    bytes = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
  }

  /// A copy of bytes that are in memory already.
  init(_ content: [UInt8], name: String) {
    self.name = printable(name)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(content.count, 1), alignment: 64)
    copy.copyBytes(from: content)
    mapped = nil
    bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(copy)[..<content.count])
  }

  deinit {
    if var mapped {
      martlet_file_unmap(&mapped.file)
      free(mapped.path)
    } else {
      bytes.baseAddress?.deallocate()
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
