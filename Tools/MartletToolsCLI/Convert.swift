import ArgumentParser
import Foundation
import Martlet
import MartletConvert

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns a TensorFlow Lite model into a .martlet file.",
    discussion: """
      Takes int8 models, and older uint8 models, which become int8 without changing a bit of their results. \
      What Martlet cannot run is named, operator by operator, and nothing is written.

      Example:
        martlet-tools convert net.tflite -o net.martlet --labels labels.txt
      """)

  @Argument(help: "The .tflite model to read.")
  var input: String

  @Option(name: .shortAndLong, help: "The .martlet file to write.")
  var output: String

  @Option(help: "A text file with one label a line, as many as the model has outputs.")
  var labels: String?

  @Option(help: "What is subtracted from a pixel (0...255): one number, or three separated by commas.")
  var mean: String?

  @Option(help: "What the difference is divided by: one number, or three separated by commas.")
  var std: String?

  @Option(help: "How a picture is fitted to the input: stretch, crop (unless told) or letterbox.")
  var resize: Resize?

  @Flag(help: "Print the summary as JSON.")
  var json = false

  enum Resize: String, ExpressibleByArgument, CaseIterable {
    case stretch, crop, letterbox

    var policy: ResizePolicy {
      switch self {
      case .stretch: .stretch
      case .crop: .crop
      case .letterbox: .letterbox
      }
    }
  }

  func run() throws {
    let options = ConversionOptions(
      labels: try labels.map { try LabelFile.labels(in: FileAccess.read($0), name: $0) }, labelsName: labels,
      mean: try numbers(mean, "--mean"), standardDeviation: try numbers(std, "--std"), resize: resize?.policy)
    guard URL(fileURLWithPath: input).standardizedFileURL != URL(fileURLWithPath: output).standardizedFileURL else {
      throw ConversionError(.badRequest, "\(output): is the source itself")
    }
    let source = try FileAccess.read(input)
    let name = URL(fileURLWithPath: input).lastPathComponent
    let conversion = try Converter.convert(source, name: name, options: options)
    try FileAccess.write(conversion.bytes, to: output)
    print(json ? Summary.json(conversion.summary, output: output) : Summary.text(conversion.summary, output: output))
  }

  private func numbers(_ text: String?, _ option: String) throws -> [Float]? {
    guard let text else { return nil }
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
    let numbers = values.compactMap { $0 }
    guard numbers.count == values.count, numbers.count == 1 || numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
      throw ConversionError(.badRequest, "\(option) '\(text)' is not one number or three separated by commas")
    }
    return numbers
  }
}
