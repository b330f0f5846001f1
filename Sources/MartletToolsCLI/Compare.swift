import ArgumentParser
import Foundation
import MartletConvert
import MartletDevice

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows layer by layer how far a .martlet file is from its float model.",
    discussion: """
      Runs both on pictures and compares the tensors of one name: signal-to-noise ratio in decibels, cosine, the \
      share of values that the range cuts off, and what to try. Weakest layers first.

      Example:
        martlet-tools compare net.onnx net.martlet --images pictures --report net.html
      """)

  @Argument(help: "The float model (.onnx, .tflite).")
  var float: String

  @Argument(help: "The .martlet file made from it.")
  var model: String

  @Option(help: ArgumentHelp("A folder of pictures.", valueName: "folder"))
  var images: String

  @OptionGroup var pictures: PictureOptions

  @Option(help: ArgumentHelp("Use at most N of the pictures.", valueName: "N"))
  var limit: Int = 32

  @Option(help: ArgumentHelp("Show N layers; 0 shows all.", valueName: "N"))
  var top: Int = 20

  @Option(help: ArgumentHelp("Write a page with plots of errors, ranges and weights.", valueName: "html"))
  var report: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    guard limit >= 1, top >= 0 else {
      throw ConversionError(.badRequest, "--limit and --top take a number from 1, or 0")
    }
    let source = try Evaluation.Source(path: float)
    let file = try Evaluation.Source(path: model)
    var folder = try PictureFolder(images)
    try ResultFiles.check([report], sources: [float, model], folder: folder)
    folder.thin(to: limit)
    let progress = Progress()
    defer { progress.end() }
    let found = try Comparison.run(float: source, device: file, folder: folder, options: pictures.options()) {
      progress.show($0, $1)
    }
    progress.end()
    if let report {
      let page = try HTMLReport(found, file: file.bytes, name: file.name, folder: folder).html()
      try ResultFiles.write(Array(page.utf8), to: report)
    }
    if json { return try StandardOutput.print(json: Summary.encoded(Summary.Quantization(found))) }
    try StandardOutput.print(text(found))
  }

  private func text(_ found: AccuracyReport) -> String {
    var lines = [
      String(
        format: "%d pictures, %.1f %% with float's best class; outputs %.1f dB, cosine %.5f", found.pictureCount,
        100 * found.agreement, found.outputs.signalToNoise, found.outputs.cosine),
      "    dB   cosine  cut off  range                 layer",
    ]
    for layer in found.worstFirst.prefix(top == 0 ? found.layers.count : top) {
      let range = layer.quantization.range
      let bounds = String(format: "%.4g...%.4g", range.lowerBound, range.upperBound)
      lines.append(
        String(
          format: "%6.1f  %.5f %6.2f %%  ", layer.statistics.signalToNoise, layer.statistics.cosine,
          100 * layer.statistics.saturation) + bounds.padding(toLength: 22, withPad: " ", startingAt: 0)
          + layer.name.visible())
      if let advice = layer.advice { lines.append("        try: \(advice)") }
    }
    lines += found.notes.map { "note: \($0)" }
    return lines.joined(separator: "\n")
  }
}
