import CMartletKernels

/// Operators on pictures, [batch, height, width, channels].
extension OperatorValidator {
  /// No kernel of a real network is larger, and no index arithmetic below overflows with it.
  private static var maxWindow: Int32 { 4096 }
  /// Rows, columns and strides together stay below this, and so does a row of repeated channels.
  private static var maxExtent: Int64 { 1 << 30 }
  /// Products that one output adds up: kernel_h * kernel_w * channels of a group. Padded to quads and times the 16
  /// channels of a block that is at most 2^30.
  private static var maxDepth: Int64 { 1 << 24 }
  /// The same for a depthwise convolution.
  private static var maxTaps: Int64 { 1 << 16 }

  func validateConv2D(_ p: martlet_conv2d_params) throws(ModelError) {
    let inputs = try product(p.batch, p.in_h, p.in_w, p.in_c, field: "input shape")
    let outputs = try product(p.batch, p.out_h, p.out_w, p.out_c, field: "output shape")
    try check(p.dilation_h, in: 1...Self.maxWindow, "dilation")
    try check(p.dilation_w, in: 1...Self.maxWindow, "dilation")
    try check(p.input_step_h, in: 1...64, "input_step")
    try check(p.input_step_w, in: 1...64, "input_step")
    try checkAxis(p.in_h, p.out_h, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, p.input_step_h)
    try checkAxis(p.in_w, p.out_w, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, p.input_step_w)
    try check(p.groups, in: 1...p.in_c, "groups")
    let inGroups = p.in_c % p.groups == 0, outGroups = p.out_c % p.groups == 0
    try require(inGroups, .mismatch, "groups", found: Int64(p.groups), expected: Int64(p.in_c))
    try require(outGroups, .mismatch, "groups", found: Int64(p.groups), expected: Int64(p.out_c))
    let depth = Int64(p.kernel_h) * Int64(p.kernel_w) * Int64(p.in_c / p.groups)
    try require(depth <= Self.maxDepth, .overLimit, "kernel shape", found: depth, expected: Self.maxDepth)
    try checkZeroPoint(p.input_zero_point, "input_zero_point")
    try checkZeroPoint(p.weight_zero_point, "weight_zero_point")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkClamp(p.clamp_min, p.clamp_max)
    try check(p.double_rescale, in: 0...1, "double_rescale")
    try requireConstant(bytes: withUnsafePointer(to: p) { Int64(martlet_conv2d_weights_bytes($0)) })
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: outputs)
  }

  func validateDepthwise(_ p: martlet_depthwise_params) throws(ModelError) {
    let inputs = try product(p.batch, p.in_h, p.in_w, p.in_c, field: "input shape")
    let outputs = try product(p.batch, p.out_h, p.out_w, p.in_c, p.multiplier, field: "output shape")
    try check(p.dilation_h, in: 1...Self.maxWindow, "dilation")
    try check(p.dilation_w, in: 1...Self.maxWindow, "dilation")
    try checkAxis(p.in_h, p.out_h, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top, 1)
    try checkAxis(p.in_w, p.out_w, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left, 1)
    let taps = Int64(p.kernel_h) * Int64(p.kernel_w)
    try require(taps <= Self.maxTaps, .overLimit, "kernel shape", found: taps, expected: Self.maxTaps)
    // A row with its channels repeated. The product of the first two is within a tensor.
    let row = Int64(p.in_w) * Int64(p.in_c) * Int64(p.multiplier)
    try require(row <= Self.maxExtent, .overLimit, "row", found: row, expected: Self.maxExtent)
    try checkZeroPoint(p.input_zero_point, "input_zero_point")
    try checkZeroPoint(p.weight_zero_point, "weight_zero_point")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkClamp(p.clamp_min, p.clamp_max)
    try requireConstant(bytes: withUnsafePointer(to: p) { Int64(martlet_depthwise_weights_bytes($0)) })
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: outputs)
  }

  func validatePool(_ p: martlet_pool_params) throws(ModelError) {
    let inputs = try product(p.batch, p.in_h, p.in_w, p.channels, field: "input shape")
    let outputs = try product(p.batch, p.out_h, p.out_w, p.channels, field: "output shape")
    try checkAxis(p.in_h, p.out_h, p.kernel_h, p.stride_h, 1, p.pad_top, 1)
    try checkAxis(p.in_w, p.out_w, p.kernel_w, p.stride_w, 1, p.pad_left, 1)
    // Every window must hold at least one pixel: its mean and maximum are undefined otherwise.
    try checkWindows(p.in_h, p.out_h, p.kernel_h, p.stride_h, p.pad_top)
    try checkWindows(p.in_w, p.out_w, p.kernel_w, p.stride_w, p.pad_left)
    try checkClamp(p.clamp_min, p.clamp_max)
    try check(p.unsigned_rounding, in: 0...1, "unsigned_rounding")
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: outputs)
  }

  func validateResize(_ p: martlet_resize_params) throws(ModelError) {
    let inputs = try product(p.batch, p.in_h, p.in_w, p.channels, field: "input shape")
    let outputs = try product(p.batch, p.out_h, p.out_w, p.channels, field: "output shape")
    // The fixed-point coordinates carry 10 fractional bits.
    try check(max(p.in_h, p.in_w), in: 1...(1 << 16), "input shape")
    try check(max(p.out_h, p.out_w), in: 1...(1 << 16), "output shape")
    try check(p.align_corners, in: 0...1, "align_corners")
    try check(p.half_pixel_centers, in: 0...1, "half_pixel_centers")
    try check(p.unsigned_float, in: 0...1, "unsigned_float")
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: outputs)
  }

  private func checkAxis(
    _ inSize: Int32, _ outSize: Int32, _ kernel: Int32, _ stride: Int32, _ dilation: Int32, _ pad: Int32,
    _ inputStep: Int32
  ) throws(ModelError) {
    try check(kernel, in: 1...Self.maxWindow, "kernel")
    try check(stride, in: 1...Self.maxWindow, "stride")
    try check(pad, in: 0...(Self.maxWindow * 4), "pad")
    let reach = Int64(outSize) * Int64(stride) + Int64(kernel) * Int64(dilation)
    let extent = max(reach, Int64(inSize) * Int64(inputStep))
    try require(extent <= Self.maxExtent, .overLimit, "extent", found: extent, expected: Self.maxExtent)
  }

  private func checkWindows(
    _ inSize: Int32, _ outSize: Int32, _ kernel: Int32, _ stride: Int32, _ pad: Int32
  ) throws(ModelError) {
    try require(pad < kernel, .outOfRange, "pad", found: Int64(pad), expected: Int64(kernel) - 1)
    let last = Int64(outSize) * Int64(stride) - Int64(stride) - Int64(pad)
    try require(last < Int64(inSize), .outOfRange, "output shape", found: Int64(outSize), expected: Int64(inSize))
  }
}
