import CMartletKernels

extension OperatorValidator {
  func validateTable(_ p: martlet_table_params) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try requireConstant(bytes: 256)
    try requireUnary(.int8, .int8, count: count, sharing: .sameBytes)
  }

  func validateAdd(_ p: martlet_add_params) throws(ModelError) {
    try checkZeroPoint(p.zero_point0, "zero_point0")
    try checkZeroPoint(p.zero_point1, "zero_point1")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkMultiplier(p.multiplier0, p.shift0, "multiplier0")
    try checkMultiplier(p.multiplier1, p.shift1, "multiplier1")
    try checkMultiplier(p.output_multiplier, p.output_shift, "output_multiplier")
    try check(p.left_shift, in: 0...22, "left_shift")
    try checkClamp(p.clamp_min, p.clamp_max)
    try check(p.subtract, in: 0...1, "subtract")
    try requireBroadcast(p.shape, p.stride0, p.stride1)
  }

  func validateMul(_ p: martlet_mul_params) throws(ModelError) {
    try checkZeroPoint(p.zero_point0, "zero_point0")
    try checkZeroPoint(p.zero_point1, "zero_point1")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkMultiplier(p.multiplier, p.shift, "multiplier")
    try checkClamp(p.clamp_min, p.clamp_max)
    try requireBroadcast(p.shape, p.stride0, p.stride1)
  }

  func validatePrelu(_ p: martlet_prelu_params) throws(ModelError) {
    try checkZeroPoint(p.input_zero_point, "input_zero_point")
    try checkZeroPoint(p.alpha_zero_point, "alpha_zero_point")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkMultiplier(p.positive_multiplier, p.positive_shift, "positive_multiplier")
    try checkMultiplier(p.negative_multiplier, p.negative_shift, "negative_multiplier")
    try requireBroadcast(p.shape, p.stride0, p.stride1)
  }

  func validateSoftmax(_ p: martlet_softmax_params) throws(ModelError) {
    let count = try product(p.rows, p.depth, field: "shape")
    try check(p.beta_multiplier, in: 0...Int32.max, "beta_multiplier")
    try check(p.beta_left_shift, in: 0...31, "beta_left_shift")
    try check(p.diff_min, in: Int32.min...0, "diff_min")
    try requireUnary(.int8, .int8, count: count, sharing: .sameBytes)
  }

  func validateFill(_ p: martlet_fill_params) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try checkZeroPoint(p.value, "value")
    try requireOutput(.int8, elements: count)
  }

  func validateQuantize(
    _ p: martlet_quantize_params, from: ElementType, to: ElementType
  ) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try require(p.scale.isFinite && p.scale > 0, .outOfRange, "scale", found: Int64(p.scale.bitPattern))
    try checkZeroPoint(p.zero_point, "zero_point")
    try requireUnary(from, to, count: count)
  }

  func validateMean(_ p: martlet_mean_params) throws(ModelError) {
    let inputs = try product(p.outer, p.reduce, p.inner, field: "shape")
    try checkZeroPoint(p.input_zero_point, "input_zero_point")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkMultiplier(p.multiplier, p.shift, "multiplier")
    try checkClamp(p.clamp_min, p.clamp_max)
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: inputs / Int64(p.reduce))
  }

  func validateArgmax(_ p: martlet_argmax_params) throws(ModelError) {
    let inputs = try product(p.outer, p.axis, p.inner, field: "shape")
    try require(p.index_size == 4 || p.index_size == 8, .unknownValue, "index_size", found: Int64(p.index_size))
    try check(p.minimum, in: 0...1, "minimum")
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(p.index_size == 4 ? .int32 : .int64, elements: inputs / Int64(p.axis))
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

  // MARK: Shared shapes

  private func requireUnary(
    _ from: ElementType, _ to: ElementType, count: Int64, sharing: Sharing = .never
  ) throws(ModelError) {
    try require(record.input0, "input", from, elements: count)
    try requireOutput(to, elements: count, sharing: sharing)
  }

  /// Both operands stay inside their tensors for every index of `shape`; the output is `shape`, dense.
  private func requireBroadcast(
    _ shape: (Int32, Int32, Int32, Int32, Int32, Int32), _ stride0: (Int32, Int32, Int32, Int32, Int32, Int32),
    _ stride1: (Int32, Int32, Int32, Int32, Int32, Int32)
  ) throws(ModelError) {
    let shape = StridedShape(shape)
    let count = try elements(of: shape, "shape")
    let reach0 = try reach(of: shape, StridedShape(stride0), offset: 0, "stride0")
    let reach1 = try reach(of: shape, StridedShape(stride1), offset: 0, "stride1")
    try require(record.input0, "input0", .int8, elements: reach0.upperBound + 1)
    try require(record.input1, "input1", .int8, elements: reach1.upperBound + 1)
    // In place is right only where an element is read once, at its own index: for an operand as large as the output
    // that is so exactly when its strides are the dense ones.
    let inPlace = (reach0.upperBound + 1 < count || isDense(StridedShape(stride0), shape))
      && (reach1.upperBound + 1 < count || isDense(StridedShape(stride1), shape))
    try requireOutput(.int8, elements: count, sharing: inPlace ? .sameBytes : .never)
  }

  private func isDense(_ stride: StridedShape, _ shape: StridedShape) -> Bool {
    var expected: Int64 = 1
    var axis = 5
    while axis >= 0 {
      if shape[axis] > 1 && Int64(stride[axis]) != expected { return false }
      expected *= Int64(shape[axis])
      axis -= 1
    }
    return true
  }

  func validateCopy(_ p: martlet_copy_params) throws(ModelError) {
    let size = p.element_size
    try require(size == 1 || size == 4 || size == 8, .unknownValue, "element_size", found: Int64(size))
    let type: ElementType = size == 1 ? .int8 : size == 4 ? .int32 : .int64
    let shape = StridedShape(p.shape)
    _ = try elements(of: shape, "shape")
    let read = try reach(of: shape, StridedShape(p.in_stride), offset: p.in_offset, "in_stride")
    let written = try reach(of: shape, StridedShape(p.out_stride), offset: p.out_offset, "out_stride")
    _ = try requireHolds(record.input0, "input", type, read)
    try requirePlace(of: requireHolds(record.output, "output", type, written))
    // Two indices that write one element would make the bits depend on the order.
    try require(isInjective(StridedShape(p.out_stride), shape), .overlap, "out_stride", found: 0)
  }

  private func requireHolds(
    _ tensor: UInt32, _ field: StaticString, _ type: ElementType, _ reach: ClosedRange<Int64>
  ) throws(ModelError) -> TensorRecord {
    let record = try require(tensor, field, type)
    let count = Int64(record.byteCount) / Int64(type.byteCount)
    try require(reach.upperBound < count, .outOfBounds, field, found: reach.upperBound, expected: count)
    return record
  }

  /// Lowest and highest element that the strides reach, none below 0. At most 2^30 * 2^31: no overflow.
  private func reach(
    of shape: StridedShape, _ stride: StridedShape, offset: Int32, _ field: StaticString
  ) throws(ModelError) -> ClosedRange<Int64> {
    var least = Int64(offset)
    var most = Int64(offset)
    for axis in 0..<6 {
      let span = (Int64(shape[axis]) - 1) * Int64(stride[axis])
      if span < 0 { least += span } else { most += span }
    }
    try require(least >= 0, .outOfBounds, field, found: least)
    return least...most
  }

  /// Whether the axes, ordered by stride, nest without meeting: each stride is larger than all that lies below it.
  private func isInjective(_ stride: StridedShape, _ shape: StridedShape) -> Bool {
    var covered: Int64 = 0
    var used: UInt8 = 0
    for _ in 0..<6 {
      var next = -1
      for axis in 0..<6 where used & (1 << UInt8(axis)) == 0 && shape[axis] > 1 {
        if next < 0 || stride[axis] < stride[next] { next = axis }
      }
      if next < 0 { return true }
      guard Int64(stride[next]) > covered else { return false }
      covered += Int64(shape[next] - 1) * Int64(stride[next])
      used |= 1 << UInt8(next)
    }
    return true
  }
}

/// A C array of six, which Swift sees as a tuple, with an index.
struct StridedShape {
  private let values: InlineArray<6, Int32>
  init(_ t: (Int32, Int32, Int32, Int32, Int32, Int32)) { values = [t.0, t.1, t.2, t.3, t.4, t.5] }
  subscript(_ axis: Int) -> Int32 { values[axis] }
}
