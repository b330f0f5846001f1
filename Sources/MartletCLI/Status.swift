import CMartletLinux
import MartletDevice

/// `martlet status`: asks the running service.
enum Status {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.json])
    if arguments.has(.help) { return try report(Help.status) }
    guard arguments.paths.count <= 1 else { throw .usage("\(arguments.paths[1].text): one socket at a time") }
    let standard: StaticString = "/run/martlet/status.sock"
    let path =
      arguments.paths.first
      ?? FilePath(UnsafeRawPointer(standard.utf8Start).assumingMemoryBound(to: CChar.self))
    let capacity = 1 << 20
    let answer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { answer.deallocate() }
    var count = 0
    let code = martlet_status_ask(path.cString, arguments.has(.json) ? "json\n" : "text\n", 3, answer, capacity, &count)
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
    let text = String(utf8: UnsafeRawBufferPointer(start: answer, count: count))
    if arguments.has(.json) { return try report(json: text) }
    try report(text)
  }
}
