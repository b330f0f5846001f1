import CMartletKernels

/// An operator with its kernel chosen, its plan made and its operands turned into addresses.
struct BoundOperator {
  var kernel: martlet_kernel
  /// What the kernel takes: the plan, or the record in the arena.
  var parameters: UnsafeRawPointer
  var units: Int32
  var unitWork: Int64

  /// `plan` is memory of `planBytes(of:in:)`; nil: the operator runs strip by strip only, as part of a cascade. The
  /// model has been validated.
  init(
    _ index: Int, of model: Model, plan: UnsafeMutableRawPointer?, kernels: UnsafePointer<martlet_kernel_table>
  ) throws(ModelError) {
    let record = model.operatorRecord(index)
    guard let opcode = Opcode(code: record.opcode), let row = martlet_operator_of(record.opcode) else {
      throw ModelError(.changed, .operator, index: index)
    }
    let workload = Workload(record, opcode)
    units = workload.units
    unitWork = workload.unitWork
    parameters = model.parameters(ofOperator: index)
    if let plan { parameters = martlet_operator_bind(row, parameters, plan) }
    kernel = UnsafeRawPointer(kernels).load(fromByteOffset: Int(row.pointee.kernel_offset), as: martlet_kernel.self)
  }

  /// Of an operator that has been validated, rounded up so that the next plan is aligned.
  static func planBytes(of index: Int, in model: Model) -> Int {
    let bytes = martlet_operator_of(model.operatorRecord(index).opcode)?.pointee.plan_bytes ?? 0
    return (Int(bytes) + 7) & ~7
  }
}

extension martlet_buffers {
  /// The operands of an operator. `tensors` is the start of the arena's tensor region. The model has been validated.
  init(ofOperator index: Int, in model: Model, tensors: UnsafeMutableRawPointer) {
    self.init()
    let record = model.operatorRecord(index)
    input.0 = martlet_buffers.address(record.input0, model, tensors)
    input.1 = martlet_buffers.address(record.input1, model, tensors)
    output = UnsafeMutableRawPointer(mutating: martlet_buffers.address(record.output, model, tensors))
    weights = martlet_buffers.address(record.constant, model, tensors)
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
