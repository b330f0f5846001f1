import Foundation

/// A finished file against its float original on pictures, tensor by tensor: the engine of the device runs operator by
/// operator beside the float executor, and tensors of one name are compared.
public enum Comparison {
  public static func run(
    float source: Evaluation.Source, device file: Evaluation.Source, folder: PictureFolder,
    options: ConversionOptions = ConversionOptions(),
    progress: @escaping @Sendable (String, Double) -> Void = { _, _ in }
  ) throws(ConversionError) -> AccuracyReport {
    guard file.isDevice else { throw .badData("\(file.name): is not a .martlet file") }
    let first = try DeviceModel(file.bytes, name: file.name)
    guard let fit = first.fit else { throw ConversionError(.badRequest, "\(file.name): does not classify pictures") }
    var options = options
    if options.mean == nil, options.standardDeviation == nil,
      let known = Evaluation.normalization(first.provenance)
    {
      options.mean = known.mean
      options.standardDeviation = known.standardDeviation
    }
    var model = try SourceModel(source.bytes, name: source.name, directory: source.directory, options: options)
    let asked = options
    return try model.named { (model) throws(ConversionError) in
      try model.requireFloat()
      let normalization = try Quantizer.normalization(model, asked)
      FloatPasses.run(&model.graph)
      let own = try Quantizer.fit(model, asked)
      guard (own.width, own.height, own.channels) == (fit.width, fit.height, fit.channels) else {
        throw ConversionError(.badRequest, "takes other pictures than \(file.name)")
      }
      progress("reading pictures", 0)
      let pictures = try folder.pictures(fit)
      let samples = PictureSamples(pictures: pictures, channels: fit.channels, normalization: normalization)
      return try compare(model.graph, file, folder, pictures, samples, fit, first.provenance, progress)
    }
  }

  private typealias Seen = (statistics: ErrorStatistics, distribution: Distribution, quantization: TensorQuantization)

  private static func compare(
    _ graph: Graph, _ file: Evaluation.Source, _ folder: PictureFolder, _ pictures: [[UInt8]],
    _ samples: PictureSamples,
    _ fit: PictureFit, _ provenance: [String: String], _ progress: @escaping @Sendable (String, Double) -> Void
  ) throws(ConversionError) -> AccuracyReport {
    let executor = try FloatExecutor(graph)
    // The last value of a name is the one behind the clamps.
    var valueOfName: [String: Int] = [:]
    for node in graph.nodes { valueOfName[graph.values[node.outputs[0]].name] = node.outputs[0] }
    let named = valueOfName
    let workers = max(1, min(ProcessInfo.processInfo.activeProcessorCount, pictures.count))
    let done = Counter()
    typealias Part = Result<(seen: [Int: Seen], scores: [(index: Int, float: [Float], int8: [Float])]), ConversionError>
    let parts = inParallel(workers) { worker -> Part in
      do throws(ConversionError) {
        let device = try DeviceModel(file.bytes, name: file.name, runsCascades: false)
        var seen: [Int: Seen] = [:]
        var scores: [(index: Int, float: [Float], int8: [Float])] = []
        for index in stride(from: worker, to: pictures.count, by: workers) {
          var values: [Int: [Float]] = [:]
          let float = executor.run([samples.sample(index)]) { value, elements in
            if named[graph.values[value].name] == value { values[value] = elements }
          }[0]
          device.setPicture(pictures[index], channels: fit.channels)
          device.runObserved { tensor in
            guard let value = named[tensor.name], let reals = values[value] else { return }
            let integers = tensor.integers
            guard integers.count == reals.count else { return }
            var entry = seen[value] ?? (ErrorStatistics(), Distribution(), tensor.quantization)
            entry.statistics.add(ErrorStatistics(reals, integers, tensor.quantization, clamp: -.infinity ... .infinity))
            entry.distribution.countWithin(reals, Self.wide(tensor.quantization.range))
            seen[value] = entry
          }
          scores.append((index, float, device.scores))
          progress("comparing", Double(done.next()) / Double(pictures.count))
        }
        return .success((seen, scores))
      } catch {
        return .failure(error)
      }
    }
    var seen: [Int: Seen] = [:]
    var scores: [(index: Int, float: [Float], int8: [Float])] = []
    for part in parts {
      let found = try part.get()
      for (value, entry) in found.seen {
        guard var known = seen[value] else {
          seen[value] = entry
          continue
        }
        known.statistics.add(entry.statistics)
        known.distribution.add(entry.distribution.bins)
        known.distribution.sawRange(entry.distribution)
        seen[value] = known
      }
      scores += found.scores
    }
    let layers = graph.nodes.compactMap { node -> AccuracyReport.Layer? in
      guard let entry = seen[node.outputs[0]] else { return nil }
      return AccuracyReport.Layer(
        name: node.origin.description, tensor: graph.values[node.outputs[0]].name, statistics: entry.statistics,
        quantization: entry.quantization, distribution: entry.distribution, weightRanges: weights(behind: node, graph))
    }
    guard !layers.isEmpty else {
      throw ConversionError(.badRequest, "no tensor of \(file.name) has a name of this model: is it made from it?")
    }
    var report = AccuracyReport(layers: layers, pictureCount: pictures.count)
    for entry in scores.sorted(by: { $0.index < $1.index }) {
      report.judge(folder.names[entry.index], entry.float, entry.int8)
    }
    if let calibration = provenance["calibration"] { report.provenance.append("calibration: \(calibration)") }
    let lost = graph.nodes.count - layers.count
    if lost > 0 { report.notes.append("\(lost) of \(graph.nodes.count) nodes have no tensor of their own in the file") }
    return report
  }

  /// A clamp stands for the layer before it, whose weights they are.
  private static func weights(behind node: Node, _ graph: Graph) -> [Float] {
    if case .unary = node.operation, let input = node.inputs[0],
      let producer = graph.nodes.first(where: { $0.outputs[0] == input })
    {
      return graph.weightRanges(producer)
    }
    return graph.weightRanges(node)
  }

  /// Room around a range, so that what it cuts off is seen.
  private static func wide(_ range: ClosedRange<Float>) -> ClosedRange<Float> {
    let width = range.upperBound - range.lowerBound
    return range.lowerBound - width / 2...range.upperBound + width / 2
  }
}

extension Distribution {
  /// Counts over a range that is known beforehand; what lies beyond goes into the outermost bins.
  mutating func countWithin(_ values: [Float], _ range: ClosedRange<Float>) {
    (minimum, maximum) = (range.lowerBound, range.upperBound)
    count(values)
  }

  mutating func sawRange(_ other: Distribution) {
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }
}
