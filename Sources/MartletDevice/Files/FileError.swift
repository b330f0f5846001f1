import CMartletLinux

/// A file that cannot be read or written.
public struct FileError: Error {
  public enum Action: Sendable { case read, write }

  public var path: FilePath
  public var action: Action
  /// A `martlet_error`.
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

  /// A result that could not be made is one thing, one that was begun and failed another.
  public var exitCode: Int32 {
    if action == .read { return ExitCode.noInput }
    if code == Int32(MARTLET_OWN_SOURCE) { return ExitCode.usage }
    return martlet_is_transfer_error(code) ? ExitCode.io : ExitCode.cannotCreate
  }
}
