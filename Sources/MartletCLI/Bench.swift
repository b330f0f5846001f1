import CMartletLinux
import CMartletPlatform
import Martlet
import MartletDevice

/// `martlet bench MODEL`: what one inference takes on this machine.
enum Bench {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(argc, argv, options: [.threads, .runs, .profile, .json, .cache, .batch])
    if arguments.has(.help) { return try report(Help.bench) }
    let path = try arguments.onlyModel()
    let threads = try arguments.threads()
    let runs = try arguments.integer(.runs, in: 1...100_000, default: 100)
    let isa = try ModelOpener.isa()
    let language = LanguageOptions(
      threads: threads, isCacheFloat: try arguments.isCacheFloat(), batch: try arguments.batch())

    let opened = martlet_now_ns()
    let file = try ModelOpener.file(path, verb: "bench")
    if file.task == .language {
      let result = try BenchLanguage(file, language, runs: arguments.has(.runs) ? runs : 3)
      if arguments.has(.json) { return try report(json: result.json()) }
      return try report(result.text())
    }
    var model = try ModelOpener.load(file, threads: threads, isa: isa)
    let ready = martlet_now_ns()
    var measured = Measurement(runs: runs)
    measured.loadNs = ready - opened
    var input = MadeUpInput()
    input.fill(&model)
    let before = martlet_now_ns()
    model.engine.run(on: model.team)
    let first = martlet_now_ns()
    measured.firstInferenceNs = first - before
    measured.coldStartNs = first - martlet_process_start_ns()

    measured.time(&model, &input)
    if arguments.has(.profile) { measured.profile(&model, &input, sweeps: min(runs, 50)) }
    measured.peakResidentBytes = martlet_peak_resident_bytes()
    let result = BenchReport(measured, model.engine, isa: InstructionSet.name(isa), threads: model.team.threads)
    if arguments.has(.json) { return try report(json: result.json(model.engine)) }
    try report(result.text(model.engine))
  }
}
