import ArgumentParser
import Foundation
import MartletConvert

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turns a float model into an int8 .martlet file, with a folder of pictures to measure ranges on.",
    discussion: """
      Reads ONNX and TensorFlow Lite models in float. A hundred pictures like those that the device will see are \
      enough; they need no labels. No option is needed but the way in which the model was trained to see pixels.

      Example:
        martlet-tools quantize net.onnx --calibrate pictures --preset imagenet --labels labels.txt -o net.martlet \
      --report net.html
      """)

  @Argument(help: "The .onnx or .tflite model to read.")
  var input: String

  @Option(help: ArgumentHelp("A folder of pictures.", valueName: "folder"))
  var calibrate: String

  @Option(name: .shortAndLong, help: "The .martlet file to write.")
  var output: String

  @Option(help: "A text file with one label a line, as many as the model has outputs.")
  var labels: String?

  @OptionGroup var pictures: PictureOptions

  @OptionGroup var plan: PlanOptionGroup

  @Option(help: "How ranges of activations are chosen: min-max or mse.")
  var range: RangeMethod = QuantizerOptions().method

  @Option(
    help: "Scale channels between layers so that weights, or activations (needs many pictures), have equal ranges.")
  var equalize: Equalization = QuantizerOptions().equalization

  @Flag(inversion: .prefixedNo, help: "Move biases to make up for the mean error of each channel.")
  var biasCorrection = QuantizerOptions().correctsBias

  @Flag(inversion: .prefixedNo, help: "Round weights by least squares on each layer's output, not to nearest.")
  var refine = QuantizerOptions().refines

  @Option(help: ArgumentHelp("Use at most N of the pictures.", valueName: "N"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "Write a page with plots of errors, ranges and weights, and what each option would do.", valueName: "html"))
  var report: String?

  @Flag(help: "Print the summary as JSON.")
  var json = false

  func run() throws {
    var options = try pictures.options()
    options.labels = try labels.map { try LabelFile.labels(in: FileAccess.read($0), name: $0) }
    options.labelsName = labels
    options.plan = try plan.options()
    try ResultFiles.check([output, report], sources: [input, labels])
    if let limit, limit < 1 { throw ConversionError(.badRequest, "--limit \(limit) is less than 1") }
    var quantizer = QuantizerOptions()
    quantizer.method = range
    quantizer.equalization = equalize
    quantizer.correctsBias = biasCorrection
    quantizer.refines = refine
    quantizer.limit = limit
    quantizer.tellsEffects = report != nil
    let source = try Evaluation.Source(path: input)
    let progress = Progress()
    defer { progress.end() }
    let folder = try PictureFolder(calibrate)
    try ResultFiles.check([output, report], sources: [], folder: folder)
    let (conversion, found) = try Quantizer.quantize(
      source.bytes, name: source.name, directory: source.directory, pictures: folder, options: options,
      quantizer: quantizer
    ) { progress.show($0, $1) }
    let name = URL(fileURLWithPath: output).lastPathComponent
    let page = try report.map { _ in try HTMLReport(found, file: conversion.bytes, name: name, folder: folder).html() }
    try ResultFiles.write(conversion.bytes, to: output)
    if let report, let page { try ResultFiles.write(Array(page.utf8), to: report) }
    progress.end()
    if json {
      return try StandardOutput.print(json: Summary.json(conversion.summary, output: output, quantization: found))
    }
    try StandardOutput.print(Summary.text(conversion.summary, output: output) + "\n" + Summary.text(found))
  }
}
