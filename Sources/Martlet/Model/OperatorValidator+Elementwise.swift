import CMartletKernels

/// Operators that go from element to element.
extension OperatorValidator {
  func validateTable(_ p: martlet_table_params) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try requireConstant(bytes: 256)
    try requireUnary(.int8, .int8, count: count)
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

  func validateExtremum(_ p: martlet_extremum_params) throws(ModelError) {
    try requireBroadcast(p.shape, p.stride0, p.stride1)
  }

  func validateQuantize(
    _ p: martlet_quantize_params, from: ElementType, to: ElementType
  ) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try require(p.scale.isFinite && p.scale > 0, .outOfRange, "scale", found: Int64(p.scale.bitPattern))
    try checkZeroPoint(p.zero_point, "zero_point")
    try requireUnary(from, to, count: count)
  }

  // MARK: Shared shapes

  func requireUnary(_ from: ElementType, _ to: ElementType, count: Int64) throws(ModelError) {
    try require(record.input0, "input", from, elements: count)
    try requireOutput(to, elements: count)
  }

  /// Both operands stay inside their tensors for every index of `shape`; the output is `shape`, dense.
  private func requireBroadcast(
    _ shape: (Int32, Int32, Int32, Int32, Int32, Int32), _ stride0: (Int32, Int32, Int32, Int32, Int32, Int32),
    _ stride1: (Int32, Int32, Int32, Int32, Int32, Int32)
  ) throws(ModelError) {
    let (shape, stride0, stride1) = (StridedShape(shape), StridedShape(stride0), StridedShape(stride1))
    let count = try elements(of: shape, "shape")
    let reach0 = try reach(of: shape, stride0, offset: 0, "stride0")
    let reach1 = try reach(of: shape, stride1, offset: 0, "stride1")
    try require(record.input0, "input0", .int8, elements: reach0.upperBound + 1)
    try require(record.input1, "input1", .int8, elements: reach1.upperBound + 1)
    // In place is right only where an element is read once, at its own index: for an operand as large as the output
    // that is so exactly when its strides are the dense ones.
    let inPlace =
      (reach0.upperBound + 1 < count || stride0.isDense(over: shape))
      && (reach1.upperBound + 1 < count || stride1.isDense(over: shape))
    try requireOutput(.int8, elements: count, inPlace: inPlace)
  }
}
