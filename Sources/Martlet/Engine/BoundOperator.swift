import CMartletKernels

/// An operator with its kernel chosen and its operands turned into addresses.
struct BoundOperator {
  var kernel: martlet_kernel
  var units: Int32
  var unitWork: Int64
  var buffers: martlet_buffers

  /// `tensors` is the start of the arena's tensor region. The model has been validated.
  init(
    _ index: Int, of model: Model, tensors: UnsafeMutableRawPointer, kernels: martlet_kernel_table
  ) throws(ModelError) {
    let record = model.operatorRecord(index)
    guard let opcode = Opcode(rawValue: record.opcode) else { throw ModelError(.changed, .operator, index: index) }
    let workload = Workload(record, opcode)
    units = workload.units
    unitWork = workload.unitWork
    buffers = martlet_buffers()
    buffers.input.0 = BoundOperator.address(record.input0, model, tensors)
    buffers.input.1 = BoundOperator.address(record.input1, model, tensors)
    buffers.output = UnsafeMutableRawPointer(mutating: BoundOperator.address(record.output, model, tensors))
    buffers.weights = BoundOperator.address(record.constant, model, tensors)
    kernel = BoundOperator.kernel(opcode, kernels)
  }

  private static func address(
    _ tensor: UInt32, _ model: Model, _ tensors: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer? {
    guard tensor != ModelFormat.none else { return nil }
    let record = model.tensor(Int(tensor))
    return record.storage == TensorStorage.weights.rawValue
      ? model.weights.baseAddress.map { $0 + Int(record.offset) } : UnsafeRawPointer(tensors + Int(record.offset))
  }

  private static func kernel(
    _ opcode: Opcode, _ kernels: martlet_kernel_table
  ) -> martlet_kernel {
    switch opcode {
    case .conv2d: kernels.conv2d
    case .depthwise: kernels.depthwise
    case .averagePool: kernels.average_pool
    case .maxPool: kernels.max_pool
    case .mean: kernels.mean
    case .table: kernels.table
    case .add: kernels.add
    case .mul: kernels.mul
    case .prelu: kernels.prelu
    case .softmax: kernels.softmax
    case .copy: kernels.copy
    case .fill: kernels.fill
    case .resizeNearest: kernels.resize_nearest
    case .resizeBilinear: kernels.resize_bilinear
    case .argmax: kernels.argmax
    case .quantize: kernels.quantize
    case .dequantize: kernels.dequantize
    }
  }
}
