import CMartletKernels

/// Checks one operator: that its operands exist and have the sizes that its parameters say, and that no parameter can
/// make a kernel's index arithmetic leave 32 bits or its loops run without end.
struct OperatorValidator {
  let model: Model
  let index: Int
  let record: OperatorRecord

  init(model: Model, index: Int) {
    self.model = model
    self.index = index
    record = model.operatorRecord(index)
  }

  func validate() throws(ModelError) -> Opcode {
    guard let opcode = Opcode(code: record.opcode) else {
      throw fail(.unknownValue, "opcode", found: Int64(record.opcode))
    }
    try requireUnusedAreNone(opcode)
    switch opcode {
    case .conv2d: try validateConv2D(record.parameters(as: martlet_conv2d_params.self))
    case .depthwise: try validateDepthwise(record.parameters(as: martlet_depthwise_params.self))
    case .averagePool, .maxPool: try validatePool(record.parameters(as: martlet_pool_params.self))
    case .mean: try validateMean(record.parameters(as: martlet_mean_params.self))
    case .table: try validateTable(record.parameters(as: martlet_table_params.self))
    case .add: try validateAdd(record.parameters(as: martlet_add_params.self))
    case .mul: try validateMul(record.parameters(as: martlet_mul_params.self))
    case .prelu: try validatePrelu(record.parameters(as: martlet_prelu_params.self))
    case .maximum, .minimum: try validateExtremum(record.parameters(as: martlet_extremum_params.self))
    case .softmax: try validateSoftmax(record.parameters(as: martlet_softmax_params.self))
    case .copy: try validateCopy(record.parameters(as: martlet_copy_params.self))
    case .fill: try validateFill(record.parameters(as: martlet_fill_params.self))
    case .resizeNearest, .resizeBilinear: try validateResize(record.parameters(as: martlet_resize_params.self))
    case .argmax: try validateArgmax(record.parameters(as: martlet_argmax_params.self))
    case .quantize: try validateQuantize(record.parameters(as: martlet_quantize_params.self), from: .float32, to: .int8)
    case .dequantize:
      try validateQuantize(record.parameters(as: martlet_quantize_params.self), from: .int8, to: .float32)
    }
    return opcode
  }

  // MARK: Failing

  func fail(
    _ kind: ModelError.Kind, _ field: StaticString, found: Int64, expected: Int64 = 0
  ) -> ModelError {
    ModelError(
      kind, .operator, index: index, opcode: record.opcode, field: field, found: found, expected: expected)
  }

  /// Every rule about an operator passes through here, so that a test can take each one out and see whether it is
  /// missed.
  func require(
    _ holds: Bool, _ kind: ModelError.Kind, _ field: StaticString, found: Int64, expected: Int64 = 0
  ) throws(ModelError) {
    #if CANARY
      if RuleCanary.takesOut(field, holds) { return }
    #endif
    if !holds { throw fail(kind, field, found: found, expected: expected) }
  }

  func check(_ value: Int32, in range: ClosedRange<Int32>, _ field: StaticString) throws(ModelError) {
    let limit = value < range.lowerBound ? range.lowerBound : range.upperBound
    try require(range.contains(value), .outOfRange, field, found: Int64(value), expected: Int64(limit))
  }

  func checkZeroPoint(_ value: Int32, _ field: StaticString) throws(ModelError) {
    try check(value, in: -128...127, field)
  }

  func checkClamp(_ least: Int32, _ most: Int32) throws(ModelError) {
    try check(least, in: -128...127, "clamp_min")
    try check(most, in: least...127, "clamp_max")
  }

  func checkMultiplier(_ multiplier: Int32, _ shift: Int32, _ field: StaticString) throws(ModelError) {
    try check(multiplier, in: 0...Int32.max, field)
    try check(shift, in: -31...31, field)
  }

  func require(within limit: Int, _ size: Int, _ field: StaticString) throws(ModelError) {
    try require(size <= limit, .overLimit, field, found: Int64(size), expected: Int64(limit))
  }

  // MARK: Sizes

  /// Product of sizes, each at least 1, at most 2^30 in all.
  func product(
    _ a: Int32, _ b: Int32, _ c: Int32 = 1, _ d: Int32 = 1, _ e: Int32 = 1, field: StaticString
  ) throws(ModelError) -> Int64 {
    try elements(of: StridedShape((a, b, c, d, e, 1)), field)
  }

  func elements(of shape: StridedShape, _ field: StaticString) throws(ModelError) -> Int64 {
    var least = Int32.max
    var count: Int64 = 1
    for axis in 0..<6 {
      least = min(least, shape[axis])
      let (product, overflow) = count.multipliedReportingOverflow(by: Int64(shape[axis]))
      count = overflow ? Int64.max : product
    }
    try require(least >= 1, .outOfRange, field, found: Int64(least), expected: 1)
    try require(within: ModelFormat.maxElements, Int(count), field)
    return count
  }

  /// Lowest and highest element that the strides reach, none below 0. At most 2^30 * 2^31: no overflow.
  func reach(
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

  // MARK: Operands

  private func operand(_ tensor: UInt32, _ field: StaticString) throws(ModelError) -> TensorRecord {
    let count = Int64(model.tensorCount)
    try require(tensor < count, .outOfBounds, field, found: Int64(tensor), expected: count)
    return model.tensor(Int(tensor))
  }

  /// What an operator does not read must say so: binding turns every operand into an address.
  private func requireUnusedAreNone(_ opcode: Opcode) throws(ModelError) {
    let row = opcode.row
    if !row.reads_input_0 { try requireNone(record.input0, "input0") }
    if !row.reads_input_1 { try requireNone(record.input1, "input1") }
    if !row.reads_constant { try requireNone(record.constant, "constant") }
  }

  private func requireNone(_ tensor: UInt32, _ field: StaticString) throws(ModelError) {
    let none = ModelFormat.none
    try require(tensor == none, .mismatch, field, found: Int64(tensor), expected: Int64(none))
  }

  /// An operand of this type.
  func require(_ tensor: UInt32, _ field: StaticString, _ type: ElementType) throws(ModelError) -> TensorRecord {
    let record = try operand(tensor, field)
    try require(
      record.type == type.rawValue, .mismatch, field, found: Int64(record.type), expected: Int64(type.rawValue))
    return record
  }

  /// An operand of exactly this many elements of this type.
  @discardableResult
  func require(
    _ tensor: UInt32, _ field: StaticString, _ type: ElementType, elements: Int64
  ) throws(ModelError) -> TensorRecord {
    let record = try require(tensor, field, type)
    let bytes = elements * Int64(type.byteCount), found = Int64(truncatingIfNeeded: record.byteCount)
    try require(found == bytes, .mismatch, field, found: found, expected: bytes)
    return record
  }

  /// The packed constant, of exactly this many bytes, in the weights section.
  func requireConstant(bytes: Int64) throws(ModelError) {
    let constant = try require(record.constant, "constant", .int8, elements: bytes)
    try requireStorage(constant, .weights, "constant")
  }

  private func requireStorage(
    _ tensor: TensorRecord, _ storage: TensorStorage, _ field: StaticString
  ) throws(ModelError) {
    let found = tensor.storage, expected = storage.rawValue
    try require(found == expected, .mismatch, field, found: Int64(found), expected: Int64(expected))
  }

  /// The output lies in the arena and does not overlap what is read, or threads would race and bits would differ. But
  /// it may be the very same bytes as an input that has as many elements, where the operator runs in place and, as
  /// `inPlace` says, its parameters let it.
  func requireOutput(_ type: ElementType, elements: Int64, inPlace: Bool = true) throws(ModelError) {
    try requirePlace(of: require(record.output, "output", type, elements: elements), inPlace: inPlace)
  }

  func requirePlace(of output: TensorRecord, inPlace: Bool = true) throws(ModelError) {
    try requireStorage(output, .arena, "output")
    let mayShare = inPlace && (martlet_operator_of(record.opcode)?.pointee.runs_in_place ?? false)
    try requireDisjoint(output, record.input0, mayShare)
    try requireDisjoint(output, record.input1, mayShare)
  }

  /// `tensor` is one of the operator's inputs, which has been looked at, or none.
  private func requireDisjoint(_ output: TensorRecord, _ tensor: UInt32, _ mayShare: Bool) throws(ModelError) {
    guard tensor != ModelFormat.none else { return }
    let input = model.tensor(Int(tensor))
    guard input.storage == TensorStorage.arena.rawValue else { return }
    let apart =
      input.offset &+ input.arenaBytes <= output.offset || output.offset &+ output.arenaBytes <= input.offset
    let same = input.offset == output.offset && input.byteCount == output.byteCount
    try require(
      apart || same && mayShare, .overlap, "output", found: Int64(record.output), expected: Int64(tensor))
  }
}
