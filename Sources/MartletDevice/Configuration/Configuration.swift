import CMartletLinux

/// What the pipeline is told: a configuration file, read and checked.
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

  /// Of the file, as it was given.
  public var path = ""
  public var models: [ModelConfiguration] = []
  public var lines: [LineConfiguration] = []
  public var cameras: [CameraConfiguration] = []
  public var log: LogConfiguration?
  public var frames: FramesConfiguration?
  /// The path of the status socket, at most 107 bytes; nil: there is none.
  public var status: String?

  public init() {}
}

/// A model that cameras share.
public struct ModelConfiguration: Sendable {
  public var name = ""
  /// From the root, or from the working directory.
  public var file = ""
  /// 1...64
  public var threads = 1
  /// Where the configuration names the file, from 1.
  public var line = 0
  public var column = 0
}

/// A GPIO line, with what it is for.
public struct LineConfiguration: Sendable {
  public enum Direction: Int, Sendable { case input, output }
  public enum Edge: Int, Sendable { case rising, falling, both }
  public enum Bias: Int, Sendable { case asIs, disabled, pullUp, pullDown }
  public enum Drive: Int, Sendable { case pushPull, openDrain, openSource }

  /// What the configuration calls it.
  public var name = ""
  /// A chip's name or label; nil: the line is looked for by its name on all chips.
  public var chip: String?
  /// The line's offset on the chip; -1: `lineName` names it.
  public var offset = -1
  public var lineName = ""
  public var direction = Direction.output
  public var isActiveLow = false
  public var bias = Bias.asIs
  /// Of an output.
  public var drive = Drive.pushPull
  /// The level of an output at start, on error and at exit.
  public var isSafeActive = false
  /// Of an input: the edges that are events. With `isActiveLow`, rising is to the active level.
  public var edge = Edge.rising
  /// Of an input; 0: none.
  public var debounceNs: UInt64 = 0
  public var line = 0
}

/// What to do with a decision's frame while a rule holds.
public struct ActionConfiguration: Sendable {
  public enum Kind: Sendable {
    /// The line (an index of `Configuration.lines`) is active for a time, from the moment of the decision or, with a
    /// delay, from `delayNs` after the frame was captured.
    case pulse(line: Int, durationNs: UInt64, delayNs: UInt64?)
    /// The line is active while the rule holds (with several rules: any of them).
    case set(line: Int)
    /// A record in the decision log.
    case log
    /// The frame goes into the frame store.
    case save

    /// What is to be done, whatever with.
    public var verb: Verb {
      switch self {
      case .pulse: .pulse
      case .set: .set
      case .log: .log
      case .save: .save
      }
    }
  }

  public enum Verb: Sendable { case pulse, set, log, save }

  public var kind: Kind
  public var line: Int
}

/// When a camera's frame is decided on.
public enum TriggerConfiguration: Sendable {
  /// Every frame, the newest one each time.
  case frames
  /// The newest frame at every interval.
  case interval(ns: UInt64)
  /// The first frame captured `delayNs` or later after an edge of the line (an index of `Configuration.lines`).
  case line(Int, delayNs: UInt64)
}

/// Where decisions are written.
public struct LogConfiguration: Sendable {
  public enum Every: Int, Sendable { case decision, rule }
  public enum Sync: Int, Sendable { case each, second, no }

  /// "-" is standard output.
  public var file = ""
  public var maxBytes: UInt64 = 10 << 20
  /// Old files beside the current one: FILE.1 is the youngest.
  public var keep = 5
  /// Every decision, or those in which a rule with the action `log` fires.
  public var every = Every.decision
  /// When what is written is forced onto the disk: after each record, each second, or when the system likes.
  public var sync = Sync.second
  public var line = 0
}

/// Where frames are saved.
public struct FramesConfiguration: Sendable {
  public var folder = ""
  public var maxBytes: UInt64 = 200 << 20
  public var line = 0
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
