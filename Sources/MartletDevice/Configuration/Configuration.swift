import CMartletLinux

/// What the pipeline is told: a configuration file, read and checked.
///
/// `read` fills it; what a key that is absent counts as stands in the table of keys, not in the parts' own beginnings.
///
/// References between its parts (a camera's model, a rule's line) are indices into these arrays. Every part has the
/// line of the file where it begins, for messages that come later.
public struct Configuration: Sendable {
  public static let maxModels = 8
  public static let maxLines = 32
  public static let maxCameras = 8
  /// Of all cameras together.
  public static let maxRules = 64
  public static let maxActions = 8
  public static let maxClasses = 64
  public static let maxControls = 32
  static let maxControlText = 63

  /// Of the file, as it was given.
  public var path = ""
  public var models: [ModelConfiguration] = []
  public var lines: [LineConfiguration] = []
  public var cameras: [CameraConfiguration] = []
  public var log: LogConfiguration?
  public var frames: FramesConfiguration?
  /// The path of the status socket, at most 107 bytes; nil: there is none.
  public var status: String?
  public var statusPlace = ConfigurationPlace()
  /// What a service that runs cannot take anew.
  var fixedParts: [FixedPart] = []

  public init() {}
}

enum RootKey: Int, MappingKey {
  case models, lines, cameras, log, frames, status

  static var mapping: ConfigurationMapping { .root }

  var row: ConfigurationKey {
    switch self {
    case .models:
      .init("models", .named(.model, limit: Configuration.maxModels), .meaning("none"), "cameras share them")
    case .lines: .init("lines", .named(.line, limit: Configuration.maxLines), .meaning("none"), "GPIO lines")
    case .cameras:
      .init("cameras", .named(.camera, limit: Configuration.maxCameras), .conditional(), "where frames come from")
    case .log: .init("log", .mapping(.log), .meaning("none"), "where decisions are written")
    case .frames: .init("frames", .mapping(.frames), .meaning("none"), "where frames are saved")
    case .status: .init("status", .socketPath, .meaning("none"), "the socket that martlet status asks")
    }
  }
}

extension ConfigurationReader {
  mutating func readRoot() {
    guard let fields = fields(0, RootKey.self) else { return }
    // What cameras refer to comes first, wherever it stands.
    definitions(fields[.models]) { $0.readModel($1, $2) }
    definitions(fields[.lines]) { $0.readLine($1, $2) }
    usedModels = [Bool](repeating: false, count: configuration.models.count)
    usedLines = [Bool](repeating: false, count: configuration.lines.count)
    readLog(fields[.log].node)
    readFrames(fields[.frames].node)
    configuration.status = socketPath(fields[.status])
    configuration.statusPlace = place(fields[.status])
    definitions(fields[.cameras]) { $0.readCamera($1, $2) }
    let cameras = fields[.cameras].node
    if fields[.cameras].isMissing || cameras >= 0 && isMapping(cameras) && first(cameras) < 0 {
      error(max(cameras, 0), "there is no camera: cameras: is missing or empty")
    }
    configuration.fixedParts = fixedParts()
    reportMissingParts()
    reportShared()
    reportUnused(fields[.models].node, usedModels, "no camera uses the model %v")
    reportUnused(fields[.lines].node, usedLines, "no trigger and no rule uses the line %v")
  }
}

extension Configuration {
  /// Reads a configuration.
  ///
  /// - Parameters:
  ///   - bytes: the file's content.
  ///   - path: of the file: for messages, and relative paths in it begin in its folder.
  ///   - checksFiles: whether files and folders that it names must be there. (What is in a model is checked when it is
  ///     opened; cameras and lines are not touched.)
  /// - Returns: what was read, and everything that is wrong with it; only without errors can it be used.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, path: String, checksFiles: Bool = true
  ) -> (configuration: Configuration, messages: ConfigurationMessages) {
    let reader = ConfigurationReader(bytes, path: path, checksFiles: checksFiles)
    return (reader.configuration, reader.messages)
  }

  /// Reads a configuration file; relative paths in it begin in its folder.
  public static func read(
    file: FilePath
  ) throws(FileError) -> (configuration: Configuration, messages: ConfigurationMessages) {
    // One byte more tells a file that is too large.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(MARTLET_YAML_MAX_BYTES) + 1, alignment: 8)
    defer { buffer.deallocate() }
    var count = 0
    let code = martlet_file_read(file.cString, buffer.baseAddress, buffer.count, &count)
    if code != 0 { throw FileError(.read, file, code: code) }
    return read(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]), path: file.text)
  }
}
