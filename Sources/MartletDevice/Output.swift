import CMartletLinux

/// Text to the person: results to standard output, everything else to standard error.
public enum Output {
  public enum Stream: Int32 {
    case standard = 1
    case error = 2
  }

  /// Writes `text` whole; returns an errno value if the stream is gone, else 0.
  @discardableResult
  public static func write(_ text: String, to stream: Stream = .standard) -> Int32 {
    var text = text
    return text.withUTF8 { martlet_file_write_all(stream.rawValue, $0.baseAddress, $0.count) }
  }
}

extension String {
  /// Text from bytes that should be UTF-8; what is not is replaced.
  public init(utf8 bytes: UnsafeRawBufferPointer) {
    self.init(decoding: bytes, as: UTF8.self)
  }
}
