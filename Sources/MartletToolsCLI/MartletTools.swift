import ArgumentParser
import CMartletLinux
import Foundation
import MartletConvert
import MartletDevice

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
    martlet_streams_open()
    let name: StaticString = "martlet-tools"
    martlet_file_guard(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
    do {
      try runCommand()
    } catch let error as ConversionError {
      for line in error.lines { Output.tell("martlet-tools: \(line)") }
      Foundation.exit(error.exitCode)
    } catch {
      let line = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
      Output.tell("martlet-tools: \(line) (martlet-tools --help tells more)")
      Foundation.exit(EX_USAGE)
    }
  }

  private static func runCommand() throws {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      // Help and version are no errors; what is one gets a line, not the whole usage.
      guard !(error is ConversionError), exitCode(for: error).isSuccess else { throw error }
      try StandardOutput.print(fullMessage(for: error))
    }
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
