import CMartletKernels
import Martlet

/// An operator that a cascade may have, and how much work its strips are.
struct CascadeOperator {
  let stage: CascadeStage
  /// Of the packed constant, which every strip reads again.
  let constantBytes: Int
  let outputColumns: Int
  let cyclesPerRow: Double
  private let record: OperatorRecord
  private let bytesPerRow: Int

  /// Nil where the operator has to have its tensors whole. The loader has accepted the program.
  init?(_ operation: DeviceOperator, _ program: Program) {
    // What is read of the file has no rows in the arena.
    guard operation.inputs.allSatisfy({ program.tensors[$0].buffer != nil }) else { return nil }
    let output = program.tensors[operation.output]
    record = OperatorRecord(operation)
    do throws(CascadeFault) {
      stage = try CascadeStage(record) { TensorRecord(program.tensors[Int($0)]) }
    } catch {
      return nil
    }
    constantBytes = operation.constant.map { program.tensors[$0].byteCount } ?? 0
    outputColumns = output.shape[2]
    bytesPerRow = output.shape[2] * output.shape[3]
    switch operation.opcode {
    case .conv2d:
      // The packed weights, with their padding, are what a pixel is multiplied with.
      cyclesPerRow = Double(outputColumns * constantBytes) / CascadeCost.productsPerCycle
    case .depthwise:
      let p = operation.parameters(as: martlet_depthwise_params.self)
      let taps = Double(p.kernel_h) * Double(p.kernel_w)
      cyclesPerRow = Double(bytesPerRow) * taps / CascadeCost.depthwiseProductsPerCycle
    case .table: cyclesPerRow = Double(bytesPerRow) * CascadeCost.table
    default: cyclesPerRow = Double(bytesPerRow) * CascadeCost.binary
    }
  }

  /// How its kernel cuts a strip of so many rows inside the picture.
  func workload(rows: Int) -> martlet_workload {
    let inputRows = min(stage.inputRows, (rows - 1) * stage.stride + stage.window)
    switch Opcode(code: record.opcode) {
    case .conv2d:
      var p = record.parameters(as: martlet_conv2d_params.self)
      (p.out_h, p.in_h, p.pad_top) = (Int32(rows), Int32(inputRows), 0)
      return martlet_conv2d_workload(&p)
    case .depthwise:
      var p = record.parameters(as: martlet_depthwise_params.self)
      (p.out_h, p.in_h, p.pad_top) = (Int32(rows), Int32(inputRows), 0)
      return martlet_depthwise_workload(&p)
    case .add:
      var p = record.parameters(as: martlet_add_params.self)
      p.shape = (1, 1, 1, 1, 1, Int32(rows * bytesPerRow))
      return martlet_add_workload(&p)
    case .mul:
      var p = record.parameters(as: martlet_mul_params.self)
      p.shape = (1, 1, 1, 1, 1, Int32(rows * bytesPerRow))
      return martlet_mul_workload(&p)
    default:
      var p = martlet_table_params(count: Int32(rows * bytesPerRow))
      return martlet_table_workload(&p)
    }
  }
}
