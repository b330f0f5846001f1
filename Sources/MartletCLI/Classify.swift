import CMartletPlatform
import Martlet
import MartletDevice

/// `martlet classify MODEL PICTURE...`: what each picture shows.
enum Classify {
  static func run(
    _ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(CommandError) {
    let arguments = try Arguments(
      argc, argv,
      options: [.top, .threads, .resize, .json, .verbose, .camera, .once, .watch, .format, .size, .rate])
    if arguments.has(.help) { return try report(Help.classify) }
    if arguments.has(.camera) { return try ClassifyCamera.run(arguments) }
    for option in [Option.once, .watch, .format, .size, .rate] where arguments.has(option) {
      throw .usage("--\(option.name.text) is for frames of a camera: --camera /dev/video0")
    }
    guard arguments.paths.count >= 2 else {
      throw .usage("a model and at least one picture are needed: martlet classify model.martlet photo.jpg")
    }
    let top = try arguments.integer(.top, in: 1...1000, default: 5)
    let policy = try policy(arguments)
    let threads = try arguments.threads()
    let isa = try ModelOpener.isa()

    let opened = martlet_now_ns()
    let file = try ModelOpener.file(arguments.paths[0], verb: "classify")
    var model = try ModelOpener.load(file, threads: threads, isa: isa)
    let ready = martlet_now_ns()
    try requireScores(model.engine, file.path)
    var loader = try pictureLoader(model.engine, file.path)
    var answer = ClassifyReport(
      model: file.path, loadNs: ready - opened, isJSON: arguments.has(.json), isVerbose: arguments.has(.verbose))
    for path in arguments.paths.dropFirst() { classify(path, &loader, &model, policy, top, &answer) }
    try answer.end()
  }

  private static func pictureLoader(
    _ engine: borrowing Engine, _ path: FilePath
  ) throws(CommandError) -> PictureLoader {
    do throws(PictureError) {
      return try PictureLoader(for: engine)
    } catch {
      throw CommandError(path.text + ": " + error.sentence, exitCode: error.exitCode)
    }
  }

  private static func classify(
    _ path: FilePath, _ loader: inout PictureLoader, _ model: inout LoadedModel, _ policy: ResizePolicy?, _ top: Int,
    _ answer: inout ClassifyReport
  ) {
    let start = martlet_now_ns()
    do throws(PictureError) {
      try loader.load(path: path, into: model.engine, policy: policy)
    } catch {
      answer.fail(path, error)
      return
    }
    let loaded = martlet_now_ns()
    model.engine.run(on: model.team)
    let done = martlet_now_ns()
    var scores = [Score](repeating: Score(index: 0, real: 0), count: top)
    let count = scores.withUnsafeMutableBufferPointer { model.engine.topScores(into: $0) }
    answer.add(path, scores[..<count], model.engine, pictureNs: loaded - start, inferenceNs: done - loaded)
  }

  @inline(never)
  static func policy(_ arguments: Arguments) throws(CommandError) -> ResizePolicy? {
    guard let value = arguments.value(.resize) else { return nil }
    let word = Word(value)
    if word == "stretch" { return .stretch }
    if word == "crop" { return .crop }
    if word == "letterbox" { return .letterbox }
    throw .usage("--resize \(word.text): must be stretch, crop or letterbox")
  }

  @inline(never)
  static func requireScores(_ engine: borrowing Engine, _ path: FilePath) throws(CommandError) {
    let output = engine.outputCount > 0 ? engine.tensor(Int(engine.manifest.outputs[0].tensor)).type : 0
    guard output == ElementType.int8.rawValue else {
      throw CommandError("\(path.text): the model's output is no list of scores; try infer", exitCode: ExitCode.data)
    }
  }
}
