import CMartletLinux
import Martlet

/// A model file, mapped read-only; weights are used where they lie.
public struct ModelFile: ~Copyable {
  public let path: FilePath
  private var mapped = martlet_mapped_file()

  /// Maps the file, and sees to it that a file which shrinks later ends the command with a sentence of its own.
  ///
  /// - Parameter command: its name in that sentence; must stay valid.
  public init(_ path: FilePath, command: UnsafePointer<CChar>) throws(FileError) {
    self.path = path
    let code = martlet_file_map(path.cString, &mapped)
    if code != 0 { throw FileError(.read, path, code: code) }
    martlet_file_guard(command)
    martlet_file_keep(path.cString)
  }

  deinit {
    var mapped = mapped
    martlet_file_unmap(&mapped)
  }

  /// Which file it was when it was opened.
  var stamp: martlet_file_stamp { mapped.stamp }

  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mapped.bytes, count: mapped.count) }

  /// The hash that names the file's content: of its section table, which holds the hash of every section. 0 for what is
  /// no model.
  public var hash: UInt64 {
    guard bytes.count >= MemoryLayout<FileHeader>.size else { return 0 }
    return bytes.loadUnaligned(as: FileHeader.self).tableHash
  }

  /// What else the file seems to be, for the sentence that says that it is no model.
  public var look: Look { Look(bytes) }

  public enum Look {
    case empty, tensorFlowLite, onnx, text, unknown

    public init(_ bytes: UnsafeRawBufferPointer) {
      let isLite = bytes.count >= 8 && bytes[4] == 0x54 && bytes[5] == 0x46 && bytes[6] == 0x4C && bytes[7] == 0x33
      if bytes.isEmpty {
        self = .empty
      } else if isLite {
        self = .tensorFlowLite
      } else if bytes.count > 3, bytes[0] == 0x08, bytes[1] < 32, bytes[2] == 0x12 {
        // ir_version, then producer_name: how exporters begin an ONNX file.
        self = .onnx
      } else {
        let isText = bytes.prefix(256).allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 >= 0x09 && $0 <= 0x0D }
        self = isText ? .text : .unknown
      }
    }
  }

  /// The sentence for what is wrong with this file.
  public func sentence(for error: ModelError) -> String {
    path.text + ": " + error.sentence(look: look)
  }
}
