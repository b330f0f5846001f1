import CMartletKernels

/// How an operator's work is cut and what it needs: asked of the kernels, for validated parameters only.
struct Workload {
  var units: Int32
  /// Scratch per thread in bytes, the maximum over all instruction sets.
  var scratchBytes: Int
  /// Multiply-accumulates, or element operations, of the largest unit.
  var unitWork: Int64
  /// Of all units, each counted as the largest. No overflow: at most 2^30 units of at most 2^31.
  var work: Int64 { Int64(units) * unitWork }

  init(_ record: OperatorRecord, _ opcode: Opcode) {
    self = switch opcode {
    case .conv2d:
      Workload(record, martlet_conv2d_units, martlet_conv2d_scratch_bytes, martlet_conv2d_unit_work)
    case .depthwise:
      Workload(record, martlet_depthwise_units, martlet_depthwise_scratch_bytes, martlet_depthwise_unit_work)
    case .averagePool:
      Workload(record, martlet_average_pool_units, martlet_average_pool_scratch_bytes, martlet_average_pool_unit_work)
    case .maxPool:
      Workload(record, martlet_max_pool_units, martlet_max_pool_scratch_bytes, martlet_max_pool_unit_work)
    case .mean: Workload(record, martlet_mean_units, martlet_mean_scratch_bytes, martlet_mean_unit_work)
    case .table: Workload(record, martlet_table_units, martlet_table_scratch_bytes, martlet_table_unit_work)
    case .add: Workload(record, martlet_add_units, martlet_add_scratch_bytes, martlet_add_unit_work)
    case .mul: Workload(record, martlet_mul_units, martlet_mul_scratch_bytes, martlet_mul_unit_work)
    case .prelu: Workload(record, martlet_prelu_units, martlet_prelu_scratch_bytes, martlet_prelu_unit_work)
    case .softmax: Workload(record, martlet_softmax_units, martlet_softmax_scratch_bytes, martlet_softmax_unit_work)
    case .copy: Workload(record, martlet_copy_units, martlet_copy_scratch_bytes, martlet_copy_unit_work)
    case .fill: Workload(record, martlet_fill_units, martlet_fill_scratch_bytes, martlet_fill_unit_work)
    case .resizeNearest:
      Workload(
        record, martlet_resize_nearest_units, martlet_resize_nearest_scratch_bytes, martlet_resize_nearest_unit_work)
    case .resizeBilinear:
      Workload(
        record, martlet_resize_bilinear_units, martlet_resize_bilinear_scratch_bytes,
        martlet_resize_bilinear_unit_work)
    case .argmax: Workload(record, martlet_argmax_units, martlet_argmax_scratch_bytes, martlet_argmax_unit_work)
    case .quantize:
      Workload(record, martlet_quantize_units, martlet_quantize_scratch_bytes, martlet_quantize_unit_work)
    case .dequantize:
      Workload(record, martlet_dequantize_units, martlet_dequantize_scratch_bytes, martlet_dequantize_unit_work)
    }
  }

  private init<P: BitwiseCopyable>(
    _ record: OperatorRecord, _ units: (UnsafePointer<P>) -> Int32, _ scratch: (UnsafePointer<P>) -> Int,
    _ work: (UnsafePointer<P>) -> Int64
  ) {
    let parameters = record.parameters(as: P.self)
    self = withUnsafePointer(to: parameters) {
      Workload(units: units($0), scratchBytes: scratch($0), unitWork: max(1, work($0)))
    }
  }

  private init(units: Int32, scratchBytes: Int, unitWork: Int64) {
    self.units = units
    self.scratchBytes = scratchBytes
    self.unitWork = unitWork
  }
}
