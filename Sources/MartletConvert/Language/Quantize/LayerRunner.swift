import CMartletKernels
import Martlet
import MartletDevice

/// One layer of a language model by itself, run by the device's own code on streams from elsewhere.
final class LayerRunner {
  private let file: MappedFile
  private let region: UnsafeMutableRawBufferPointer
  private var engine: LanguageEngine

  /// - Parameters:
  ///   - record: the whole model's.
  ///   - tensor: of the layer, and those of no layer but embedding and head.
  ///   - isFloat: whether keys and values are float32, as the matrices.
  init(
    _ layer: Int, of record: LanguageRecord, context: Int, threads: Int, isFloat: Bool,
    tensor: (LanguageTensorKind) throws(ConversionError) -> PackedTensor
  ) throws(ConversionError) {
    var alone = record
    alone.layerCount = 1
    alone.vocabularySize = 1
    alone.windowed = InlineArray(repeating: 0)
    alone.windowed[0] = record.isWindowed(layer) ? 1 : 0
    alone.flags &= ~LanguageFlags.separateHead.rawValue
    var table = LanguageTensorTable()
    var order = LanguageTensorOrder(alone)
    let hidden = Int(record.hiddenSize)
    while let (kind, _) = order.next() {
      let none = [Float](repeating: 0, count: hidden)
      let isMade = kind == .embedding
      table.append(
        isMade ? PackedTensor(PackedMatrix(none, rows: 1, columns: hidden, weights: .f32)) : try tensor(kind))
    }
    var manifest = ManifestRecord()
    manifest.task = ModelTask.language.rawValue
    file = MappedFile(
      SectionFile.bytes([
        (.manifest, SectionFile.bytes(of: manifest)), (.language, SectionFile.bytes(of: alone) + table.records),
        (.weights, table.weights),
      ]), name: "layer \(layer)")
    let options = LanguageOptions(contextLength: context, threads: threads, isCacheFloat: isFloat)
    do throws(ModelError) {
      let budget = try LanguageEngine.budget(of: file.bytes, options: options)
      let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: 64)
      region.initializeMemory(as: UInt8.self, repeating: 0)
      self.region = region
      engine = try LanguageEngine(file: file.bytes, region: region, options: options, isa: martlet_best_isa())
    } catch {
      throw .unsupported("the device would refuse the model: \(error.sentence(look: .unknown))")
    }
  }

  deinit { region.deallocate() }

  /// Runs the layer over every part, each from an empty cache.
  ///
  /// - Parameters:
  ///   - streams: [parts, length, hidden]; becomes what leaves the layer.
  ///   - each: see `LanguageEngine.evaluate(stream:)`, with the number of tokens.
  func run(
    _ streams: inout [Float], length: Int, on team: borrowing Team,
    each: (LanguageTensorKind, _ inputs: UnsafePointer<Float>, _ stride: Int, _ tokens: Int) -> Void = { _, _, _, _ in }
  ) {
    let hidden = Int(engine.record.hiddenSize)
    streams.withUnsafeMutableBufferPointer { streams in
      for part in 0..<streams.count / (length * hidden) {
        engine.rewind(to: 0)
        while engine.position < length {
          let count = min(LanguageBatch.of64.rawValue, length - engine.position)
          let place = streams.baseAddress! + (part * length + engine.position) * hidden
          engine.evaluate(stream: place, count: count, on: team) { each($0, $1, $2, count) }
        }
      }
    }
  }
}
