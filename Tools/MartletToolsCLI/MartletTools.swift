import ArgumentParser
import Foundation
import MartletConvert

@main
struct MartletTools: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martlet-tools",
    abstract: "Prepares models for Martlet on a workstation.",
    discussion: """
      Example:
        martlet-tools convert net.tflite -o net.martlet --labels labels.txt
        martlet-tools quantize net.onnx --calibrate pictures --preset imagenet -o net.martlet
      """,
    version: "martlet-tools \(Converter.version)",
    subcommands: [
      Convert.self, Quantize.self, Evaluate.self, Compare.self, RecipeCommand.self, PerplexityCommand.self, Logits.self,
      ChatFormatCommand.self,
    ])

  /// One line on standard error for each thing that is wrong, and the code of sysexits.h: 64 for the command line.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as ConversionError {
      complain(error.lines)
      Foundation.exit(error.exitCode)
    } catch {
      // Help and version are no errors; what is one gets a line, not the whole usage.
      guard !exitCode(for: error).isSuccess else { exit(withError: error) }
      complain(["\(message(for: error)) (martlet-tools --help tells more)"])
      Foundation.exit(EX_USAGE)
    }
  }

  private static func complain(_ lines: [String]) {
    for line in lines { FileHandle.standardError.write(Data("martlet-tools: \(line)\n".utf8)) }
  }
}

extension ConversionError {
  /// The code of sysexits.h.
  var exitCode: Int32 {
    switch kind {
    case .badRequest: EX_USAGE
    case .badData, .unsupported: EX_DATAERR
    case .missingFile: EX_NOINPUT
    case .cannotCreate: EX_CANTCREAT
    case .inputOutput: EX_IOERR
    }
  }
}
