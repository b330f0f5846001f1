import ArgumentParser
import Foundation
import Martlet
import MartletConvert

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns a quantized TensorFlow Lite or ONNX model into a .martlet file.",
    discussion: """
      Takes int8 .tflite models, and older uint8 ones, which become int8 without changing a bit of their results; and \
      quantized .onnx models, in the Q/DQ and the QOperator form. What Martlet cannot run is named, operator by operator, and nothing is written.

      Example:
        martlet-tools convert net.tflite -o net.martlet --labels labels.txt
      """)

  @Argument(help: "The .tflite or .onnx model to read.")
  var input: String

  @Option(name: .shortAndLong, help: "The .martlet file to write.")
  var output: String

  @Option(help: "A text file with one label a line, as many as the model has outputs.")
  var labels: String?

  @OptionGroup var pictures: PictureOptions

  @Flag(help: "Print the summary as JSON.")
  var json = false

  func run() throws {
    var options = try pictures.options()
    options.labels = try labels.map { try LabelFile.labels(in: FileAccess.read($0), name: $0) }
    options.labelsName = labels
    guard URL(fileURLWithPath: input).standardizedFileURL != URL(fileURLWithPath: output).standardizedFileURL else {
      throw ConversionError(.badRequest, "\(output): is the source itself")
    }
    let source = try Evaluation.Source(path: input)
    let conversion = try Converter.convert(
      source.bytes, name: source.name, directory: source.directory, options: options)
    try FileAccess.write(conversion.bytes, to: output)
    print(json ? Summary.json(conversion.summary, output: output) : Summary.text(conversion.summary, output: output))
  }
}
