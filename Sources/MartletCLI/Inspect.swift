import CMartletLinux
import Martlet
import MartletDevice

/// `martlet inspect MODEL`: what a model is, and exactly what it needs.
enum Inspect {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.threads, .json, .svg, .operators, .context, .cache, .batch])
    if arguments.has(.help) { return try report(Help.inspect) }
    let path = try arguments.onlyModel()
    let threads = try arguments.threads()
    let file = try ModelOpener.file(path, verb: "inspect")
    if file.task == .language { return try language(file, arguments, threads: threads) }
    let model = try ModelOpener.described(file, threads: threads)
    let plan = ArenaMap(model.tables)
    if let target = arguments.value(.svg) { try draw(plan, of: path, to: FilePath(target)) }
    if arguments.has(.json) {
      try report(json: InspectJSON.text(model.tables, file, plan, operators: arguments.has(.operators)))
    } else {
      try report(InspectText.text(model.tables, file, operators: arguments.has(.operators)))
    }
  }

  private static func language(
    _ file: borrowing ModelFile, _ arguments: Arguments, threads: Int
  ) throws(CommandError) {
    let options = LanguageOptions(
      contextLength: try arguments.integer(.context, in: 1...LanguageFormat.maxContext, default: 0), threads: threads,
      isCacheFloat: try arguments.isCacheFloat(), batch: try arguments.batch())
    let description: InspectLanguage
    do throws(ModelError) {
      description = try InspectLanguage(file, options)
    } catch {
      throw CommandError(file.sentence(for: error), exitCode: ExitCode.data)
    }
    if arguments.has(.json) { return try report(json: description.json()) }
    try report(description.text())
  }

  private static func draw(_ plan: ArenaMap, of model: FilePath, to target: FilePath) throws(CommandError) {
    var svg = plan.svg(title: model.text)
    let code = svg.withUTF8 { martlet_file_replace(target.cString, $0.baseAddress, $0.count) }
    if code != 0 { throw CommandError(FileError(.write, target, code: code)) }
  }
}
