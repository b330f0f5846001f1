import ArgumentParser
import Foundation
import MartletConvert
import MartletDevice

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Counts right answers on labelled pictures.",
    discussion: """
      MODEL is a .martlet file, run by the engine of the device, or a float model. The table has one line \
      'file,label' for each picture, the label being the number of the right output, from 0.

      Example:
        martlet-tools evaluate net.martlet pictures --labels pictures/labels.csv --against net.onnx
      """)

  @Argument(help: "The model.")
  var model: String

  @Argument(help: "A folder of pictures.")
  var images: String

  @Option(help: ArgumentHelp("The table of 'file,label'.", valueName: "csv"))
  var labels: String

  @Option(help: "A float model (.onnx, .tflite), or another .martlet, to compare with on the same pictures.")
  var against: String?

  @OptionGroup var pictures: PictureOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let source = try Evaluation.Source(path: model)
    let other = try against.map { try Evaluation.Source(path: $0) }
    let table = try LabelTable.read(FileAccess.read(labels), name: labels)
    var folder = try PictureFolder(images)
    let there = Set(folder.names)
    if let missing = table.files.first(where: { !there.contains($0) }) {
      throw ConversionError(.missingFile, "\(labels): names '\(missing)', which is not in \(images)")
    }
    folder.keep(table.files)
    let progress = Progress()
    defer { progress.end() }
    let found = try Evaluation(
      source, folder: folder, labels: table.labels, against: other, options: pictures.options()
    ) { progress.show($0, $1) }
    progress.end()
    if json { return try StandardOutput.print(json: EvaluationReport.json(found)) }
    try StandardOutput.print(EvaluationReport.text(found))
  }
}

/// What `evaluate` prints.
enum EvaluationReport {
  static func text(_ found: Evaluation) -> String {
    func share(_ count: Int) -> String {
      String(format: "%d of %d (%.2f %%)", count, found.count, 100 * Double(count) / Double(found.count))
    }
    var lines = [
      "top-1        \(share(found.score.top1))",
      "top-5        \(share(found.score.top5))",
    ]
    if let against = found.against, let agreed = found.agreed {
      lines += [
        "against      top-1 \(share(against.top1)), top-5 \(share(against.top5))", "agreement    \(share(agreed))",
      ]
    }
    lines.append(String(format: "speed        %.1f pictures per second on one thread", found.picturesPerSecond))
    let confusion = found.confusion.prefix(10)
    if !confusion.isEmpty {
      lines.append("most frequent mistakes:")
      for pair in confusion {
        lines.append("  \(pair.count) x \(name(pair.label, found)) taken for \(name(pair.answer, found))")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func name(_ index: Int, _ found: Evaluation) -> String {
    index < found.labels.count ? "\(index) (\(found.labels[index].visible()))" : "\(index)"
  }

  private struct Report: Encodable {
    struct Against: Encodable {
      var top1: Double
      var top5: Double
      var agreement: Double
      var top1_count: Int
      var disagreements: [String]
    }

    struct Confusion: Encodable {
      var label: Int
      var answer: Int
      var count: Int
    }

    var count: Int
    var top1: Double
    var top5: Double
    var top1_count: Int
    var top5_count: Int
    var against: Against?
    var confusion: [Confusion]
    var pictures_per_s: Double
  }

  static func json(_ found: Evaluation) -> String {
    func share(_ count: Int) -> Double { Double(count) / Double(max(1, found.count)) }
    var report = Report(
      count: found.count, top1: share(found.score.top1), top5: share(found.score.top5), top1_count: found.score.top1,
      top5_count: found.score.top5,
      confusion: found.confusion.map { Report.Confusion(label: $0.label, answer: $0.answer, count: $0.count) },
      pictures_per_s: found.picturesPerSecond)
    if let against = found.against, let agreed = found.agreed {
      report.against = Report.Against(
        top1: share(against.top1), top5: share(against.top5), agreement: share(agreed), top1_count: against.top1,
        disagreements: found.disagreements)
    }
    return Summary.encoded(report)
  }
}
