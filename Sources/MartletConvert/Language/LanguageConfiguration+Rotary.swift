import Foundation

extension LanguageConfiguration {
  /// Radians a position that each pair of a head turns by: headSize / 2 values.
  ///
  /// `isLocal`: for a layer with a window. Computed in double and rounded once; the scalings are those of Hugging Face
  /// transformers' modeling_rope_utils, whose float32 results differ in the last bits.
  public func inverseFrequencies(isLocal: Bool) -> [Float] {
    let local = isLocal ? localRopeTheta : nil
    let theta = Double(local ?? ropeTheta)
    let pairs = headSize / 2
    return (0..<pairs).map { pair in
      let frequency = pow(theta, -2 * Double(pair) / Double(headSize))
      return Float(local == nil ? scaled(frequency, pair) : frequency)
    }
  }

  private func scaled(_ frequency: Double, _ pair: Int) -> Double {
    switch ropeScaling {
    case .none: return frequency
    case .linear(let factor): return frequency / Double(factor)
    case .factors(let factors): return frequency / Double(factors[pair])
    case .llama3(let factor, let low, let high, let context):
      let waves = Double(context) * frequency / (2 * Double.pi)
      if waves > Double(high) { return frequency }
      if waves < Double(low) { return frequency / Double(factor) }
      let smooth = (waves - Double(low)) / Double(high - low)
      return (1 - smooth) * frequency / Double(factor) + smooth * frequency
    }
  }
}
