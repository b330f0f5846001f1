import Foundation
import MartletConvert

/// What `convert` prints.
enum Summary {
  static func text(_ summary: ConversionSummary, output: String) -> String {
    func edges(_ edges: [ConversionSummary.Edge]) -> String {
      edges.map { "\($0.type) \($0.shape.map(String.init).joined(separator: "x"))" }.joined(separator: ", ")
    }
    let ratio = summary.lowerBoundBytes > 0 ? Double(summary.plannedPeakBytes) / Double(summary.lowerBoundBytes) : 1
    return """
      \(output): \(summary.fileBytes) bytes
      task          \(summary.task)\(summary.labelCount > 0 ? ", \(summary.labelCount) labels" : "")
      input         \(edges(summary.inputs))
      output        \(edges(summary.outputs))
      operators     \(summary.operators), from \(summary.sourceOperators)
      weights       \(summary.weightsBytes) bytes
      arena         \(summary.arenaBytes) bytes with one thread
      planned peak  \(summary.plannedPeakBytes) bytes
      lower bound   \(summary.lowerBoundBytes) bytes (\(String(format: "%.3f", ratio)))
      """
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
    var source_sha256: String
  }

  static func json(_ summary: ConversionSummary, output: String) -> String {
    func edges(_ edges: [ConversionSummary.Edge]) -> [Report.Edge] {
      edges.map { Report.Edge(name: $0.name, shape: $0.shape, type: $0.type) }
    }
    let report = Report(
      output: output, task: summary.task, inputs: edges(summary.inputs), outputs: edges(summary.outputs),
      labels: summary.labelCount, source_operators: summary.sourceOperators, operators: summary.operators,
      source_bytes: summary.sourceBytes, file_bytes: summary.fileBytes, weights_bytes: summary.weightsBytes,
      arena_bytes: summary.arenaBytes, planned_peak_bytes: summary.plannedPeakBytes,
      lower_bound_bytes: summary.lowerBoundBytes, source_sha256: summary.sourceSHA256)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
