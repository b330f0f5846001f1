import CMartletPlatform
import Foundation
import Martlet

/// Rounds a language model to int4 by what flows through it while it reads a text: GPTQ, layer after layer, each with
/// the inputs that the rounded layers before it leave (Frantar et al., "GPTQ", 2022).
///
/// Takes the model's source floats of one layer, four matrices of second moments (4 * columns^2 bytes each), twice the
/// stream (4 * tokens * hiddenSize bytes) and the result, besides the embedding's floats.
final class CalibratedRounding {
  /// Of the mean of the inputs' squares, what joins each: GPTQ's.
  static let damping: Float = 0.01
  /// Of an embedding that is the head too: its rows are inputs as well, where every error weighs alike.
  static let tiedDamping: Float = 0.1

  struct Place: Hashable {
    let kind: LanguageTensorKind
    let layer: Int
  }

  private let source: any LanguageSource
  private let record: LanguageRecord
  private let parts: [[Int32]]
  private let length: Int
  private let threads: Int
  private let teamRegion: UnsafeMutableRawPointer?
  private let team: Team
  private(set) var results: [Place: PackedTensor] = [:]

  var tokens: Int { parts.count * length }

  init(_ source: any LanguageSource, _ record: LanguageRecord, _ text: CalibrationText) throws(ConversionError) {
    self.source = source
    self.record = record
    parts = try text.parts(source, context: Int(record.contextLength))
    length = parts[0].count
    let wanted = min(ProcessInfo.processInfo.activeProcessorCount, 64)
    let bytes = wanted > 1 ? Team.byteCount(threads: wanted) : 0
    teamRegion = bytes > 0 ? martlet_map_memory(bytes) : nil
    threads = teamRegion == nil ? 1 : wanted
    team = Team(
      threads: threads,
      region: UnsafeMutableRawBufferPointer(start: teamRegion, count: teamRegion == nil ? 0 : bytes))
  }

  /// - Parameters:
  ///   - head: what embedding and head are held as.
  ///   - progress: called with the share of layers that are done.
  func run(head: LanguageWeights, progress: (Double) -> Void) throws(ConversionError) {
    var streams = try embedded()
    let layers = Int(record.layerCount)
    for layer in 0..<layers {
      try round(layer, &streams)
      progress(Double(layer + 1) / Double(layers + 1))
    }
    if head == .int4 { try roundHead(&streams) }
  }

  /// [parts, length, hidden]
  private func embedded() throws(ConversionError) -> [Float] {
    let hidden = Int(record.hiddenSize)
    let rows = try source.values(.embedding, -1, record)
    var streams: [Float] = []
    streams.reserveCapacity(tokens * hidden)
    for part in parts {
      for id in part {
        guard id >= 0, Int(id) < Int(record.vocabularySize) else {
          throw .badData("\(source.name): the tokenizer has more tokens than the embedding")
        }
        for value in rows[Int(id) * hidden..<(Int(id) + 1) * hidden] { streams.append(value * record.embeddingScale) }
      }
    }
    return streams
  }

  private static let matrices: [LanguageTensorKind] = [.queryKeyValue, .attentionOutput, .gateUp, .down]

  private func round(_ layer: Int, _ streams: inout [Float]) throws(ConversionError) {
    var values: [LanguageTensorKind: [Float]] = [:]
    var moments: [LanguageTensorKind: InputMoments] = [:]
    for kind in Self.matrices {
      values[kind] = try source.values(kind, layer, record)
      moments[kind] = InputMoments(depth: kind.shape(in: record).columns)
    }
    let runner = try self.runner(layer, isFloat: true) { kind in
      PackedTensor(self.packed(values[kind] ?? [], kind, .f32))
    }
    var copy = streams
    runner.run(&copy, length: length, on: team) { kind, inputs, stride, tokens in
      moments[kind]?.add(inputs, stride: stride, tokens: tokens)
    }
    for kind in Self.matrices {
      let inputs = try moments.removeValue(forKey: kind)?.factor(damping: Self.damping)
      let place = Place(kind: kind, layer: layer)
      results[place] = PackedTensor(packed(values.removeValue(forKey: kind) ?? [], kind, .int4, inputs))
    }
    let rounded = try self.runner(layer, isFloat: false) { kind in
      self.results[Place(kind: kind, layer: layer)] ?? PackedTensor(vector: [])
    }
    rounded.run(&streams, length: length, on: team)
  }

  private func runner(
    _ layer: Int, isFloat: Bool, matrix: (LanguageTensorKind) -> PackedTensor
  ) throws(ConversionError) -> LayerRunner {
    try LayerRunner(layer, of: record, context: length, threads: threads, isFloat: isFloat) {
      (kind) throws(ConversionError) in
      kind.isMatrix ? matrix(kind) : PackedTensor(vector: try source.values(kind, layer, record))
    }
  }

  private func packed(
    _ values: [Float], _ kind: LanguageTensorKind, _ weights: LanguageWeights, _ inputs: InputFactor? = nil
  ) -> PackedMatrix {
    let shape = kind.shape(in: record)
    return PackedMatrix(values, rows: shape.rows, columns: shape.columns, weights: weights, inputs: inputs)
  }

  /// The head's inputs are the outputs of the last norm.
  private func roundHead(_ streams: inout [Float]) throws(ConversionError) {
    let hidden = Int(record.hiddenSize)
    let weight = try source.values(.outputNorm, -1, record)
    let moments = InputMoments(depth: hidden)
    streams.withUnsafeMutableBufferPointer { streams in
      for first in stride(from: 0, to: tokens, by: LanguageBatch.of64.rawValue) {
        let count = min(LanguageBatch.of64.rawValue, tokens - first)
        for token in first..<first + count {
          let row = streams.baseAddress! + token * hidden
          var sum: Float = 0
          for i in 0..<hidden { sum += row[i] * row[i] }
          let factor = 1 / (sum / Float(hidden) + record.normEpsilon).squareRoot()
          for i in 0..<hidden { row[i] *= factor * weight[i] }
        }
        moments.add(streams.baseAddress! + first * hidden, stride: hidden, tokens: count)
      }
    }
    let isTied = !record.has(.separateHead)
    let kind: LanguageTensorKind = isTied ? .embedding : .head
    let inputs = try moments.factor(damping: isTied ? Self.tiedDamping : Self.damping)
    results[Place(kind: kind, layer: -1)] = PackedTensor(
      packed(try source.values(kind, -1, record), kind, .int4, inputs))
  }
}
