import Foundation
import Martlet

/// Right answers of a model on labelled pictures, and how far it agrees with a float model.
public struct Evaluation: Sendable {
  public struct Score: Sendable {
    public var top1 = 0
    public var top5 = 0
  }

  public struct Mistake: Sendable {
    public var picture: String
    public var label: Int
    public var answer: Int
  }

  public var count: Int
  public var score = Score()
  public var against: Score?
  /// Pictures on which both have the same best class.
  public var agreed: Int?
  /// Pictures on which the two differ, by name.
  public var disagreements: [String] = []
  public var mistakes: [Mistake] = []
  public var labels: [String]
  public var picturesPerSecond: Double
  public var fit: PictureFit

  /// One model's scores on the pictures of a folder.
  struct Scored {
    var scores: [[Float]]
    var labels: [String]
    var fit: PictureFit
    var picturesPerSecond: Double
    var normalization: Normalization?
  }

  public struct Source: Sendable {
    public var bytes: [UInt8]
    public var name: String
    public var directory: String?

    public init(bytes: [UInt8], name: String, directory: String?) {
      self.bytes = bytes
      self.name = name
      self.directory = directory
    }

    var isDevice: Bool { Array(bytes.prefix(8)) == withUnsafeBytes(of: ModelFormat.magic.littleEndian) { Array($0) } }
  }

  /// - Parameters:
  ///   - model: a `.martlet` file, or a float ONNX or TensorFlow Lite model.
  ///   - labels: of each picture, the index of the right output.
  ///   - against: a float model to compare with, on the same fitted pictures.
  ///   - options: for float models, where a `.martlet` does not say itself how pictures are prepared.
  public init(
    _ model: Source, folder: PictureFolder, labels table: [Int], against other: Source? = nil,
    options: ConversionOptions = ConversionOptions(),
    progress: @escaping @Sendable (String, Double) -> Void = { _, _ in }
  ) throws(ConversionError) {
    let pictures: [[UInt8]]
    let scored: Scored
    progress("reading pictures", 0)
    if model.isDevice {
      let device = try DeviceModel(model.bytes, name: model.name)
      guard let fit = device.fit else {
        throw ConversionError(.badRequest, "\(model.name): does not classify pictures")
      }
      pictures = try folder.pictures(fit)
      progress("running", 0.2)
      let found = try DeviceScores(model.bytes, name: model.name, pictures, channels: fit.channels)
      scored = Scored(
        scores: found.scores, labels: device.labels, fit: fit,
        picturesPerSecond: 1 / max(found.secondsPerPicture, 1e-9),
        normalization: Self.normalization(device.provenance))
    } else {
      (scored, pictures) = try Self.float(model, folder, nil, nil, options, progress)
    }
    count = pictures.count
    self.labels = scored.labels
    picturesPerSecond = scored.picturesPerSecond
    fit = scored.fit
    let outputs = scored.scores.first?.count ?? 0
    if let bad = table.first(where: { $0 < 0 || $0 >= outputs }) {
      throw ConversionError(.badData, "label \(bad) for a model of \(outputs) classes")
    }
    score = Self.score(scored.scores, table)
    for (index, row) in scored.scores.enumerated() where row.bestIndex != table[index] {
      mistakes.append(Mistake(picture: folder.names[index], label: table[index], answer: row.bestIndex))
    }
    guard let other else { return }
    var asked = options
    if asked.mean == nil, let known = scored.normalization {
      asked.mean = known.mean
      asked.standardDeviation = known.standardDeviation
    }
    let reference: [[Float]]
    if other.isDevice {
      reference = try DeviceScores(other.bytes, name: other.name, pictures, channels: scored.fit.channels).scores
    } else {
      reference = try Self.float(other, folder, pictures, scored.fit, asked, progress).scored.scores
    }
    guard reference.first?.count == outputs else {
      throw ConversionError(
        .badRequest, "\(other.name): has \(reference.first?.count ?? 0) classes, \(model.name) has \(outputs)")
    }
    against = Self.score(reference, table)
    var same = 0
    for index in scored.scores.indices {
      if scored.scores[index].bestIndex == reference[index].bestIndex {
        same += 1
      } else {
        disagreements.append(folder.names[index])
      }
    }
    agreed = same
  }

  static func normalization(_ provenance: [String: String]) -> Normalization? {
    func numbers(_ key: String) -> [Float]? {
      let values = provenance[key]?.split(separator: " ").compactMap { Float($0) }
      return values?.count == 3 ? values : nil
    }
    guard let mean = numbers("mean"), let deviation = numbers("std") else { return nil }
    return Normalization(mean: mean, standardDeviation: deviation)
  }

  /// A float model on fitted pictures, or on the folder's if none are given.
  private static func float(
    _ source: Source, _ folder: PictureFolder, _ given: [[UInt8]]?, _ fit: PictureFit?, _ options: ConversionOptions,
    _ progress: @escaping @Sendable (String, Double) -> Void
  ) throws(ConversionError) -> (scored: Scored, pictures: [[UInt8]]) {
    var model = try SourceModel(source.bytes, name: source.name, directory: source.directory, options: options)
    return try model.named { (model) throws(ConversionError) in
      FloatPasses.run(&model.graph)
      let own = try Quantizer.fit(model, options)
      if let fit, (fit.width, fit.height, fit.channels) != (own.width, own.height, own.channels) {
        throw ConversionError(
          .badRequest,
          "takes pictures of \(own.width)x\(own.height)x\(own.channels), the other model of "
            + "\(fit.width)x\(fit.height)x\(fit.channels)")
      }
      try model.requireFloat()
      let pictures: [[UInt8]]
      if let given { pictures = given } else { pictures = try folder.pictures(own) }
      let normalization = try Quantizer.normalization(model, options)
      let samples = PictureSamples(pictures: pictures, channels: own.channels, normalization: normalization)
      let executor = try FloatExecutor(model.graph)
      let begin = DispatchTime.now().uptimeNanoseconds
      let done = Counter()
      let scores = inParallel(pictures.count) { index -> [Float] in
        let result = executor.run([samples.sample(index)])[0]
        progress("running in float", 0.3 + 0.7 * Double(done.next()) / Double(pictures.count))
        return result
      }
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
      return (
        Scored(
          scores: scores, labels: [], fit: own, picturesPerSecond: Double(pictures.count) / max(seconds, 1e-9),
          normalization: normalization), pictures
      )
    }
  }

  private static func score(_ scores: [[Float]], _ table: [Int]) -> Score {
    var result = Score()
    for (row, label) in zip(scores, table) {
      // Of equal scores the lower index comes first.
      let before = row.indices.filter { row[$0] > row[label] || row[$0] == row[label] && $0 < label }.count
      if before < 1 { result.top1 += 1 }
      if before < 5 { result.top5 += 1 }
    }
    return result
  }

  /// Wrong answers by pair of classes, most frequent first.
  public var confusion: [(label: Int, answer: Int, count: Int)] {
    let pairs = Dictionary(grouping: mistakes) { [$0.label, $0.answer] }
    return pairs.map { ($0.key[0], $0.key[1], $0.value.count) }.sorted {
      ($1.count, $0.label, $0.answer) < ($0.count, $1.label, $1.answer)
    }
  }
}

/// Counts from several threads.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0

  func next() -> Int {
    lock.withLock {
      value += 1
      return value
    }
  }
}

/// `file,label` lines: which output is right for which picture.
public enum LabelTable {
  /// - Returns: file names in the order of the table, and their labels.
  public static func read(_ bytes: [UInt8], name: String) throws(ConversionError) -> (files: [String], labels: [Int]) {
    guard bytes.count <= ConversionLimits.labelBytes else {
      throw .badData("\(name): is larger than \(ConversionLimits.labelBytes) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .badData("\(name): is not UTF-8 text") }
    var (files, labels): ([String], [Int]) = ([], [])
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      if trimmed.isEmpty { continue }
      guard let comma = trimmed.lastIndex(of: ",") else { throw .badData("\(name): line \(number + 1) has no comma") }
      let label = trimmed[trimmed.index(after: comma)...].trimmingCharacters(in: .whitespaces)
      guard let index = Int(label) else {
        // A heading.
        if number == 0 { continue }
        throw .badData("\(name): line \(number + 1): '\(printable(label))' is not the number of a class")
      }
      files.append(trimmed[..<comma].trimmingCharacters(in: .whitespaces))
      labels.append(index)
    }
    guard !files.isEmpty else { throw .badData("\(name): holds no 'file,label' line") }
    return (files, labels)
  }
}
