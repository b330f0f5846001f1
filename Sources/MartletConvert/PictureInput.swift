import Martlet

/// A pixel (0...255) becomes (pixel - mean) / standardDeviation; three channels, red first.
public struct Normalization: Equatable, Sendable {
  public var mean: [Float]
  public var standardDeviation: [Float]

  public init(mean: [Float], standardDeviation: [Float]) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// What models are trained with.
  public enum Preset: String, Sendable, CaseIterable {
    /// torchvision and timm: mean and deviation of ImageNet.
    case imagenet
    /// Keras and TensorFlow: -1...1.
    case tf
    /// Pixels as they are, 0...255.
    case raw
    /// 0...1.
    case unit

    public var normalization: Normalization {
      switch self {
      case .imagenet:
        Normalization(mean: [123.675, 116.28, 103.53], standardDeviation: [58.395, 57.12, 57.375])
      case .tf: Normalization(mean: [127.5, 127.5, 127.5], standardDeviation: [127.5, 127.5, 127.5])
      case .raw: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
      case .unit: Normalization(mean: [0, 0, 0], standardDeviation: [255, 255, 255])
      }
    }
  }

  /// What the three channels can become.
  var range: ClosedRange<Float> {
    let low = zip(mean, standardDeviation).map { -$0 / $1 }
    let high = zip(mean, standardDeviation).map { (255 - $0) / $1 }
    return (low.min() ?? 0)...(high.max() ?? 0)
  }
}

/// How a classifier's input is made from a picture: what each pixel value becomes, per channel.
struct PictureInput {
  /// 3 x 256 int8.
  var table: [Int8]
  /// nil where the input takes pixels as they are.
  var normalization: Normalization?

  var provenance: [String] {
    guard let normalization else { return ["pixels: pixel - 128"] }
    func words(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
    return ["mean: \(words(normalization.mean))", "std: \(words(normalization.standardDeviation))"]
  }

  /// nil if the model does not take one picture and give one row of scores.
  init?(_ program: Program, metadata: ModelMetadata, options: ConversionOptions) throws(ConversionError) {
    let isAsked =
      !options.isNormalizationImplied && (options.mean != nil || options.standardDeviation != nil)
      || options.resize != nil
    guard program.inputs.count == 1, program.outputs.count == 1, Self.isPicture(program) else {
      if isAsked {
        throw ConversionError(.badRequest, "mean, std or resize is given, but the model does not classify pictures")
      }
      return nil
    }
    let boundary = program.inputs[0]
    let tensor = program.tensors[boundary.tensor]
    // A uint8 input takes pixels as they are, whatever the metadata says: its normalization is that of the float model.
    let hears = boundary.type != .uint8
    let mean = options.mean ?? (hears ? metadata.mean : nil)
    let deviation = options.standardDeviation ?? (hears ? metadata.standardDeviation : nil)
    if boundary.type != .float32, mean == nil, deviation == nil {
      // A quantized input takes pixels as they are: uint8 q is the pixel, int8 q the pixel less 128.
      let row = (0..<256).map { Int8($0 - 128) }
      table = row + row + row
      return
    }
    let means = try Self.three(mean ?? [127.5], "mean")
    let deviations = try Self.three(deviation ?? [127.5], "std")
    guard tensor.scale > 0 else { throw .unsupported("the input has no scale to quantize pixels with") }
    table = []
    for channel in 0..<3 {
      guard means[channel].isFinite, deviations[channel].isFinite, deviations[channel] > 0 else {
        throw ConversionError(.badRequest, "mean \(means[channel]) with std \(deviations[channel]) is not valid")
      }
      for pixel in 0..<256 {
        let real = (Float(pixel) - means[channel]) / deviations[channel]
        let steps = (real / tensor.scale).rounded(.toNearestOrAwayFromZero)
        let bounded = Int32(max(-1024, min(1024, steps)))
        table.append(Int8(clamping: bounded + tensor.zeroPoint))
      }
    }
    normalization = Normalization(mean: means, standardDeviation: deviations)
  }

  private static func isPicture(_ program: Program) -> Bool {
    let input = program.tensors[program.inputs[0].tensor]
    let output = program.tensors[program.outputs[0].tensor]
    return input.type == .int8 && input.shape.count == 4 && input.shape[0] == 1 && input.shape[1] >= 8
      && input.shape[2] >= 8 && (input.shape[3] == 1 || input.shape[3] == 3)
      && output.type == .int8 && output.shape.count >= 2 && output.shape[0] == 1
      && output.shape.filter { $0 > 1 }.count <= 1
  }

  static func three(_ values: [Float], _ name: String) throws(ConversionError) -> [Float] {
    switch values.count {
    case 1: return [values[0], values[0], values[0]]
    case 3: return values
    default: throw ConversionError(.badRequest, "\(name) has \(values.count) values, expected 1 or 3")
    }
  }
}
