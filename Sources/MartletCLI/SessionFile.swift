import CMartletLinux
import Martlet
import MartletDevice

/// A text's KV cache in a file, so that what it begins with is evaluated once.
enum SessionFile {
  /// Takes up the file, if there is one.
  ///
  /// - Parameter isNeeded: the text begins with what the file holds, and with nothing else.
  static func restore(_ path: FilePath, _ model: inout LoadedGenerator, isNeeded: Bool) throws(CommandError) {
    var mapped = martlet_mapped_file()
    let code = martlet_file_map(path.cString, &mapped)
    if code != 0 {
      let isMissing = code == Int32(MARTLET_NO_FILE)
      if isMissing && !isNeeded { return }
      throw CommandError(FileError(.read, path, code: code))
    }
    defer { martlet_file_unmap(&mapped) }
    do throws(SessionError) {
      try model.generator.restore(
        UnsafeRawBufferPointer(start: mapped.bytes, count: mapped.count), goesOn: isNeeded)
    } catch {
      throw CommandError(path.text + ": " + sentence(error), exitCode: ExitCode.data)
    }
  }

  /// Replaces the file as one act.
  static func save(_ path: FilePath, _ model: inout LoadedGenerator) throws(CommandError) {
    var parts: [martlet_file_part] = []
    var header = [UInt8](repeating: 0, count: MemoryLayout<SessionHeader>.size)
    var isFirst = true
    model.generator.save { piece in
      if isFirst {
        // The header is gone when this returns; all other pieces lie in the arena.
        for i in 0..<piece.count { header[i] = piece[i] }
        isFirst = false
      } else {
        parts.append(martlet_file_part(bytes: piece.baseAddress, count: piece.count))
      }
    }
    let code = header.withUnsafeBytes { bytes in
      parts.insert(martlet_file_part(bytes: bytes.baseAddress, count: bytes.count), at: 0)
      return martlet_file_replace_parts(path.cString, parts, parts.count)
    }
    if code != 0 { throw CommandError(FileError(.write, path, code: code)) }
  }

  private static func sentence(_ error: SessionError) -> String {
    switch error {
    case .wrongMagic: "is not a session that this version of martlet saved"
    case .otherModel: "is a session of another model, or with another --kv-cache; remove it to begin anew"
    case .tooLong(let tokens, let room): "has \(tokens) tokens, the context has room for \(room); see --context"
    case .damaged: "is damaged: its bytes are not those that were written; remove it to begin anew"
    }
  }
}
