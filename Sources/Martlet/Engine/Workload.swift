import CMartletKernels

/// How an operator's work is cut and what it needs: asked of the kernels, for parameters within their bounds only.
struct Workload {
  let units: Int32
  /// Scratch per thread in bytes, the maximum over all instruction sets.
  let scratchBytes: Int
  /// Multiply-accumulates, or element operations, of the largest unit.
  let unitWork: Int64
  /// Of all units; 0 where the operator is no convolution.
  let multiplyAccumulates: Int64
  /// Of all units, each counted as the largest. No overflow: at most 2^30 units of at most 2^31.
  var work: Int64 { Int64(units) * unitWork }

  init(_ record: OperatorRecord, _ opcode: Opcode) {
    let asked = withUnsafeBytes(of: record.parameters) { opcode.row.workload($0.baseAddress) }
    units = asked.units
    scratchBytes = asked.scratch_bytes
    unitWork = max(1, asked.unit_work)
    multiplyAccumulates = asked.multiply_accumulates
  }
}
