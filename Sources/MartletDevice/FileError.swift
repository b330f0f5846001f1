import CMartletLinux

/// A file that cannot be read or written.
public struct FileError: Error {
  public enum Action: Sendable { case read, write }

  public var path: FilePath
  public var action: Action
  /// An errno value.
  public var code: Int32

  public init(_ action: Action, _ path: FilePath, code: Int32) {
    self.action = action
    self.path = path
    self.code = code
  }

  /// One line: the file, and what is wrong with it.
  public var sentence: String {
    let reason = String(cString: martlet_error_text(code))
    return path.text + (action == .read ? ": cannot be read: " : ": cannot be written: ") + reason
  }

  public var exitCode: Int32 {
    action == .read ? ExitCode.noInput : ExitCode.cannotCreate
  }
}
