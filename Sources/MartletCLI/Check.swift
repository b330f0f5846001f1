import Martlet
import MartletDevice

/// `martlet check CONFIG`: everything that is wrong with a configuration, without changing a camera or a line.
enum Check {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json, .keys, .service])
    if arguments.has(.help) { return try report(Help.check) }
    if arguments.has(.keys) {
      guard arguments.paths.isEmpty else { throw .usage("--keys: without a configuration") }
      return try arguments.has(.json) ? report(json: CheckKeys.json()) : report(CheckKeys.text())
    }
    guard let path = arguments.paths.first else { throw .usage("which configuration? martlet check martlet.yaml") }
    guard arguments.paths.count == 1 else { throw .usage("\(arguments.paths[1].text): one configuration at a time") }
    let check = try open(path, looksAround: true, isForService: arguments.has(.service))
    if arguments.has(.json) {
      try report(json: json(check, path))
    } else {
      Output.write(check.messages.text(path: path.shown), to: .error)
      if check.messages.errorCount == 0 { try report(CheckReport.text(check)) }
    }
    if check.messages.errorCount > 0 { throw refusal(check.messages) }
  }

  /// Reads a configuration and opens its models: what `run` begins with too.
  @inline(never)
  static func open(
    _ path: FilePath, looksAround: Bool = false, isForService: Bool = false
  ) throws(CommandError) -> ConfigurationCheck {
    do throws(FileError) {
      return try ConfigurationCheck(file: path, looksAround: looksAround, isForService: isForService)
    } catch {
      throw CommandError(error)
    }
  }

  /// Of a configuration whose errors have been said.
  static func refusal(_ messages: ConfigurationMessages) -> CommandError {
    var error = CommandError("", exitCode: messages.exitCode)
    error.isSaid = true
    return error
  }

  private static func json(_ check: ConfigurationCheck, _ path: FilePath) -> String {
    var json = JSONWriter()
    json.begin()
    json.field("configuration", path.text)
    json.field("error_count", check.messages.errorCount)
    json.beginArray("messages")
    for message in check.messages.list {
      json.beginObject()
      json.field("line", message.line)
      json.field("column", message.column)
      json.field("kind", message.isWarning ? "warning" : "error")
      json.field("sentence", message.sentence)
      json.endObject()
    }
    json.endArray()
    json.beginArray("models")
    for index in 0..<check.models.count {
      json.beginObject()
      json.field("name", check.configuration.models[index].name)
      json.field("file", check.configuration.models[index].file)
      json.field("arena_bytes", check.models[index].arenaBytes)
      json.field("label_count", check.models[index].classCount)
      json.endObject()
    }
    json.endArray()
    json.beginArray("cameras")
    for index in check.configuration.cameras.indices {
      json.beginObject()
      json.field("name", check.configuration.cameras[index].name)
      if let volume = check.logVolume(ofCamera: index), check.configuration.log != nil {
        json.field("record_bytes", volume.bytesPerRecord)
        if let bytes = volume.bytesPerDay { json.field("log_bytes_per_day", Int(bytes)) }
      }
      json.endObject()
    }
    json.endArray()
    json.field("camera_count", check.configuration.cameras.count)
    json.field("line_count", check.configuration.lines.count)
    json.end()
    return json.text
  }
}
