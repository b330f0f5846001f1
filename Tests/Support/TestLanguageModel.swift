import CMartletKernels
import Foundation
import Martlet

/// A tiny language model out of nothing: any shape, weights by a generator, written in the kernels' own layout.
public struct TestLanguageModel {
  public var record: LanguageRecord
  public var tokenizer: TestTokenizer?
  public var seed: UInt64
  /// The section `chat`; nil: none.
  public var chat: [UInt8]?

  /// Three layers, four heads on two pairs of keys and values, seven rows more than there are tokens.
  public static func llama(
    seed: UInt64 = 1, tokenizer: TestTokenizer? = .bytes()
  ) -> TestLanguageModel {
    var record = LanguageRecord()
    record.vocabularySize = UInt32((tokenizer?.tokens.count ?? 250) + 7)
    (record.hiddenSize, record.layerCount, record.feedForwardSize) = (32, 3, 48)
    (record.headCount, record.keyValueHeadCount, record.headSize) = (4, 2, 8)
    record.contextLength = 512
    record.normEpsilon = 1e-5
    record.attentionScale = 1 / Float(8).squareRoot()
    return TestLanguageModel(record: record, tokenizer: tokenizer, seed: seed)
  }

  /// Everything that the format knows at once: windows, norms, caps, biases, a head of its own.
  public static func ornate() -> TestLanguageModel {
    var model = llama()
    model.record.gate = 1
    model.record.window = 20
    model.record.windowed[0] = 0b101
    model.record.attentionCap = 20
    model.record.outputCap = 30
    model.record.embeddingScale = 2
    for flag in [LanguageFlags.separateHead, .queryKeyNorm, .queryKeyValueBias, .postNorms, .localFrequencies] {
      model.record.flags |= flag.rawValue
    }
    return model
  }

  /// The smallest there is, for tests that load it thousands of times.
  public static func smallest() -> TestLanguageModel {
    var model = llama(tokenizer: .pieces())
    (model.record.hiddenSize, model.record.layerCount, model.record.feedForwardSize) = (8, 1, 8)
    (model.record.headCount, model.record.keyValueHeadCount) = (1, 1)
    return model
  }

  /// - Parameter type: of the matrices; with four bits, embedding and head have eight.
  public func file(_ type: LanguageTensorType = .blocksInt8) -> [UInt8] {
    var random = Random(state: seed)
    var weights: [UInt8] = []
    var records: [UInt8] = []
    var order = LanguageTensorOrder(record)
    while let (kind, _) = order.next() {
      let shape = kind.shape(in: record)
      let isWide = kind == .embedding || kind == .head
      let held = kind.isMatrix ? (isWide && type == .blocksInt4 ? .blocksInt8 : type) : .vector
      let bytes =
        kind.isMatrix
        ? Self.matrix(rows: shape.rows, columns: shape.columns, held, &random)
        : Self.vector(kind, shape.columns, &random).withUnsafeBytes { [UInt8]($0) }
      var tensor = LanguageTensorRecord()
      tensor.type = held.rawValue
      (tensor.rows, tensor.columns) = (UInt32(shape.rows), UInt32(shape.columns))
      (tensor.offset, tensor.byteCount) = (UInt64(weights.count), UInt64(bytes.count))
      records += TestFile.bytes(of: tensor)
      weights += bytes
      weights += [UInt8](repeating: 0, count: TestFile.roundedUp(weights.count) - weights.count)
    }
    var manifest = ManifestRecord()
    manifest.task = ModelTask.language.rawValue
    var sections: [(kind: SectionKind, bytes: [UInt8])] = [
      (.manifest, TestFile.bytes(of: manifest)), (.language, TestFile.bytes(of: record) + records),
    ]
    if let tokenizer { sections.append((.tokenizer, tokenizer.section())) }
    if let chat { sections.append((.chat, chat)) }
    sections.append((.provenance, Array("source: nothing\nfamily: llama\n".utf8)))
    sections.append((.weights, weights))
    return TestFile.bytes(sections)
  }

  // MARK: Weights

  /// Knuth's generator: the same numbers everywhere.
  private struct Random {
    var state: UInt64

    /// 0 ..< 2^24.
    mutating func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 40)
    }

    /// Between -1 and 1.
    mutating func real() -> Float { Float(next()) / 8_388_608 - 1 }
  }

  /// Norms around 1, biases around 0; a rotary embedding's frequencies are what they are.
  private static func vector(_ kind: LanguageTensorKind, _ count: Int, _ random: inout Random) -> [Float] {
    switch kind {
    case .frequencies: (0..<count).map { powf(10_000, -Float($0) / Float(count)) }
    case .localFrequencies: (0..<count).map { powf(100, -Float($0) / Float(count)) }
    case .queryKeyValueBias: (0..<count).map { _ in 0.3 * random.real() }
    default: (0..<count).map { _ in 1 + 0.3 * random.real() }
    }
  }

  /// Blocks of 16 rows, see `martlet_matrix`. Values around 0, such that activations keep their size.
  private static func matrix(
    rows: Int, columns: Int, _ type: LanguageTensorType, _ random: inout Random
  ) -> [UInt8] {
    var shape = martlet_matrix()
    (shape.rows, shape.columns) = (Int32(rows), Int32(columns))
    shape.type = Int32(type.rawValue)
    let blockBytes = martlet_matrix_block_bytes(&shape)
    let largest = 1.5 / Float(columns).squareRoot()
    var bytes = [UInt8](repeating: 0, count: (rows + 15) / 16 * blockBytes)
    for row in 0..<rows {
      let block = row / 16 * blockBytes
      let lane = row % 16
      guard type != .blocksF32 else {
        for column in 0..<columns {
          store((largest * random.real()).bitPattern, block + (column * 16 + lane) * 4, &bytes)
        }
        continue
      }
      let groups = Int(martlet_group_count(Int32(columns)))
      let isInt8 = type == .blocksInt8
      let start = block + (isInt8 ? TestFile.roundedUp(groups * 32) : 64 + groups * 64)
      if !isInt8 {
        // The largest multiplier and a floor of 120: values around 0.
        store(UInt16((largest / (8 * 255)).bitPattern >> 16), block + lane * 2, &bytes)
        store(UInt16((largest / 120).bitPattern >> 16), block + 32 + lane * 2, &bytes)
      }
      for column in 0..<columns {
        let (group, i) = column.quotientAndRemainder(dividingBy: 64)
        if isInt8 {
          if i == 0 {
            let scale = largest / 127 * (0.8 + 0.2 * random.real())
            store(UInt16(scale.bitPattern >> 16), block + group * 32 + lane * 2, &bytes)
          }
          let at = start + group * 1024 + i / 4 * 64 + lane * 4 + i % 4
          bytes[at] = UInt8(truncatingIfNeeded: random.next() % 255 - 127)
          continue
        }
        if i % 32 == 0 {
          let level = block + 64 + group * 64 + i / 32 * 16 + lane
          bytes[level] = UInt8(200 + random.next() % 56)
          bytes[level + 32] = UInt8(90 + random.next() % 60)
        }
        let nibble = UInt8(random.next() % 16)
        bytes[start + group * 512 + i % 32 / 4 * 64 + lane * 4 + i % 4] |= i < 32 ? nibble : nibble << 4
      }
    }
    return bytes
  }

  private static func store<Value: FixedWidthInteger>(_ value: Value, _ place: Int, _ bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(place..<place + $0.count, with: $0) }
  }
}
