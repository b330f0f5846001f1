/// Limits of the section `language`, and what its tensors are.
///
/// The shape's limits are below. What a shape within them asks for is limited by `ModelLimits`, for the context that is
/// wanted, before any memory is asked for: the arena (keys and values, activations, scores), the scratch of a thread,
/// and the multiply-adds of the context's last token. Tensors may share an offset, so none of the three follows from
/// the size of the file. A model that exceeds them with a context of one position is refused by whoever opens it.
public enum LanguageFormat {
  public static let maxLayers = 1024
  public static let maxVocabulary = 1 << 20
  public static let maxHidden = 1 << 16
  public static let maxFeedForward = 1 << 18
  public static let maxContext = 1 << 20
  public static let maxHeads = 1024
  public static let maxHeadSize = 512
  public static let maxTensors = 16 + 16 * maxLayers
}

/// 192 bytes: a decoder-only transformer in numbers.
///
/// Rotary embedding turns the first half of a head against its second. The tensors follow in a fixed order, see
/// `LanguageTensorOrder`.
public struct LanguageRecord: BitwiseCopyable {
  public var vocabularySize: UInt32 = 0
  public var hiddenSize: UInt32 = 0
  public var layerCount: UInt32 = 0
  public var headCount: UInt32 = 0
  public var keyValueHeadCount: UInt32 = 0
  public var headSize: UInt32 = 0
  public var feedForwardSize: UInt32 = 0
  /// Positions that the model was made for.
  public var contextLength: UInt32 = 0
  /// Positions that a windowed layer sees, its own included; 0: no layer has a window.
  public var window: UInt32 = 0
  /// 0: silu(gate) * up; 1: gelu(gate) * up by its tanh form.
  public var gate: UInt32 = 0
  /// See `LanguageFlags`.
  public var flags: UInt32 = 0
  public var normEpsilon: Float = 0
  /// Multiplies the queries.
  public var attentionScale: Float = 0
  /// tanh soft caps; 0: none.
  public var attentionCap: Float = 0
  public var outputCap: Float = 0
  /// Multiplies the embedding rows.
  public var embeddingScale: Float = 1
  /// Bit i % 32 of word i / 32: layer i has the window.
  public var windowed: InlineArray<32, UInt32> = InlineArray(repeating: 0)
  public init() {}

  public func has(_ flag: LanguageFlags) -> Bool { flags & flag.rawValue != 0 }

  public func isWindowed(_ layer: Int) -> Bool {
    window > 0 && windowed[layer / 32] >> UInt32(layer % 32) & 1 == 1
  }

  /// How many of the first `layer` layers have the window.
  func windowedLayers(before layer: Int) -> Int {
    guard window > 0 else { return 0 }
    var count = 0
    for word in 0..<layer / 32 { count += windowed[word].nonzeroBitCount }
    guard layer % 32 != 0 else { return count }
    return count + (windowed[layer / 32] & (1 << UInt32(layer % 32) - 1)).nonzeroBitCount
  }
}

public enum LanguageFlags: UInt32 {
  /// The head has a matrix of its own; else the embedding serves as head too.
  case separateHead = 1
  /// Queries and keys are normed head by head before they are rotated.
  case queryKeyNorm = 2
  case queryKeyValueBias = 4
  /// Norms behind attention and behind the feed-forward part, before they join the residual stream.
  case postNorms = 8
  /// Windowed layers have rotary frequencies of their own.
  case localFrequencies = 16

  static let all: UInt32 = 31
}

/// How a tensor of a language model is held.
public enum LanguageTensorType: UInt32, Sendable {
  // The first three are martlet_matrix_type: blocks of 16 rows.
  case blocksF32 = 0
  case blocksInt8 = 1
  case blocksInt4 = 2
  /// `columns` floats, one behind the other.
  case vector = 3
}

/// 32 bytes.
public struct LanguageTensorRecord: BitwiseCopyable {
  public var type: UInt32 = 0
  /// 0.
  public var reserved: UInt32 = 0
  public var rows: UInt32 = 0
  public var columns: UInt32 = 0
  /// Into the weights section, a multiple of 64.
  public var offset: UInt64 = 0
  public var byteCount: UInt64 = 0
  public init() {}
}

/// The tensors of a language model in file order, which is the order in which they are read.
public enum LanguageTensorKind: UInt8, Sendable {
  case embedding, head, outputNorm, frequencies, localFrequencies
  case attentionNorm, queryKeyValue, queryKeyValueBias, queryNorm, keyNorm, attentionOutput, postAttentionNorm
  case feedForwardNorm, gateUp, down, postFeedForwardNorm

  static let firstOfLayer = LanguageTensorKind.attentionNorm

  /// Whether a model of this record has the tensor.
  func exists(in record: LanguageRecord) -> Bool {
    switch self {
    case .head: record.has(.separateHead)
    case .localFrequencies: record.has(.localFrequencies)
    case .queryKeyValueBias: record.has(.queryKeyValueBias)
    case .queryNorm, .keyNorm: record.has(.queryKeyNorm)
    case .postAttentionNorm, .postFeedForwardNorm: record.has(.postNorms)
    default: true
    }
  }

  /// Rows and columns; vectors have one row.
  public func shape(in record: LanguageRecord) -> (rows: Int, columns: Int) {
    let hidden = Int(record.hiddenSize)
    let queries = Int(record.headCount) * Int(record.headSize)
    let all = queries + 2 * Int(record.keyValueHeadCount) * Int(record.headSize)
    return switch self {
    case .embedding, .head: (Int(record.vocabularySize), hidden)
    case .frequencies, .localFrequencies: (1, Int(record.headSize) / 2)
    case .queryKeyValue: (all, hidden)
    case .queryKeyValueBias: (1, all)
    case .queryNorm, .keyNorm: (1, Int(record.headSize))
    case .attentionOutput: (hidden, queries)
    case .gateUp: (2 * Int(record.feedForwardSize), hidden)
    case .down: (hidden, Int(record.feedForwardSize))
    case .outputNorm, .attentionNorm, .postAttentionNorm, .feedForwardNorm, .postFeedForwardNorm: (1, hidden)
    }
  }

  public var isMatrix: Bool {
    switch self {
    case .embedding, .head, .queryKeyValue, .attentionOutput, .gateUp, .down: true
    default: false
    }
  }
}

/// Walks over the tensors of a model in file order.
public struct LanguageTensorOrder {
  public let record: LanguageRecord
  private var layer = -1
  private var raw: UInt8 = 0

  public init(_ record: LanguageRecord) {
    self.record = record
  }

  /// The next tensor, and its layer (-1: of no layer); nil behind the last.
  public mutating func next() -> (kind: LanguageTensorKind, layer: Int)? {
    while true {
      guard let kind = LanguageTensorKind(rawValue: raw) else {
        layer += 1
        raw = LanguageTensorKind.firstOfLayer.rawValue
        continue
      }
      if layer < 0 && kind == .firstOfLayer { layer = 0 }
      guard layer < Int(record.layerCount) else { return nil }
      raw += 1
      if kind.exists(in: record) { return (kind, layer) }
    }
  }
}
