import Foundation

/// Sums from which the error of a tensor is told.
public struct ErrorStatistics: Sendable {
  var count = 0.0
  var signal = 0.0
  var noise = 0.0
  var product = 0.0
  var square = 0.0
  var saturated = 0.0

  public init() {}

  /// - Parameter clamp: what a clamp that follows leaves; what it cuts off is no error.
  init(_ reals: [Float], _ quantized: [Int8], _ quantization: TensorQuantization, clamp: ClosedRange<Float>) {
    let range = quantization.range
    for (real, q) in zip(reals, quantized) {
      let (x, y) = (Double(clamp.clamping(real)), Double(quantization.real(q)))
      add(x, y)
      if x > Double(range.upperBound + quantization.scale / 2) || x < Double(range.lowerBound - quantization.scale / 2)
      {
        saturated += 1
      }
    }
  }

  mutating func add(_ x: Double, _ y: Double) {
    count += 1
    signal += x * x
    noise += (x - y) * (x - y)
    product += x * y
    square += y * y
  }

  mutating func add(_ other: ErrorStatistics) {
    count += other.count
    signal += other.signal
    noise += other.noise
    product += other.product
    square += other.square
    saturated += other.saturated
  }

  /// Decibels; 120 stands for no error.
  public var signalToNoise: Double { noise <= signal * 1e-12 ? 120 : 10 * log10(signal / noise) }
  public var cosine: Double { signal > 0 && square > 0 ? product / (signal * square).squareRoot() : 1 }
  /// The share of elements that the range cuts off.
  public var saturation: Double { count > 0 ? saturated / count : 0 }
}
