import CMartletKernels

/// Operators that compute nothing.
extension OperatorValidator {
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
    try require(StridedShape(p.out_stride).isInjective(over: shape), .overlap, "out_stride", found: 0)
  }

  func validateFill(_ p: martlet_fill_params) throws(ModelError) {
    let count = try product(p.count, 1, field: "count")
    try checkZeroPoint(p.value, "value")
    try requireOutput(.int8, elements: count)
  }

  private func requireHolds(
    _ tensor: UInt32, _ field: StaticString, _ type: ElementType, _ reach: ClosedRange<Int64>
  ) throws(ModelError) -> TensorRecord {
    let record = try require(tensor, field, type)
    let count = Int64(record.byteCount) / Int64(type.byteCount)
    try require(reach.upperBound < count, .outOfBounds, field, found: reach.upperBound, expected: count)
    return record
  }
}
