import CMartletLinux

/// What `martlet.service` lets the service read and write: its user, its sandbox. The unit file says the same, which a
/// test compares.
enum ServiceUnit {
  /// The configuration that it reads.
  static let configuration: StaticString = "/etc/martlet/martlet.yaml"
  static let user: StaticString = "martlet"
  static let groups: StaticString = "video gpio"
  /// `ProtectHome=yes`: they are empty for it.
  static let homes = WordList("/home /root /run/user")
  /// `PrivateTmp=yes`: it has empty ones of its own.
  static let temporary = WordList("/tmp /var/tmp")
  /// `StateDirectory=`, `LogsDirectory=`, `RuntimeDirectory=`: what it can write with `ProtectSystem=strict`.
  static let written = WordList("/var/lib/martlet /var/log/martlet /run/martlet")
  /// `ReadOnlyPaths=`, inside of these.
  static let readOnly = WordList("/var/lib/martlet/models")
  /// `RuntimeDirectory=`: there while it runs.
  static let runtime: StaticString = "/run/martlet"

  static func makes(folder: String) -> Bool {
    isInside(folder, WordList(runtime))
  }

  static func reads(_ file: FilePath) -> Bool {
    martlet_path_is_same(file.cString, configuration.cString)
  }

  static func isInside(_ path: String, _ folders: WordList) -> Bool {
    var index = 0
    while let folder = folders.word(index) {
      index += 1
      if path.begins(with: folder) { return true }
    }
    return false
  }

  /// Why the service does not see a path, or cannot write it; nil: it can, as far as the sandbox goes.
  static func obstacle(_ path: String, isWritten: Bool) -> StaticString? {
    if isInside(path, homes) { return "does not see the homes of people (ProtectHome=)" }
    if isInside(path, temporary) { return "has a /tmp and a /var/tmp of its own (PrivateTmp=)" }
    guard isWritten else { return nil }
    if isInside(path, readOnly) { return "may only read there (ReadOnlyPaths=)" }
    if !isInside(path, written) { return "may not write there (ProtectSystem=)" }
    return nil
  }
}

extension StaticString {
  var cString: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}

extension String {
  /// The path is the folder, or in it.
  fileprivate func begins(with folder: String) -> Bool {
    var (own, folder) = (self, folder)
    return own.withUTF8 { own in
      folder.withUTF8 { folder in
        guard own.count >= folder.count else { return false }
        for index in 0..<folder.count where own[index] != folder[index] { return false }
        return own.count == folder.count || own[folder.count] == UInt8(ascii: "/")
      }
    }
  }
}
