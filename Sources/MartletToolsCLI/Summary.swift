import Foundation
import MartletConvert
import MartletDevice

/// What `convert` prints.
enum Summary {
  static func text(_ summary: ConversionSummary, output: String) -> String {
    func edges(_ edges: [ConversionSummary.Edge]) -> String {
      edges.map { "\($0.type) \($0.shape.map(String.init).joined(separator: "x"))" }.joined(separator: ", ")
    }
    let ratio = summary.lowerBoundBytes > 0 ? Double(summary.plannedPeakBytes) / Double(summary.lowerBoundBytes) : 1
    var text = """
      \(output.visible()): \(summary.fileBytes) bytes
      task          \(summary.task)\(summary.labelCount > 0 ? ", \(summary.labelCount) labels" : "")
      input         \(edges(summary.inputs))
      output        \(edges(summary.outputs))
      operators     \(summary.operators), from \(summary.sourceOperators)
      weights       \(summary.weightsBytes) bytes
      arena         \(summary.arenaBytes) bytes with one thread
      planned peak  \(summary.plannedPeakBytes) bytes
      lower bound   \(summary.lowerBoundBytes) bytes (\(String(format: "%.3f", ratio))), \
      \(summary.wholeLowerBoundBytes) layer by layer
      """
    if let pixels = summary.normalization {
      func words(_ values: [Float]) -> String { Set(values).count == 1 ? "\(values[0])" : "\(values)" }
      text += "\npixels        (pixel - \(words(pixels.mean))) / \(words(pixels.standardDeviation))"
    }
    for note in summary.notes { text += "\nnote          \(note.visible())" }
    return text
  }

  static func text(_ found: AccuracyReport) -> String {
    var lines = found.provenance.map { line in
      line.replacingOccurrences(of: "calibration: ", with: "calibration   ")
    }
    lines += [
      String(
        format: "agreement     %.1f %% of the pictures have float's best class; outputs %.1f dB", 100 * found.agreement,
        found.outputs.signalToNoise)
    ]
    for layer in found.worstFirst.prefix(3) {
      lines.append(String(format: "weakest       %.1f dB  ", layer.statistics.signalToNoise) + layer.name.visible())
    }
    return lines.joined(separator: "\n")
  }

  private struct Report: Encodable {
    struct Edge: Encodable {
      var name: String
      var shape: [Int]
      var type: String
    }

    var output: String
    var task: String
    var inputs: [Edge]
    var outputs: [Edge]
    var labels: Int
    var source_operators: Int
    var operators: Int
    var source_bytes: Int
    var file_bytes: Int
    var weights_bytes: Int
    var arena_bytes: Int
    var planned_peak_bytes: Int
    var lower_bound_bytes: Int
    var whole_lower_bound_bytes: Int
    var cascades: Int
    var source_sha256: String
    var notes: [String]
    var quantization: Quantization?

  }

  /// Of quantization and comparison.
  struct Quantization: Encodable {
    struct Layer: Encodable {
      var name: String
      var tensor: String
      var db: Double
      var cosine: Double
      var saturation: Double
      var scale: Float
      var zero_point: Int32
      var advice: String?
    }

    var pictures: Int
    var agreement: Double
    var output_db: Double
    var disagreements: [String]
    var layers: [Layer]

    init(_ found: AccuracyReport) {
      pictures = found.pictureCount
      agreement = found.agreement
      output_db = found.outputs.signalToNoise
      disagreements = found.disagreements.map(\.picture)
      layers = found.layers.map {
        Layer(
          name: $0.name, tensor: $0.tensor, db: $0.statistics.signalToNoise, cosine: $0.statistics.cosine,
          saturation: $0.statistics.saturation, scale: $0.quantization.scale, zero_point: $0.quantization.zeroPoint,
          advice: $0.advice)
      }
    }
  }

  static func json(_ summary: ConversionSummary, output: String, quantization: AccuracyReport? = nil) -> String {
    func edges(_ edges: [ConversionSummary.Edge]) -> [Report.Edge] {
      edges.map { Report.Edge(name: $0.name, shape: $0.shape, type: $0.type) }
    }
    var report = Report(
      output: output, task: summary.task, inputs: edges(summary.inputs), outputs: edges(summary.outputs),
      labels: summary.labelCount, source_operators: summary.sourceOperators, operators: summary.operators,
      source_bytes: summary.sourceBytes, file_bytes: summary.fileBytes, weights_bytes: summary.weightsBytes,
      arena_bytes: summary.arenaBytes, planned_peak_bytes: summary.plannedPeakBytes,
      lower_bound_bytes: summary.lowerBoundBytes, whole_lower_bound_bytes: summary.wholeLowerBoundBytes,
      cascades: summary.cascadeCount, source_sha256: summary.sourceSHA256,
      notes: summary.notes)
    if let found = quantization {
      report.quantization = Quantization(found)
    }
    return encoded(report)
  }

  static func encoded(_ report: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
