/// Where frames are saved.
public struct FramesConfiguration: Sendable {
  public var folder = ""
  public var maxBytes: UInt64 = 0
  public var line = 0
  /// Of `folder`.
  public var place = ConfigurationPlace()
}

enum FramesKey: Int, MappingKey {
  case folder, maxSize

  static var mapping: ConfigurationMapping { .frames }

  var row: ConfigurationKey {
    switch self {
    case .folder: .init("folder", .path, .required(), "where the action save puts frames")
    case .maxSize: .init("max-size", .size("64KiB", "1024GiB"), .value("200MiB"), "the oldest are removed first")
    }
  }
}

extension ConfigurationReader {
  mutating func readFrames(_ node: Node) {
    guard node >= 0, let fields = fields(node, FramesKey.self) else { return }
    var frames = FramesConfiguration()
    frames.line = line(node)
    let folder = fields[.folder]
    frames.place = place(folder)
    if let path = path(folder) {
      frames.folder = path
      look(folder.node, path, isFolder: true)
    }
    frames.maxBytes = size(fields[.maxSize]) ?? frames.maxBytes
    configuration.frames = frames
  }
}
