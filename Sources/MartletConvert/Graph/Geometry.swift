import CMartletKernels

/// The geometry of windowed operators as the kernels' records have it: sizes and motion, nothing of quantization.
/// Lowering and the float executor start from the same.
extension Graph {
  /// Of a convolution, a fully connected layer (rows as width) or a transposed convolution; nil for another operation.
  func convolutionGeometry(_ node: Node) -> martlet_conv2d_params? {
    guard let layer = node.operation.layer, let input = node.inputs[0], let weights = node.inputs[1] else { return nil }
    var p = martlet_conv2d_params()
    (p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w) = (1, 1, 1, 1, 1, 1)
    (p.groups, p.input_step_h, p.input_step_w) = (1, 1, 1)
    let kernel = values[weights].shape
    if case .fullyConnected = layer {
      let rows = values[input].count / kernel[1]
      (p.batch, p.in_h, p.in_w, p.in_c) = (1, 1, Int32(rows), Int32(kernel[1]))
      (p.out_h, p.out_w, p.out_c) = (1, Int32(rows), Int32(kernel[0]))
      return p
    }
    let (from, to) = (values[input].shape, values[node.outputs[0]].shape)
    (p.batch, p.in_h, p.in_w, p.in_c) = (Int32(from[0]), Int32(from[1]), Int32(from[2]), Int32(from[3]))
    (p.out_h, p.out_w, p.out_c) = (Int32(to[1]), Int32(to[2]), Int32(to[3]))
    (p.kernel_h, p.kernel_w) = (Int32(kernel[1]), Int32(kernel[2]))
    switch layer {
    case .convolution(let motion, let groups):
      (p.stride_h, p.stride_w) = (Int32(motion.stride.height), Int32(motion.stride.width))
      (p.dilation_h, p.dilation_w) = (Int32(motion.dilation.height), Int32(motion.dilation.width))
      (p.pad_top, p.pad_left) = (Int32(motion.padding.height), Int32(motion.padding.width))
      p.groups = Int32(groups)
    case .transposedConvolution(let motion):
      // Scattering with a kernel is gathering with the kernel turned around.
      (p.input_step_h, p.input_step_w) = (Int32(motion.stride.height), Int32(motion.stride.width))
      p.pad_top = Int32(kernel[1] - 1 - motion.padding.height)
      p.pad_left = Int32(kernel[2] - 1 - motion.padding.width)
    case .depthwise, .fullyConnected: return nil
    }
    return p
  }

  func depthwiseGeometry(_ node: Node) -> martlet_depthwise_params? {
    guard case .depthwise(let motion, let multiplier, _) = node.operation, let input = node.inputs[0],
      let weights = node.inputs[1]
    else { return nil }
    let (from, to, kernel) = (values[input].shape, values[node.outputs[0]].shape, values[weights].shape)
    var p = martlet_depthwise_params()
    p.batch = Int32(from[0])
    (p.in_h, p.in_w, p.in_c) = (Int32(from[1]), Int32(from[2]), Int32(from[3]))
    (p.out_h, p.out_w, p.multiplier) = (Int32(to[1]), Int32(to[2]), Int32(multiplier))
    (p.kernel_h, p.kernel_w) = (Int32(kernel[1]), Int32(kernel[2]))
    (p.stride_h, p.stride_w) = (Int32(motion.stride.height), Int32(motion.stride.width))
    (p.dilation_h, p.dilation_w) = (Int32(motion.dilation.height), Int32(motion.dilation.width))
    (p.pad_top, p.pad_left) = (Int32(motion.padding.height), Int32(motion.padding.width))
    return p
  }

  func poolGeometry(_ node: Node) -> martlet_pool_params? {
    guard let (window, motion) = node.operation.traits.pool, let input = node.inputs[0] else { return nil }
    let (from, to) = (values[input].shape, values[node.outputs[0]].shape)
    var p = martlet_pool_params()
    (p.batch, p.in_h, p.in_w, p.channels) = (Int32(from[0]), Int32(from[1]), Int32(from[2]), Int32(from[3]))
    (p.out_h, p.out_w) = (Int32(to[1]), Int32(to[2]))
    (p.kernel_h, p.kernel_w) = (Int32(window.height), Int32(window.width))
    (p.stride_h, p.stride_w) = (Int32(motion.stride.height), Int32(motion.stride.width))
    (p.pad_top, p.pad_left) = (Int32(motion.padding.height), Int32(motion.padding.width))
    return p
  }
}

extension Operation {
  /// Whether its weights have their output channels last.
  var hasChannelsLast: Bool {
    if case .depthwise = self { true } else { false }
  }

  /// How weights belong to output channels: weight `i` to channel `i / inner % channels`. Depthwise weights have their
  /// channels last, all others first.
  func weightLayout(_ shape: [Int]) -> (channels: Int, inner: Int) {
    if hasChannelsLast { return (shape.last ?? 1, 1) }
    return (shape.first ?? 1, shape.dropFirst().reduce(1, *))
  }
}
