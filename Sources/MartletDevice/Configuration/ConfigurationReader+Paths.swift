import CMartletLinux

// Paths, and what must be there.

extension ConfigurationReader {
  static let maxPath = 1023
  /// What the address of a socket has room for, without its zero.
  static let maxSocketPath = 107

  /// A path, from the folder of the configuration unless it begins at the root.
  @inline(never)
  mutating func path(_ field: Field) -> String? {
    let isSocket: Bool
    switch field.key.kind {
    case .path: isSocket = false
    case .socketPath: isSocket = true
    default: field.isOfAnotherKind()
    }
    guard !isExpansion(field) else { return nil }
    guard let given = value(field, { ConfigurationReader.word($0, ConfigurationReader.maxPath) }) else { return nil }
    let path = given.utf8.first == UInt8(ascii: "/") ? given : folder + given
    if isSocket, path.utf8.count > ConfigurationReader.maxSocketPath {
      wrong(field.node, "a path of %s, which is what a socket can have", field.key.kind.range)
    }
    return path
  }

  /// Reports what a shell would replace by something else, or a network client would fetch.
  @inline(never)
  mutating func isExpansion(_ field: Field) -> Bool {
    guard field.isGiven, isScalar(field.node) else { return false }
    let text = bytes(field.node)
    var isPath = true
    if case .text = field.key.kind { isPath = false }
    for at in 0..<text.count {
      if text[at] == UInt8(ascii: "$"), at + 1 < text.count, isPath || text[at + 1] == UInt8(ascii: "{") {
        error(field.node, "%k: %v: variables are not replaced: write out what it stands for")
        return true
      }
      if isPath, at == 0, text[0] == UInt8(ascii: "~") {
        error(field.node, "%k: %v: ~ is not replaced: write the path from the root on")
        return true
      }
      if isPath, at + 2 < text.count, text[at] == UInt8(ascii: ":"), text[at + 1] == UInt8(ascii: "/"),
        text[at + 2] == UInt8(ascii: "/")
      {
        error(field.node, "%k: %v: nothing is read from a network: a path of this machine is meant")
        return true
      }
    }
    return false
  }

  /// The path of a camera's device file. It is not looked for: a camera may be plugged in later.
  mutating func devicePath(_ field: Field) -> String? {
    guard let path = path(field) else { return nil }
    let text = bytes(field.node)
    if text.first != UInt8(ascii: "/") {
      let number = ConfigurationReader.integer(text).flatMap { $0 >= 0 ? $0 : nil } ?? 0
      wrong(field.node, "the path of a device file, like /dev/video%s", String(number))
      return nil
    }
    if checksFiles, let kind = ConfigurationReader.kind(of: path), kind != MARTLET_PATH_OTHER {
      wrong(field.node, "a device file, which this is not; pictures: takes the place of a camera")
    }
    return path
  }

  /// Where the socket is to be.
  mutating func socketPath(_ field: Field) -> String? {
    guard let path = path(field) else { return nil }
    let folder = ConfigurationReader.folder(of: path)
    // It is there while the service runs.
    if !ServiceUnit.makes(folder: folder) { look(field.node, folder, isFolder: true) }
    if checksFiles, let kind = ConfigurationReader.kind(of: path), kind != MARTLET_PATH_SOCKET {
      error(field.node, "%k: %v: is there already and is not a socket")
    }
    return path
  }

  /// That a file to be written is one, if it is there, and none of those that are read.
  mutating func lookAtOutput(_ node: Node, _ path: String) -> Bool {
    guard checksFiles, let kind = ConfigurationReader.kind(of: path) else { return true }
    let before = messages.errorCount
    if kind == MARTLET_PATH_FOLDER { error(node, "%k: %v: is a folder, not a file") }
    if ConfigurationReader.isSame(path, configuration.path) { error(node, "%k: %v: is the configuration itself") }
    for model in configuration.models where ConfigurationReader.isSame(path, model.file) {
      error(node, "%k: %v: is the file of the model \"%s\"", model.name)
    }
    return messages.errorCount == before
  }

  /// What there is; nil: nothing, or it cannot be seen.
  static func kind(of path: String) -> Int? {
    let (code, kind) = look(path)
    return code == 0 ? kind : nil
  }

  @inline(never)
  private static func look(_ path: String) -> (code: Int32, kind: Int) {
    var kind: Int32 = 0
    let code = path.withPath { martlet_path_look($0, &kind) }
    return (code, Int(kind))
  }

  @inline(never)
  static func isSame(_ first: String, _ second: String) -> Bool {
    first.withPath { first in second.withPath { martlet_path_is_same(first, $0) ? 1 : 0 } } == 1
  }

  /// That the file or folder is there.
  @inline(never)
  mutating func look(_ node: Node, _ path: String, isFolder: Bool?) {
    guard checksFiles else { return }
    let (code, kind) = ConfigurationReader.look(path)
    if code != 0 {
      var sentence = path
      if code == Int32(MARTLET_NO_FILE), isFolder == true {
        sentence.add(": there is no such folder: make it first")
      } else {
        sentence.add(": ")
        sentence.add(String(cString: martlet_error_text(code)))
      }
      messages.add(line(node), column(node), sentence, isMissing: true)
    } else if let isFolder, (kind == MARTLET_PATH_FOLDER) != isFolder {
      error(node, isFolder ? "%s: is not a folder" : "%s: is a folder, not a file", path)
    }
  }

  static func folder(of path: String) -> String {
    let folder = ConfigurationReader.folderWithSlash(of: path)
    return folder.isEmpty ? "." : folder
  }
}
