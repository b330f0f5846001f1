import Martlet
import MartletDevice

/// `martlet verify MODEL`: every hash, weights included, and every rule of the format.
enum Verify {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [])
    if arguments.has(.help) { return try report(Help.verify) }
    let path = try arguments.onlyModel()
    let file = try ModelOpener.file(path, verb: "verify")
    do throws(ModelError) {
      try Engine.verify(file: file.bytes)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
    try report("\(path.shown): ok, \(NumberText.grouped(file.bytes.count)) bytes\n")
  }
}
