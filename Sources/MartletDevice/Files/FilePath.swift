import CMartletLinux

/// A path as the system takes it: bytes that end with zero, which outlive the value (those of argv do).
public struct FilePath: @unchecked Sendable {
  public let cString: UnsafePointer<CChar>

  public init(_ cString: UnsafePointer<CChar>) {
    self.cString = cString
  }

  /// For messages; what is not UTF-8 is replaced.
  public var text: String { String(cString: cString) }

  /// For a terminal, in a text of several lines.
  public var shown: String {
    String(visible: UnsafeRawBufferPointer(start: cString, count: martlet_text_bytes(cString)))
  }
}

extension String {
  /// Hands it to C as bytes that end with zero; valid during the call.
  @inline(never)
  func withPath(_ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
    var copy = self
    copy.unicodeScalars.append("\0")
    return copy.withUTF8 { body(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self)) }
  }
}
