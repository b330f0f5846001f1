import CMartletLinux
import MartletDevice

/// Text that a command is given, in a file or on standard input, and what it writes byte by byte.
enum Input {
  static let maxBytes = 64 << 20

  /// A whole file or pipe; standard input for nil and "-".
  static func bytes(_ path: FilePath?) throws(CommandError) -> [UInt8] {
    // A StaticString is zero-terminated.
    let standard: StaticString = "-"
    let path = path ?? FilePath(UnsafeRawPointer(standard.utf8Start).assumingMemoryBound(to: CChar.self))
    var descriptor: Int32 = -1
    var code = martlet_input_open(path.cString, &descriptor)
    if code != 0 { throw CommandError(FileError(.read, path, code: code)) }
    defer { martlet_input_close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var filled = 0
    while true {
      var count = 0
      let room = bytes.count - filled
      code = bytes.withUnsafeMutableBytes { martlet_input_read(descriptor, $0.baseAddress! + filled, room, &count) }
      if code != 0 { throw CommandError(FileError(.read, path, code: code)) }
      filled += count
      if count < room { break }
      guard filled < maxBytes else {
        throw CommandError("\(path.text): has more than \(maxBytes) bytes", exitCode: ExitCode.data)
      }
      bytes.append(contentsOf: repeatElement(0, count: filled))
    }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// The pieces between separators, without an empty one at the end; all of it for nil.
  static func lines(_ bytes: [UInt8], _ separator: UInt8?) -> [Range<Int>] {
    guard let separator else { return [0..<bytes.count] }
    var lines: [Range<Int>] = []
    var start = 0
    for index in 0..<bytes.count where bytes[index] == separator {
      lines.append(start..<index)
      start = index + 1
    }
    if start < bytes.count { lines.append(start..<bytes.count) }
    return lines
  }

  /// The words of a line, between white space.
  static func words(_ bytes: [UInt8], _ line: Range<Int>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start = line.lowerBound
    for index in line where bytes[index] <= UInt8(ascii: " ") {
      if index > start { words.append(start..<index) }
      start = index + 1
    }
    if line.upperBound > start { words.append(start..<line.upperBound) }
    return words
  }

  static func write(_ bytes: [UInt8]) throws(CommandError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(CommandError) in try report(UnsafeRawBufferPointer(bytes)) }
  }
}
