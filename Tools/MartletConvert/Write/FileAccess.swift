import Foundation

/// Files in and out, with errors that name them.
public enum FileAccess {
  public static func read(_ path: String) throws(ConversionError) -> [UInt8] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ConversionError(.missingFile, "\(path): no such file")
    }
    guard !isDirectory.boolValue else { throw ConversionError(.missingFile, "\(path): is a directory") }
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw ConversionError(.missingFile, "\(path): permission denied")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ConversionError(.missingFile, "\(path): cannot be opened")
    }
    defer { try? handle.close() }
    do {
      let limit = ConversionLimits.sourceBytes
      let data = try handle.read(upToCount: limit + 1) ?? Data()
      guard data.count <= limit else { throw ConversionError(.badData, "\(path): more than \(limit) bytes") }
      return [UInt8](data)
    } catch let error as ConversionError {
      throw error
    } catch {
      throw ConversionError(.inputOutput, "\(path): cannot be read: \(error.localizedDescription)")
    }
  }

  /// Writes beside `path`, then renames: whoever has the old file open keeps it, and nobody sees half of the new one.
  public static func write(_ bytes: [UInt8], to path: String) throws(ConversionError) {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ConversionError(.cannotCreate, "\(path): is a directory")
    }
    let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw ConversionError(.cannotCreate, "\(path): cannot be created: \(reason())") }
    var failure: String?
    bytes.withUnsafeBytes { raw in
      var written = 0
      while written < raw.count {
        let count = Foundation.write(descriptor, raw.baseAddress! + written, raw.count - written)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else {
          failure = reason()
          return
        }
        written += count
      }
    }
    if failure == nil, fsync(descriptor) != 0 { failure = reason() }
    if close(descriptor) != 0, failure == nil { failure = reason() }
    if failure == nil, rename(temporary, path) != 0 {
      failure = reason()
    }
    if let failure {
      unlink(temporary)
      throw ConversionError(.inputOutput, "\(path): cannot be written: \(failure)")
    }
    syncDirectory(of: path)
  }

  /// So that the new name survives a power cut.
  private static func syncDirectory(of path: String) {
    let directory = (path as NSString).deletingLastPathComponent
    let descriptor = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
