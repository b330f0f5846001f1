import Foundation

/// How far an int8 model is from its float original: layer by layer, and in the end.
public struct AccuracyReport: Sendable {
  public struct Layer: Sendable {
    /// "node 17 'conv' (Conv)"
    public var name: String
    /// The value's name, as in the file.
    public var tensor: String
    public var statistics: ErrorStatistics
    public var quantization: TensorQuantization
    /// What float gives; nil where nothing was counted.
    public var distribution: Distribution?
    /// The largest weight of each output channel; empty for operators without weights.
    public var weightRanges: [Float]
  }

  public struct Disagreement: Sendable {
    public var picture: String
    public var float: Int
    public var int8: Int
    public var floatScore: Float
    public var int8Score: Float
  }

  /// What an option gives, on pictures that no layer was corrected with.
  public struct Effect: Sendable {
    public var option: String
    /// Decibels, of the outputs.
    public var signalToNoise: Double
    public var agreed: Int
    public var pictureCount: Int
  }

  /// What was chosen, then each option the other way; empty unless asked for.
  public var effects: [Effect] = []
  /// In the order in which they run.
  public var layers: [Layer]
  public var pictureCount: Int
  public private(set) var agreed = 0
  public private(set) var disagreements: [Disagreement] = []
  public private(set) var outputs = ErrorStatistics()
  /// How it was quantized, as `key: value` lines.
  public var provenance: [String] = []
  public var notes: [String] = []

  init(layers: [Layer], pictureCount: Int) {
    self.layers = layers
    self.pictureCount = pictureCount
  }

  /// The share of pictures on which float and int8 have the same best class.
  public var agreement: Double { Double(agreed) / Double(max(1, pictureCount)) }
  public var worstFirst: [Layer] { layers.sorted { $0.statistics.signalToNoise < $1.statistics.signalToNoise } }

  /// Takes one picture's scores into account.
  mutating func judge(_ picture: String, _ float: [Float], _ int8: [Float]) {
    for (x, y) in zip(float, int8) { outputs.add(Double(x), Double(y)) }
    let (best, ours) = (float.bestIndex, int8.bestIndex)
    if best == ours {
      agreed += 1
    } else {
      disagreements.append(
        Disagreement(
          picture: picture, float: best, int8: ours, floatScore: float[best], int8Score: int8[ours]))
    }
  }
}

extension AccuracyReport.Layer {
  /// What to try where a layer suffers; nil where it does not.
  public var advice: String? {
    let spread = weightRanges.filter { $0 > 0 }
    let ratio = (spread.max() ?? 1) / (spread.min() ?? 1)
    if statistics.saturation > 0.005 {
      return String(
        format: "its range cuts off %.2f %% of the values: more pictures, or --range min-max",
        100 * statistics.saturation)
    }
    if statistics.signalToNoise >= 25 { return nil }
    if let seen = distribution,
      seen.maximum - seen.minimum < 0.5 * (quantization.range.upperBound - quantization.range.lowerBound)
    {
      return "its range is much wider than what was seen: calibrate with pictures like these"
    }
    if ratio > 1000 {
      return String(format: "the largest weights of its channels differ by %.0f: --equalize weights", ratio)
    }
    return statistics.signalToNoise < 20 ? "more pictures for calibration, or --equalize weights" : nil
  }
}

extension Graph {
  /// The largest weight of each output channel of a node; empty if it has none.
  func weightRanges(_ node: Node) -> [Float] {
    guard node.operation.hasWeights, let index = node.inputs[1], let reals = reals(of: index) else { return [] }
    let (channels, inner) = node.operation.weightLayout(values[index].shape)
    return QuantizedWeights.coveringScales(reals, inner: inner, channels: channels).map { $0 * 127 }
  }
}
