import CMartletLinux
import MartletDevice

/// `martlet status`: asks the running service.
enum Status {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json, .check])
    if arguments.has(.help) { return try report(Help.status) }
    if arguments.has(.check) {
      guard !arguments.has(.json) else { throw .usage("--check answers by its exit code and one line: without --json") }
      return try ServiceSocket.report(try ServiceSocket.ask(arguments, "check\n", seconds: 3))
    }
    let isJSON = arguments.has(.json)
    let text = try ServiceSocket.ask(arguments, isJSON ? "json\n" : "text\n", seconds: 3)
    if isJSON { return try report(json: text) }
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
    try ServiceSocket.report(try ServiceSocket.ask(arguments, "reload\n", seconds: 120))
  }
}

/// The socket of the running service.
enum ServiceSocket {
  /// An answer that is an exit code, a space, and a line.
  static func report(_ answer: String) throws(CommandError) {
    var (answer, code, line) = (answer, Int32(0), "")
    answer.withUTF8 { bytes in
      var at = 0
      while at < bytes.count, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9"), at < 3 {
        code = code * 10 + Int32(bytes[at] - UInt8(ascii: "0"))
        at += 1
      }
      let end = max(at, bytes.count - 1)
      if at > 0, at < end {
        line = String(utf8: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[(at + 1)..<end]))
      }
    }
    if line.isEmpty {
      throw CommandError("the service is of another version: restart it", exitCode: ExitCode.unavailable)
    }
    if code != 0 { throw CommandError(line, exitCode: code) }
    line.add("\n")
    try MartletCLI.report(line)
  }

  /// What it answers; of the socket that the arguments name, or the usual one.
  static func ask(_ arguments: Arguments, _ question: StaticString, seconds: Int32) throws(CommandError) -> String {
    guard arguments.paths.count <= 1 else { throw .usage("\(arguments.paths[1].text): one socket at a time") }
    let standard: StaticString = "/run/martlet/status.sock"
    let path =
      arguments.paths.first
      ?? FilePath(UnsafeRawPointer(standard.utf8Start).assumingMemoryBound(to: CChar.self))
    let capacity = 1 << 20
    let answer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { answer.deallocate() }
    var count = 0
    let words = UnsafeRawPointer(question.utf8Start).assumingMemoryBound(to: CChar.self)
    let code = martlet_status_ask(path.cString, words, seconds, answer, capacity, &count)
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
