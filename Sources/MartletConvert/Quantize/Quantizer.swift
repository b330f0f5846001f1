import Foundation
import Martlet

public struct QuantizerOptions: Sendable {
  public var method = RangeMethod.squaredError
  public var equalization = Equalization.none
  public var correctsBias = true
  public var refines = true
  /// At most this many pictures, evenly over the folder's names; all if nil.
  public var limit: Int?
  /// Whether the report says what each of the others would have given; takes as long again.
  public var tellsEffects = false

  public init() {}

  /// Each option the other way.
  static func alternatives(to chosen: QuantizerOptions) -> [(name: String, options: QuantizerOptions)] {
    func changed(_ change: (inout QuantizerOptions) -> Void) -> QuantizerOptions {
      var options = chosen
      change(&options)
      return options
    }
    let others = RangeMethod.allCases.filter { $0 != chosen.method }
    return others.map { method in ("--range \(method.rawValue)", changed { $0.method = method }) }
      + Equalization.allCases.filter { $0 != chosen.equalization }.map { kind in
        ("--equalize \(kind.rawValue)", changed { $0.equalization = kind })
      } + [
        (chosen.correctsBias ? "--no-bias-correction" : "--bias-correction", changed { $0.correctsBias.toggle() }),
        (chosen.refines ? "--no-refine" : "--refine", changed { $0.refines.toggle() }),
      ]
  }
}

/// Post-training quantization, from a float model and pictures to a device model.
public enum Quantizer {
  /// - Parameter progress: what is being done, and which share of it all is behind.
  public static func quantize(
    _ source: [UInt8], name: String, directory: String?, pictures folder: PictureFolder,
    options: ConversionOptions = ConversionOptions(), quantizer: QuantizerOptions = QuantizerOptions(),
    progress: @escaping @Sendable (_ what: String, _ share: Double) -> Void = { _, _ in }
  ) throws(ConversionError) -> (conversion: Conversion, report: AccuracyReport) {
    var model = try SourceModel(source, name: name, directory: directory, options: options)
    return try model.named { (model) throws(ConversionError) in
      guard model.isFloat else { throw ConversionError(.badRequest, "is quantized already; use martlet-tools convert") }
      let normalization = try normalization(model, options)
      let fit = try fit(model, options)
      var folder = folder
      if let limit = quantizer.limit { folder.thin(to: limit) }
      progress("reading pictures", 0)
      let pictures = try folder.pictures(fit)
      let samples = PictureSamples(pictures: pictures, channels: fit.channels, normalization: normalization)
      var options = options
      options.isNormalizationImplied = options.mean == nil && options.standardDeviation == nil
      options.mean = normalization.mean
      options.standardDeviation = normalization.standardDeviation
      let result = try quantize(&model, samples, normalization, quantizer, progress)
      let provenance = [
        "calibration: \(pictures.count) pictures, ranges by \(quantizer.method.rawValue)"
          + (quantizer.equalization == .none ? "" : ", \(quantizer.equalization.rawValue) equalized")
          + (quantizer.correctsBias ? ", bias corrected" : "")
          + (quantizer.refines ? ", rounding refined" : "")
      ]
      let conversion = try Converter.finish(model, options: options, provenance: provenance)
      progress("checking", 0.95)
      var report = result.report
      report.provenance = provenance
      try judge(&report, conversion, result.floatOutputs, pictures, folder, fit)
      progress("done", 1)
      return (conversion, report)
    }
  }

  /// The whole way without pictures, every value on one range: for fuzzing. Runs the float model once if it is small.
  package static func quantizeBlindly(_ source: [UInt8], name: String) throws(ConversionError) -> Conversion {
    let options = ConversionOptions()
    var model = try SourceModel(source, name: name, directory: nil, options: options)
    return try model.named { (model) throws(ConversionError) in
      FloatPasses.run(&model.graph)
      let executor = try FloatExecutor(model.graph)
      if model.graph.values.reduce(0, { $0 + $1.count }) < 1 << 16, model.graph.nodes.count < 64 {
        _ = executor.run(model.graph.inputs.map { Array(repeating: 0.5, count: model.graph.values[$0.value].count) })
      }
      let ranges = Dictionary(uniqueKeysWithValues: model.graph.values.indices.map { ($0, Float(-4)...Float(4)) })
      let plan = try QuantizationPlan(&model.graph, fixed: ranges)
      model.graph = try QuantizedGraph.make(model.graph, quantizations: plan.quantizations)
      return try Converter.finish(model, options: options)
    }
  }

  // MARK: - The input

  static func normalization(_ model: SourceModel, _ options: ConversionOptions) throws(ConversionError) -> Normalization
  {
    let fallback = (model.format == .onnx ? Normalization.Preset.imagenet : .tf).normalization
    let mean = try PictureInput.three(options.mean ?? model.metadata.mean ?? fallback.mean, "mean")
    let deviation = try PictureInput.three(
      options.standardDeviation ?? model.metadata.standardDeviation ?? fallback.standardDeviation, "std")
    guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw ConversionError(.badRequest, "mean \(mean) with std \(deviation) is not valid")
    }
    return Normalization(mean: mean, standardDeviation: deviation)
  }

  static func fit(_ model: SourceModel, _ options: ConversionOptions) throws(ConversionError) -> PictureFit {
    guard model.graph.inputs.count == 1, case let shape = model.graph.values[model.graph.inputs[0].value].shape,
      shape.count == 4, shape[0] == 1, shape[3] == 1 || shape[3] == 3, shape[1] <= ResizeGeometry.maxSide,
      shape[2] <= ResizeGeometry.maxSide
    else {
      let shapes = model.graph.inputs.map { "\(model.graph.values[$0.value].shape)" }.joined(separator: ", ")
      throw ConversionError(.badRequest, "does not take one picture (its inputs: \(shapes)); see --layout and --shape")
    }
    return PictureFit(
      width: shape[2], height: shape[1], channels: shape[3], policy: options.resize ?? .crop,
      shorterSide: model.shorterSide(options))
  }

  // MARK: - The work

  private static func quantize(
    _ model: inout SourceModel, _ samples: PictureSamples, _ normalization: Normalization, _ options: QuantizerOptions,
    _ progress: @escaping @Sendable (String, Double) -> Void
  ) throws(ConversionError) -> (report: AccuracyReport, floatOutputs: [[Float]]) {
    FloatPasses.run(&model.graph)
    // What the options would do takes as long again.
    let share = options.tellsEffects ? 0.4 : 1
    let attempt = try Attempt(model.graph, samples, normalization, options) { progress($0, 0.05 + 0.9 * share * $1) }
    var report = attempt.report
    if options.tellsEffects {
      let others = QuantizerOptions.alternatives(to: options)
      report.effects = [try attempt.effect(of: "as chosen", samples)]
      for (index, other) in others.enumerated() {
        let known = other.options.equalization == options.equalization ? attempt.calibration : nil
        let begin = 0.05 + 0.9 * (share + (1 - share) * Double(index) / Double(others.count))
        let tried = try Attempt(model.graph, samples, normalization, other.options, calibration: known) {
          progress("trying \(other.name)", begin + 0.9 * (1 - share) * $1 / Double(others.count))
        }
        report.effects.append(try tried.effect(of: other.name, samples))
      }
    }
    model.graph = try QuantizedGraph.make(
      attempt.graph, quantizations: attempt.plan.quantizations, weights: attempt.sweep.weights)
    return (report, attempt.calibration.outputs.map { $0[0] })
  }

  /// One way to quantize a graph, carried through.
  private struct Attempt {
    var graph: Graph
    let calibration: Calibration
    let plan: QuantizationPlan
    let sweep: LayerSweep
    private let indices: [Int]

    init(
      _ float: Graph, _ samples: PictureSamples, _ normalization: Normalization, _ options: QuantizerOptions,
      calibration known: Calibration? = nil, progress: @escaping @Sendable (String, Double) -> Void
    ) throws(ConversionError) {
      graph = float
      try options.equalization.run(&graph, samples)
      if let known {
        calibration = known
      } else {
        calibration = try Calibration(FloatExecutor(graph), samples) { done in
          progress("calibrating", 0.55 * Double(done) / Double(2 * samples.count))
        }
      }
      let input = graph.inputs[0].value
      plan = try QuantizationPlan(
        &graph, distributions: calibration.distributions, method: options.method, fixed: [input: normalization.range])
      indices = Quantizer.sweepIndices(graph, samples.count)
      let total = Double(graph.nodes.count)
      sweep = try LayerSweep(
        graph, quantizations: plan.quantizations, source: samples, indices: indices,
        options: LayerSweep.Options(correctsBias: options.correctsBias, refines: options.refines)
      ) { done in progress("correcting layers", 0.55 + 0.45 * Double(done) / total) }
    }

    var report: AccuracyReport {
      let layers = sweep.errors.map { error -> AccuracyReport.Layer in
        let node = graph.nodes[error.node]
        return AccuracyReport.Layer(
          name: node.origin.description, tensor: graph.values[error.value].name, statistics: error.statistics,
          quantization: plan.quantizations[error.value] ?? .softmax,
          distribution: calibration.distributions[error.value],
          weightRanges: graph.weightRanges(node))
      }
      return AccuracyReport(layers: layers, pictureCount: calibration.outputs.count)
    }

    /// On pictures that no layer was corrected with; on those it was if there are no others.
    func effect(of name: String, _ samples: PictureSamples) throws(ConversionError) -> AccuracyReport.Effect {
      var statistics = ErrorStatistics()
      var agreed = 0
      let others = (0..<samples.count).filter { !indices.contains($0) }
      let chosen = min(others.count, indices.count)
      let judged = chosen == 0 ? indices : (0..<chosen).map { others[$0 * others.count / chosen] }
      let run = try LayerSweep(
        graph, quantizations: plan.quantizations, source: samples, indices: judged,
        options: LayerSweep.Options(correctsBias: false, refines: false), weights: sweep.weights)
      for (place, index) in judged.enumerated() {
        let (float, int8) = (calibration.outputs[index][0], run.outputs[place][0])
        for (x, y) in zip(float, int8) { statistics.add(Double(x), Double(y)) }
        if float.bestIndex == int8.bestIndex { agreed += 1 }
      }
      return AccuracyReport.Effect(
        option: name, signalToNoise: statistics.signalToNoise, agreed: agreed, pictureCount: judged.count)
    }
  }

  /// As many samples as fit in about 360 MB side by side, 64 at most.
  fileprivate static func sweepIndices(_ graph: Graph, _ count: Int) -> [Int] {
    let largest =
      graph.nodes.map { node in
        if case .unary = node.operation { return 0 }
        let computed = (node.inputs.compactMap { $0 } + node.outputs).filter { graph.values[$0].constant == nil }
        return computed.reduce(0) { $0 + graph.values[$1].count }
      }.max() ?? 1
    let fitting = max(4, min(64, 360_000_000 / max(1, largest * 5)))
    let chosen = min(count, fitting)
    return (0..<chosen).map { $0 * count / chosen }
  }

  /// The finished file on all pictures, against the float model.
  private static func judge(
    _ report: inout AccuracyReport, _ conversion: Conversion, _ float: [[Float]], _ pictures: [[UInt8]],
    _ folder: PictureFolder, _ fit: PictureFit
  ) throws(ConversionError) {
    guard try DeviceModel(conversion.bytes, name: "the result").fit != nil else {
      report.notes.append("the model does not give one row of scores: agreement is not counted")
      return
    }
    let device = try DeviceScores(conversion.bytes, name: "the result", pictures, channels: fit.channels)
    for (index, scores) in device.scores.enumerated() { report.judge(folder.names[index], float[index], scores) }
  }
}

extension [Float] {
  /// The first of the largest.
  var bestIndex: Int {
    var best = 0
    for index in indices where self[index] > self[best] { best = index }
    return best
  }
}
