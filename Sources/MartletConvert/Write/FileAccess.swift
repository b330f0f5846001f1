import CMartletLinux
import Foundation
import MartletDevice

/// Files in and out, by the device command's own functions, with errors that name the file.
public enum FileAccess {
  /// A whole file, or the pipe that a shell makes of <(COMMAND).
  public static func read(_ path: String) throws(ConversionError) -> [UInt8] {
    let opened = try open(path)
    defer { martlet_input_close(opened.descriptor) }
    let limit = ConversionLimits.sourceBytes
    var bytes: [UInt8] = []
    // One byte more tells a file that has grown, or a pipe that goes on.
    var capacity = opened.is_pipe ? 1 << 16 : Int(min(opened.size, UInt64(limit))) + 1
    while true {
      let piece = try read(opened.descriptor, capacity, path)
      bytes = bytes.isEmpty ? piece : bytes + piece
      guard bytes.count <= limit, opened.size <= UInt64(limit) else {
        throw ConversionError(.badData, "\(path): more than \(limit) bytes")
      }
      if piece.count < capacity { return bytes }
      capacity = min(max(capacity, bytes.count), limit + 1 - bytes.count)
    }
  }

  /// `count` bytes from `offset` on; fewer where the file ends.
  static func read(_ path: String, at offset: Int, count: Int) throws(ConversionError) -> [UInt8] {
    let opened = try open(path)
    defer { martlet_input_close(opened.descriptor) }
    guard lseek(opened.descriptor, off_t(offset), SEEK_SET) == off_t(offset) else { return [] }
    return try read(opened.descriptor, count, path)
  }

  private static func open(_ path: String) throws(ConversionError) -> martlet_open_file {
    var opened = martlet_open_file()
    let code = martlet_file_open(path, &opened)
    guard code == 0 else { throw cannotRead(path, code) }
    martlet_file_keep(path)
    return opened
  }

  private static func read(_ descriptor: Int32, _ capacity: Int, _ path: String) throws(ConversionError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      code = martlet_input_read(descriptor, buffer.baseAddress, capacity, &count)
    }
    guard code == 0 else { throw ConversionError(.inputOutput, "\(path): cannot be read: \(reason(code))") }
    return bytes
  }

  /// - Parameter code: a `martlet_error`.
  static func cannotRead(_ path: String, _ code: Int32) -> ConversionError {
    let what =
      switch code {
      case ENOENT, ENOTDIR: "no such file"
      case EISDIR: "is a directory"
      case EACCES, EPERM: "permission denied"
      default: "cannot be read: \(reason(code))"
      }
    return ConversionError(.missingFile, "\(path): \(what)")
  }

  /// Replaces a file as one act: whoever has the old one open keeps it, and nobody sees half of the new one. Mode,
  /// owner and links stay; a pipe or a device is written to as it is. What this process has read is not written over.
  public static func write(_ bytes: [UInt8], to path: String) throws(ConversionError) {
    let code = bytes.withUnsafeBytes { martlet_file_replace(path, $0.baseAddress, $0.count) }
    guard code != 0 else { return }
    if code == Int32(MARTLET_OWN_SOURCE) { throw ConversionError(.badRequest, "\(path): is a source itself") }
    let kind: ConversionError.Kind = martlet_is_transfer_error(code) ? .inputOutput : .cannotCreate
    throw ConversionError(kind, "\(path): cannot be written: \(reason(code))")
  }

  private static func reason(_ code: Int32) -> String { String(cString: martlet_error_text(code)) }
}
