import CMartletKernels

/// Weights in the order in which the kernels read them; `martlet_kernels.h` describes both layouts.
enum Packing {
  private static let block = 16
  private static let quad = 4

  /// OHWI weights of a convolution.
  static func convolution(_ p: martlet_conv2d_params, _ operands: Lowering.ConvolutionOperands)
    throws(ConversionError) -> [UInt8]
  {
    let (height, width) = (Int(p.kernel_h), Int(p.kernel_w))
    let depth = Int(p.in_c / p.groups)
    let isRow = p.groups == 1 && p.dilation_w == 1 && p.input_step_w == 1
    let segments = isRow ? height : height * width
    let segmentBytes = isRow ? width * depth : depth
    let quads = (segmentBytes + quad - 1) / quad
    let perGroup = Int(p.out_c / p.groups)
    let blocks = (perGroup + block - 1) / block
    let bytes = Int(p.groups) * blocks * (192 + segments * quads * block * quad)
    guard bytes <= ConversionLimits.weightsBytes else {
      throw .badData("weights take \(bytes) bytes when packed, at most \(ConversionLimits.weightsBytes)")
    }
    let padding = UInt8(bitPattern: Int8(p.weight_zero_point))
    let filterBytes = segments * segmentBytes
    var result: [UInt8] = []
    result.reserveCapacity(bytes)
    let weights = Array(operands.weights)
    for group in 0..<Int(p.groups) {
      for first in stride(from: 0, to: perGroup, by: block) {
        let channels = (0..<block).map { first + $0 < perGroup ? group * perGroup + first + $0 : nil }
        try appendChannels(to: &result, channels, operands) { channel in
          weights[channel * filterBytes..<(channel + 1) * filterBytes].lazy.map { Int64(Int8(bitPattern: $0)) }
        }
        for segment in 0..<segments {
          for depthIndex in stride(from: 0, to: quads * quad, by: quad) {
            for channel in channels {
              for k in depthIndex..<depthIndex + quad {
                if let channel, k < segmentBytes {
                  result.append(weights[channel * filterBytes + segment * segmentBytes + k])
                } else {
                  result.append(padding)
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  /// 1HWO weights of a depthwise convolution.
  static func depthwise(_ p: martlet_depthwise_params, _ operands: Lowering.ConvolutionOperands)
    throws(ConversionError) -> [UInt8]
  {
    let taps = Int(p.kernel_h) * Int(p.kernel_w)
    let outputs = Int(p.in_c) * Int(p.multiplier)
    let padding = UInt8(bitPattern: Int8(p.weight_zero_point))
    var result: [UInt8] = []
    let weights = Array(operands.weights)
    for first in stride(from: 0, to: outputs, by: block) {
      let channels = (0..<block).map { first + $0 < outputs ? first + $0 : nil }
      try appendChannels(to: &result, channels, operands) { channel in
        (0..<taps).lazy.map { Int64(Int8(bitPattern: weights[$0 * outputs + channel])) }
      }
      for tap in 0..<taps {
        for channel in channels {
          result.append(channel.map { weights[tap * outputs + $0] } ?? padding)
        }
      }
    }
    return result
  }

  /// Each filter's height and width reversed.
  static func turned<Weight>(_ weights: [Weight], outputs: Int, height: Int, width: Int, depth: Int) -> [Weight] {
    var result: [Weight] = []
    result.reserveCapacity(weights.count)
    for output in 0..<outputs {
      for y in (0..<height).reversed() {
        for x in (0..<width).reversed() {
          let start = ((output * height + y) * width + x) * depth
          result += weights[start..<start + depth]
        }
      }
    }
    return result
  }

  /// One `martlet_channels`: the bias with the input's zero point folded in, and the rescaling.
  private static func appendChannels<Weights: Sequence<Int64>>(
    to result: inout [UInt8], _ channels: [Int?], _ operands: Lowering.ConvolutionOperands,
    _ weights: (Int) -> Weights
  ) throws(ConversionError) {
    var words = Array(repeating: Int32(0), count: 3 * block)
    for (lane, channel) in channels.enumerated() {
      guard let channel else { continue }
      var sum: Int64 = 0
      var magnitude: Int64 = 0
      for weight in weights(channel) {
        let difference = weight - Int64(operands.weightZeroPoint)
        sum += difference
        magnitude += abs(difference)
      }
      let zeroPoint = Int64(operands.inputZeroPoint)
      let largestInput = max(127 - zeroPoint, zeroPoint + 128)
      let bound = magnitude * largestInput + abs(Int64(operands.bias[channel]))
      guard bound <= Int64(Int32.max) else {
        throw .unsupported("the accumulator of output channel \(channel) could reach \(bound), past 32 bits")
      }
      let bias = Int64(operands.bias[channel]) - zeroPoint * sum
      words[lane] = Int32(truncatingIfNeeded: bias)
      words[block + lane] = operands.rescale[channel].multiplier
      words[2 * block + lane] = operands.rescale[channel].shift
    }
    for word in words { withUnsafeBytes(of: word.littleEndian) { result += $0 } }
  }
}
