import CMartletKernels
import Martlet

/// An operator that a cascade may have, and how much work its strips are.
struct CascadeOperator {
  let stage: CascadeStage
  /// Of the packed constant, which every strip reads again.
  let constantBytes: Int
  let outputColumns: Int
  let cyclesPerRow: Double
  /// What an odd last row of a strip costs more, in rows: kernels run two at a time.
  let oddRows: Double

  /// Nil where the operator has to have its tensors whole. The loader has accepted the program.
  init?(_ operation: DeviceOperator, _ program: Program) {
    // What is read of the file has no rows in the arena.
    guard operation.inputs.allSatisfy({ program.tensors[$0].buffer != nil }) else { return nil }
    let output = program.tensors[operation.output]
    do throws(CascadeFault) {
      stage = try CascadeStage(OperatorRecord(operation)) { TensorRecord(program.tensors[Int($0)]) }
    } catch {
      return nil
    }
    constantBytes = operation.constant.map { program.tensors[$0].byteCount } ?? 0
    outputColumns = output.shape[2]
    let row = Double(output.shape[2] * output.shape[3])
    oddRows = operation.opcode == .depthwise ? 0.5 : 0
    switch operation.opcode {
    case .conv2d:
      // The packed weights, with their padding, are what a pixel is multiplied with.
      cyclesPerRow = Double(outputColumns * constantBytes) / CascadeCost.productsPerCycle
    case .depthwise:
      let p = operation.parameters(as: martlet_depthwise_params.self)
      let taps = Double(p.kernel_h) * Double(p.kernel_w)
      cyclesPerRow = row * taps / CascadeCost.depthwiseProductsPerCycle
    case .table: cyclesPerRow = row * CascadeCost.table
    case .add, .mul: cyclesPerRow = row * CascadeCost.binary
    // No stage.
    case .averagePool, .maxPool, .mean, .prelu, .softmax, .copy, .fill, .resizeNearest, .resizeBilinear, .argmax,
      .quantize, .dequantize, .maximum, .minimum:
      return nil
    }
  }
}
