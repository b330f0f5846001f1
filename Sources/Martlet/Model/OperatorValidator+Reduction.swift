import CMartletKernels

/// Operators along one axis.
extension OperatorValidator {
  func validateMean(_ p: martlet_mean_params) throws(ModelError) {
    let inputs = try product(p.outer, p.reduce, p.inner, field: "shape")
    try checkZeroPoint(p.input_zero_point, "input_zero_point")
    try checkZeroPoint(p.output_zero_point, "output_zero_point")
    try checkMultiplier(p.multiplier, p.shift, "multiplier")
    try checkClamp(p.clamp_min, p.clamp_max)
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(.int8, elements: inputs / Int64(p.reduce))
  }

  func validateSoftmax(_ p: martlet_softmax_params) throws(ModelError) {
    let count = try product(p.rows, p.depth, field: "shape")
    try check(p.beta_multiplier, in: 0...Int32.max, "beta_multiplier")
    try check(p.beta_left_shift, in: 0...31, "beta_left_shift")
    try check(p.diff_min, in: Int32.min...0, "diff_min")
    try requireUnary(.int8, .int8, count: count)
  }

  func validateArgmax(_ p: martlet_argmax_params) throws(ModelError) {
    let inputs = try product(p.outer, p.axis, p.inner, field: "shape")
    try require(p.index_size == 4 || p.index_size == 8, .unknownValue, "index_size", found: Int64(p.index_size))
    try check(p.minimum, in: 0...1, "minimum")
    try require(record.input0, "input", .int8, elements: inputs)
    try requireOutput(p.index_size == 4 ? .int32 : .int64, elements: inputs / Int64(p.axis))
  }
}
