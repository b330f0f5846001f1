import CMartletKernels

/// An operator with its kernel chosen and its operands turned into addresses.
struct BoundOperator {
  var kernel: martlet_kernel
  var units: Int32
  var unitWork: Int64
  var buffers: martlet_buffers

  /// `tensors` is the start of the arena's tensor region. The model has been validated.
  init(
    _ index: Int, of model: Model, tensors: UnsafeMutableRawPointer, kernels: UnsafePointer<martlet_kernel_table>
  ) throws(ModelError) {
    let record = model.operatorRecord(index)
    guard let opcode = Opcode(code: record.opcode) else { throw ModelError(.changed, .operator, index: index) }
    let workload = Workload(record, opcode)
    units = workload.units
    unitWork = workload.unitWork
    buffers = martlet_buffers()
    buffers.input.0 = BoundOperator.address(record.input0, model, tensors)
    buffers.input.1 = BoundOperator.address(record.input1, model, tensors)
    buffers.output = UnsafeMutableRawPointer(mutating: BoundOperator.address(record.output, model, tensors))
    buffers.weights = BoundOperator.address(record.constant, model, tensors)
    kernel = UnsafeRawPointer(kernels).load(fromByteOffset: Int(opcode.row.kernel_offset), as: martlet_kernel.self)
  }

  private static func address(
    _ tensor: UInt32, _ model: Model, _ tensors: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer? {
    guard tensor != ModelFormat.none else { return nil }
    let record = model.tensor(Int(tensor))
    return record.storage == TensorStorage.weights.rawValue
      ? model.weights.baseAddress.map { $0 + Int(record.offset) } : UnsafeRawPointer(tensors + Int(record.offset))
  }
}
