import ArgumentParser
import Foundation
import MartletConvert

@main
struct MartletTools: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martlet-tools",
    abstract: "Prepares models for Martlet on a workstation.",
    discussion: """
      Examples:
        martlet-tools convert mobilenet.tflite -o mobilenet.martlet --labels labels.txt
      """,
    version: "martlet-tools \(Converter.version)",
    subcommands: [Convert.self])

  /// Parsing errors leave with 64, as sysexits has it, and so do ours with their own codes.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as ConversionError {
      for line in error.lines { FileHandle.standardError.write(Data("martlet-tools: \(line)\n".utf8)) }
      Foundation.exit(error.exitCode)
    } catch {
      exit(withError: error)
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
