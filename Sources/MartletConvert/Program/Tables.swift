import Foundation

/// All 256 outputs of a unary int8 function, exactly as the reference kernel computes each.
/// Index 0 holds the output for -128. uint8 tensors come here as int8, which changes no bit of the result.
enum Tables {
  static func bytes(
    _ function: UnaryFunction, input: (scale: Float, zeroPoint: Int32), output: (scale: Float, zeroPoint: Int32)
  ) throws(ConversionError) -> [UInt8] {
    switch function {
    case .logistic: sampled(input, output) { 1 / (1 + exp(-$0)) }
    case .tanh: sampled(input, output) { Foundation.tanh($0) }
    case .hardSwish: try hardSwish(input, output)
    case .relu: rectified(input, output, from: 0, to: .infinity)
    case .reluN1To1: rectified(input, output, from: -1, to: 1)
    case .relu6: rectified(input, output, from: 0, to: 6)
    case .relu0To1: rectified(input, output, from: 0, to: 1)
    case .leakyRelu(let alpha): leaky(input, output, alpha: alpha)
    case .requantize: requantized(input, output)
    case .scalar(let function): exact(function, input, output)
    }
  }

  static func make(_ function: (Int32) -> Int32) -> [UInt8] {
    (-128...127).map { UInt8(bitPattern: Int8(clamping: function(Int32($0)))) }
  }

  /// Each result rounded to nearest. Where the function has no value, that of zero.
  private static func exact(
    _ function: ScalarFunction, _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32)
  ) -> [UInt8] {
    make { q in
      let real = function(Double(q - input.zeroPoint) * Double(input.scale))
      let steps = (real / Double(output.scale)).rounded(.toNearestOrAwayFromZero)
      guard !steps.isNaN else { return output.zeroPoint }
      return Int32(max(-65536, min(65536, steps))) + output.zeroPoint
    }
  }

  /// The nearest int8 to a real number.
  static func quantized(_ real: Float, _ output: (scale: Float, zeroPoint: Int32)) -> Int32 {
    min(max(steps(real, output), -128), 127)
  }

  /// LUTPopulate: in float32 throughout.
  private static func sampled(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32),
    _ function: (Float) -> Float
  ) -> [UInt8] {
    let inverse = 1 / output.scale
    return make { q in
      let real = input.scale * Float(q - input.zeroPoint)
      let rounded = (function(real) * inverse).rounded(.toNearestOrAwayFromZero)
      return clampedInteger(rounded + Float(output.zeroPoint))
    }
  }

  /// Towards zero, saturated: what the reference's cast gives wherever it is defined.
  static func clampedInteger(_ value: Float) -> Int32 {
    if value.isNaN { return 0 }
    return value >= 2_147_483_520 ? .max : value <= -2_147_483_648 ? .min : Int32(value)
  }

  private static func requantized(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32)
  ) -> [UInt8] {
    let factor = QuantizedMultiplier(Double(input.scale) / Double(output.scale))
    return make { saturatingAdd(factor.rescale($0 - input.zeroPoint), output.zeroPoint) }
  }

  /// The factor is divided in float32.
  private static func rectified(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32), from: Float, to: Float
  ) -> [UInt8] {
    let factor = QuantizedMultiplier(Double(input.scale / output.scale))
    let low = max(-128, steps(from, output))
    let high = to == .infinity ? 127 : min(127, steps(to, output))
    return make { q in
      min(max(saturatingAdd(factor.rescale(q - input.zeroPoint), output.zeroPoint), low), high)
    }
  }

  /// Quantized value of a real number, not clamped.
  private static func steps(_ real: Float, _ output: (scale: Float, zeroPoint: Int32)) -> Int32 {
    let rounded = (real / output.scale).rounded(.toNearestOrAwayFromZero)
    return saturatingAdd(output.zeroPoint, clampedInteger(rounded))
  }

  /// What a rectifier whose input and output have these parameters leaves of the int8 range; nil for other functions.
  static func bounds(_ function: UnaryFunction, scale: Float, zeroPoint: Int32) -> ClosedRange<Int32>? {
    let output = (scale: scale, zeroPoint: zeroPoint)
    switch function {
    case .relu: return max(-128, steps(0, output))...127
    case .relu6: return max(-128, steps(0, output))...min(127, steps(6, output))
    case .relu0To1: return max(-128, steps(0, output))...min(127, steps(1, output))
    case .reluN1To1: return max(-128, steps(-1, output))...min(127, steps(1, output))
    case .scalar(let function):
      guard let real = function.clampBounds else { return nil }
      return quantized(real.lowerBound, output)...quantized(real.upperBound, output)
    case .logistic, .tanh, .hardSwish, .leakyRelu, .requantize: return nil
    }
  }

  private static func leaky(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32), alpha: Float
  ) -> [UInt8] {
    let negative = QuantizedMultiplier(Double(abs(input.scale * alpha / output.scale)))
    let positive = QuantizedMultiplier(Double(input.scale / output.scale))
    return make { q in
      let x = q - input.zeroPoint
      if x >= 0 { return saturatingAdd(positive.rescale(x), output.zeroPoint) }
      let scaled = negative.rescale(x)
      return saturatingAdd(alpha < 0 ? 0 &- scaled : scaled, output.zeroPoint)
    }
  }

  private static func saturatingAdd(_ a: Int32, _ b: Int32) -> Int32 {
    Int32(clamping: Int64(a) + Int64(b))
  }

  /// The 16-bit fixed point of the reference, step by step.
  private static func hardSwish(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32)
  ) throws(ConversionError) -> [UInt8] {
    let fineScale = Float(1.0 / 128.0) * input.scale
    let outputFactor = QuantizedMultiplier(Double(fineScale / output.scale))
    let gateFactor = QuantizedMultiplier(Double(fineScale / (Float(3) / 32768)))
    guard outputFactor.shift <= 0 else {
      throw .unsupported("output scale \(output.scale) is too small for input scale \(input.scale)")
    }
    let outputMultiplier = half(outputFactor.multiplier)
    let gateMultiplier = half(gateFactor.multiplier)
    return make { q in
      let fine = Int16(truncatingIfNeeded: (q - input.zeroPoint) &* 128)
      let value = FixedPoint.doublingHighMultiply(fine, outputMultiplier)
      var gate = fine
      if gateFactor.shift > 0 { gate = shiftedLeft(gate, by: gateFactor.shift - 1) }
      gate = FixedPoint.doublingHighMultiply(gate, gateMultiplier)
      if gateFactor.shift > 0 { gate = shiftedLeft(gate, by: 1) }
      if gateFactor.shift < 0 { gate = FixedPoint.roundingDivide(gate, byPowerOf2: -gateFactor.shift) }
      gate = Int16(truncatingIfNeeded: (Int32(gate) + (1 << 15)) >> 1)
      let product = gate == value && gate == Int16.min ? Int16.max : Int16(Int32(gate) * Int32(value) / (1 << 15))
      let scaled = FixedPoint.roundingDivide(product, byPowerOf2: -outputFactor.shift)
      return Int32(Int16(truncatingIfNeeded: Int32(scaled) + output.zeroPoint))
    }
  }

  /// The specification's DownScaleInt32ToInt16Multiplier.
  private static func half(_ multiplier: Int32) -> Int16 {
    multiplier >= Int32.max - (1 << 15) ? Int16.max : Int16((Int64(multiplier) + (1 << 15)) >> 16)
  }

  private static func shiftedLeft(_ value: Int16, by amount: Int32) -> Int16 {
    Int16(clamping: Int64(value) << Int64(min(amount, 32)))
  }
}
