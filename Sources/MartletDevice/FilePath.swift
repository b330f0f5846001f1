/// A path as the system takes it: bytes that end with zero, which outlive the value (those of argv do).
public struct FilePath: @unchecked Sendable {
  public let cString: UnsafePointer<CChar>

  public init(_ cString: UnsafePointer<CChar>) {
    self.cString = cString
  }

  /// For messages; what is not UTF-8 is replaced.
  public var text: String { String(cString: cString) }
}
