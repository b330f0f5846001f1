import CMartletLinux

/// Text to the person: results to standard output, everything else to standard error. What a file or an argument
/// brought along cannot control the terminal: control characters but for newlines and tabs are spelled out.
public enum Output {
  public enum Stream: Int32 {
    case standard = 1
    case error = 2
  }

  /// Writes `text` whole; returns why the stream is gone (`martlet_error`), else 0.
  @discardableResult
  public static func write(_ text: String, to stream: Stream = .standard) -> Int32 {
    write(exactly: text.visible(keepsLines: true), to: stream)
  }

  /// As it is: JSON, which has escapes of its own.
  @discardableResult
  public static func write(exactly text: String, to stream: Stream = .standard) -> Int32 {
    var text = text
    return text.withUTF8 { martlet_file_write_all(stream.rawValue, $0.baseAddress, $0.count) }
  }

  /// One line on standard error, whatever is in it.
  @inline(never)
  public static func tell(_ line: String) {
    write(exactly: line.visible() + "\n", to: .error)
  }
}

extension String {
  /// Text from bytes that should be UTF-8; what is not is replaced.
  public init(utf8 bytes: UnsafeRawBufferPointer) {
    self.init(decoding: bytes, as: UTF8.self)
  }

  /// Text of unknown origin for a terminal: control characters and what is not UTF-8 are spelled out (\x1b, \u{202e}).
  ///
  /// - Parameter keepsLines: newlines and tabs stay.
  @inline(never)
  public init(visible bytes: UnsafeRawBufferPointer, keepsLines: Bool = false) {
    let room = UnsafeMutableRawBufferPointer.allocate(
      byteCount: (bytes.count + 1) * Int(MARTLET_VISIBLE_GROWTH), alignment: 1)
    let count = martlet_visible(bytes.baseAddress, bytes.count, keepsLines, room.baseAddress)
    self = String(utf8: UnsafeRawBufferPointer(rebasing: room[0..<count]))
    room.deallocate()
  }

  /// The text fit for a terminal, as above.
  @inline(never)
  public func visible(keepsLines: Bool = false) -> String {
    var copy = self
    return copy.withUTF8 { String(visible: UnsafeRawBufferPointer($0), keepsLines: keepsLines) }
  }
}
