import CMartletLinux
import MartletDevice

/// `martlet status`: asks the running service.
enum Status {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json])
    if arguments.has(.help) { return try report(Help.status) }
    let text = try ServiceSocket.ask(arguments, arguments.has(.json) ? "json\n" : "text\n", seconds: 3)
    if arguments.has(.json) { return try report(json: text) }
    try report(text)
  }
}

/// `martlet reload`: the running service takes new models and rules.
enum Reload {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [])
    if arguments.has(.help) { return try report(Help.reload) }
    let answer = try ServiceSocket.ask(arguments, "reload\n", seconds: 120)
    // The exit code, a space, and a line.
    let parts = answer.parts(at: UInt8(ascii: " "))
    guard let code = parts.first.flatMap({ Int32($0) }) else {
      throw CommandError("the service does not know how to reload: restart it", exitCode: ExitCode.unavailable)
    }
    var line = answer
    line.removeFirst(parts[0].utf8.count + 1)
    if code == 0 { return try report("reload: " + line) }
    line.removeLast()
    throw CommandError(line, exitCode: code)
  }
}

/// The socket of the running service.
enum ServiceSocket {
  /// What it answers; of the socket that the arguments name, or the usual one.
  static func ask(_ arguments: Arguments, _ question: String, seconds: Int32) throws(CommandError) -> String {
    guard arguments.paths.count <= 1 else { throw .usage("\(arguments.paths[1].text): one socket at a time") }
    let standard: StaticString = "/run/martlet/status.sock"
    let path =
      arguments.paths.first
      ?? FilePath(UnsafeRawPointer(standard.utf8Start).assumingMemoryBound(to: CChar.self))
    let capacity = 1 << 20
    let answer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { answer.deallocate() }
    var count = 0
    let code = question.withPath { martlet_status_ask(path.cString, $0, seconds, answer, capacity, &count) }
    if code == Int32(MARTLET_NO_PERMISSION) {
      throw CommandError(
        "\(path.text): no permission: root may ask, and members of the service's group (adduser NAME martlet)",
        exitCode: ExitCode.noPermission)
    }
    guard code == 0, count > 0 else {
      let reason = code == 0 ? "no answer" : String(cString: martlet_error_text(code))
      throw CommandError(
        "\(path.text): \(reason); is the service running? (systemctl status martlet)", exitCode: ExitCode.unavailable)
    }
    return String(utf8: UnsafeRawBufferPointer(start: answer, count: count))
  }
}
