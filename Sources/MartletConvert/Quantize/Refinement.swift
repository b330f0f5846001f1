import CMartletFloat
import CMartletKernels
import Foundation

/// Rounding by least squares, layer by layer: instead of each weight going to its nearest step, the weights
/// of a channel go where together they change the layer's result least on the inputs that it will really get.
///
/// With X the inputs under the window, the error of integers w against real weights v is |(w - v) X|^2 = (w - v) G (w -
/// v)', G = X X'. Coordinate descent over the integers finds a minimum in which no single step of a weight helps any
/// more. (The input's own error is not made up for here: with few pictures that learns their noise. The bias takes its
/// mean.)
enum Refinement {
  /// Deeper filters are left as they are: G would not fit in memory.
  private static let maxDepth = 2560
  private static let sweeps = 6

  static func round(
    _ layer: inout QuantizedWeights, _ node: Node, _ graph: Graph, inputs: [[Float]]
  ) throws(ConversionError) {
    // Weights that the model brings quantized have nothing to be rounded.
    guard let weights = node.inputs[1], graph.values[weights].quantization == nil,
      let reals = graph.reals(of: weights)
    else { return }
    if let geometry = graph.depthwiseGeometry(node) {
      roundDepthwise(&layer, reals, geometry, inputs)
    } else if let geometry = graph.convolutionGeometry(node), geometry.groups == 1, geometry.input_step_h == 1,
      geometry.input_step_w == 1
    {
      let depth = Int(geometry.kernel_h * geometry.kernel_w * geometry.in_c)
      guard depth <= maxDepth else { return }
      roundConvolution(&layer, reals, geometry, depth, inputs)
    }
  }

  /// About this many windows of each sample count, evenly spread: as many equations as pay.
  private static let windowsPerSample = 256

  private static func roundConvolution(
    _ layer: inout QuantizedWeights, _ reals: [Float], _ p: martlet_conv2d_params, _ depth: Int,
    _ inputs: [[Float]]
  ) {
    let pixels = Int(p.out_h) * Int(p.out_w)
    let chosen = stride(from: 0, to: pixels, by: max(1, pixels / windowsPerSample)).map { $0 }
    let groups = 2
    // Partial sums of two fixed shares, whatever the number of processors.
    let parts = inParallel(groups) { share -> [Float] in
      var gram = [Float](repeating: 0, count: depth * depth)
      var x = [Float](repeating: 0, count: depth)
      for sample in stride(from: share, to: inputs.count, by: groups) {
        for pixel in chosen {
          window(p, inputs[sample], pixel, &x)
          martlet_float_rank_one(&gram, x, x, depth)
        }
      }
      return gram
    }
    let gram = zip(parts[0], parts[1]).map { $0 + $1 }
    let start = layer
    let rows = inParallel(layer.channels) { channel -> [Int8] in
      let range = channel * depth..<(channel + 1) * depth
      return descend(
        Array(start.integers[range]), Array(reals[range]), scale: start.scale(of: channel), gram, depth)
    }
    for (channel, row) in rows.enumerated() {
      layer.integers.replaceSubrange(channel * depth..<(channel + 1) * depth, with: row)
    }
  }

  private static func roundDepthwise(
    _ layer: inout QuantizedWeights, _ reals: [Float], _ p: martlet_depthwise_params,
    _ inputs: [[Float]]
  ) {
    let (taps, channels) = (Int(p.kernel_h * p.kernel_w), layer.channels)
    let (inChannels, multiplier) = (Int(p.in_c), Int(p.multiplier))
    let start = layer
    let rows = inParallel(channels) { channel -> [Int8] in
      var gram = [Float](repeating: 0, count: taps * taps)
      var x = [Float](repeating: 0, count: taps)
      let pixels = Int(p.out_h) * Int(p.out_w)
      for sample in inputs {
        for pixel in stride(from: 0, to: pixels, by: max(1, pixels / windowsPerSample)) {
          let y0 = pixel / Int(p.out_w) * Int(p.stride_h) - Int(p.pad_top)
          let x0 = pixel % Int(p.out_w) * Int(p.stride_w) - Int(p.pad_left)
          for tap in 0..<taps {
            let row = y0 + tap / Int(p.kernel_w) * Int(p.dilation_h)
            let column = x0 + tap % Int(p.kernel_w) * Int(p.dilation_w)
            let isInside = row >= 0 && row < Int(p.in_h) && column >= 0 && column < Int(p.in_w)
            x[tap] = isInside ? sample[(row * Int(p.in_w) + column) * inChannels + channel / multiplier] : 0
          }
          for i in 0..<taps { for j in 0..<taps { gram[i * taps + j] += x[i] * x[j] } }
        }
      }
      let places = (0..<taps).map { $0 * channels + channel }
      return descend(
        places.map { start.integers[$0] }, places.map { reals[$0] }, scale: start.scale(of: channel), gram, taps)
    }
    for (channel, row) in rows.enumerated() {
      for (tap, q) in row.enumerated() { layer.integers[tap * channels + channel] = q }
    }
  }

  /// Minimizes (s q - v) G (s q - v)' over integers q, one at a time.
  private static func descend(_ start: [Int8], _ reals: [Float], scale: Float, _ gram: [Float], _ depth: Int) -> [Int8]
  {
    var q = start
    // Half the slope: (s q - v) G.
    var slope = [Float](repeating: 0, count: depth)
    for k in 0..<depth {
      let error = scale * Float(q[k]) - reals[k]
      if error == 0 { continue }
      for j in 0..<depth { slope[j] += error * gram[k * depth + j] }
    }
    // A share of the weights' own error keeps directions that few samples show where they are.
    let mean = (0..<depth).reduce(Float(0)) { $0 + gram[$1 * depth + $1] } / Float(depth)
    let damping = 0.3 * mean
    var moved = Array(repeating: 0, count: depth)
    for _ in 0..<sweeps {
      var changed = false
      for k in 0..<depth {
        let curvature = gram[k * depth + k] + damping
        guard curvature > 0 else { continue }
        let slopeHere = slope[k] + damping * scale * Float(moved[k])
        let step = (-slopeHere / (scale * curvature)).rounded(.toNearestOrAwayFromZero)
        let wanted = max(-127, min(127, Float(q[k]) + step))
        // A weight moves two steps at most from where rounding put it.
        let delta = max(-2, min(2, Int(wanted - Float(q[k])) + moved[k])) - moved[k]
        guard delta != 0 else { continue }
        q[k] += Int8(delta)
        moved[k] += delta
        changed = true
        let weight = scale * Float(delta)
        for j in 0..<depth { slope[j] += weight * gram[k * depth + j] }
      }
      if !changed { break }
    }
    return q
  }

  /// The input under the window of one output pixel.
  private static func window(_ p: martlet_conv2d_params, _ input: [Float], _ pixel: Int, _ row: inout [Float]) {
    let depth = Int(p.in_c)
    let y0 = pixel / Int(p.out_w) * Int(p.stride_h) - Int(p.pad_top)
    let x0 = pixel % Int(p.out_w) * Int(p.stride_w) - Int(p.pad_left)
    var place = 0
    for ky in 0..<Int(p.kernel_h) {
      for kx in 0..<Int(p.kernel_w) {
        let (y, x) = (y0 + ky * Int(p.dilation_h), x0 + kx * Int(p.dilation_w))
        let isInside = y >= 0 && x >= 0 && y < Int(p.in_h) && x < Int(p.in_w)
        let start = (y * Int(p.in_w) + x) * depth
        for c in 0..<depth { row[place + c] = isInside ? input[start + c] : 0 }
        place += depth
      }
    }
  }
}
