import ArgumentParser
import MartletConvert

/// How a network's tensors lie in memory.
struct PlanOptionGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most that the arena may take with one thread, as inspect states it; a slower plan is taken where it has to "
        + "be, and what is the least possible is told where none fits.", valueName: "bytes"))
  var arenaLimit: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Run chains of layers strip by strip, so that wide tensors never exist whole; the results are the same.")
  var cascades = PlanOptions().hasCascades

  func options() throws -> PlanOptions {
    if let arenaLimit, arenaLimit < 1 {
      throw ConversionError(.badRequest, "--arena-limit \(arenaLimit) is not a number of bytes")
    }
    var options = PlanOptions()
    options.hasCascades = cascades
    options.arenaLimit = arenaLimit
    return options
  }

  /// A language model's arena is what its context takes.
  func refuse(for input: String) throws {
    if arenaLimit != nil {
      throw ConversionError(.badRequest, "\(input): is a language model, to which --arena-limit does not apply")
    }
  }
}
