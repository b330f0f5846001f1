/// A model that cameras share.
public struct ModelConfiguration: Sendable {
  public var name = ""
  /// From the root, or from the working directory.
  public var file = ""
  /// 1...64
  public var threads = 0
  /// Where the configuration names the file, from 1.
  public var line = 0
  public var column = 0
}

enum ModelKey: Int, MappingKey {
  case file, threads

  static var mapping: ConfigurationMapping { .model }

  var row: ConfigurationKey {
    switch self {
    case .file: .init("file", .path, .required(), "the .martlet file")
    case .threads: .init("threads", .integer(1, 64), .value("1"), "how many compute together")
    }
  }
}

extension ConfigurationReader {
  mutating func readModel(_ key: Node, _ node: Node) {
    var model = ModelConfiguration()
    model.name = name(key)
    model.line = line(key)
    model.column = column(key)
    if let fields = fields(node, ModelKey.self) {
      let file = fields[.file]
      if let path = path(file) {
        model.file = path
        model.line = line(file.node)
        model.column = column(file.node)
        look(file.node, path, isFolder: false)
      }
      model.threads = integer(fields[.threads]) ?? model.threads
    }
    configuration.models.append(model)
    modelNames.append(model.name)
  }
}
