import CMartletKernels
import Martlet

/// An operator that can run strip by strip: which rows of its inputs a row of its output needs, and how its work is cut.
struct CascadeStage {
  /// Tensors of the arena, each once, in the order of the operands.
  let inputs: [Int]
  let output: Int
  /// Of the output, and of every input.
  let rows: Int
  let inputRows: Int
  /// Output row y reads `span` rows of its inputs from y * stride - pad on, as far as there are any.
  let span: Int
  let stride: Int
  let pad: Int
  /// Of the packed constant, which every strip reads again.
  let constantBytes: Int
  let cyclesPerRow: Double
  /// How its kernel cuts a strip of some rows inside the picture.
  let workload: (_ rows: Int) -> martlet_workload

  /// Nil where the operator has to have its tensors whole.
  init?(_ operation: DeviceOperator, _ program: Program) {
    let result = program.tensors[operation.output]
    var operands: [Int] = []
    for input in operation.inputs where !operands.contains(input) { operands.append(input) }
    guard let first = operands.first, Self.isPicture(result), result.shape[1] > 1,
      operands.allSatisfy({
        Self.isPicture(program.tensors[$0]) && program.tensors[$0].buffer != result.buffer
          && program.tensors[$0].shape[1] == program.tensors[first].shape[1]
      })
    else { return nil }
    (inputs, output) = (operands, operation.output)
    rows = result.shape[1]
    inputRows = program.tensors[first].shape[1]
    constantBytes = operation.constant.map { program.tensors[$0].byteCount } ?? 0
    let row = result.byteCount / result.shape[1]
    let opcode = operation.opcode
    switch opcode {
    case .conv2d:
      let p = operation.parameters(as: martlet_conv2d_params.self)
      guard p.batch == 1, p.input_step_h == 1, p.input_step_w == 1, Int(p.in_h) == inputRows, Int(p.out_h) == rows
      else { return nil }
      let (span, stride) = (Int(p.kernel_h - 1) * Int(p.dilation_h) + 1, Int(p.stride_h))
      (self.span, self.stride, pad) = (span, stride, Int(p.pad_top))
      // The packed weights, with their padding, are what a pixel is multiplied with.
      cyclesPerRow = Double(result.shape[2] * constantBytes) / CascadeCost.productsPerCycle
      workload = { rows in
        var part = p
        (part.out_h, part.in_h, part.pad_top) = (Int32(rows), min(p.in_h, Int32((rows - 1) * stride + span)), 0)
        return Self.workload(opcode, part)
      }
    case .depthwise:
      let p = operation.parameters(as: martlet_depthwise_params.self)
      guard p.batch == 1, Int(p.in_h) == inputRows, Int(p.out_h) == rows else { return nil }
      let (span, stride) = (Int(p.kernel_h - 1) * Int(p.dilation_h) + 1, Int(p.stride_h))
      (self.span, self.stride, pad) = (span, stride, Int(p.pad_top))
      cyclesPerRow = Double(row) * Double(p.kernel_h * p.kernel_w) / CascadeCost.depthwiseProductsPerCycle
      workload = { rows in
        var part = p
        (part.out_h, part.in_h, part.pad_top) = (Int32(rows), min(p.in_h, Int32((rows - 1) * stride + span)), 0)
        return Self.workload(opcode, part)
      }
    case .add:
      let p = operation.parameters(as: martlet_add_params.self)
      guard rows == inputRows, Self.isDense(p.shape, p.stride0, p.stride1, result.count) else { return nil }
      (span, stride, pad, cyclesPerRow) = (1, 1, 0, Double(row) * CascadeCost.binary)
      workload = { rows in
        var part = p
        part.shape.5 = Int32(rows * row)
        return Self.workload(opcode, part)
      }
    case .mul:
      let p = operation.parameters(as: martlet_mul_params.self)
      guard rows == inputRows, Self.isDense(p.shape, p.stride0, p.stride1, result.count) else { return nil }
      (span, stride, pad, cyclesPerRow) = (1, 1, 0, Double(row) * CascadeCost.binary)
      workload = { rows in
        var part = p
        part.shape.5 = Int32(rows * row)
        return Self.workload(opcode, part)
      }
    case .table:
      guard rows == inputRows, program.tensors[first].count == result.count else { return nil }
      (span, stride, pad, cyclesPerRow) = (1, 1, 0, Double(row) * CascadeCost.table)
      workload = { rows in Self.workload(opcode, martlet_table_params(count: Int32(rows * row))) }
    default: return nil
    }
  }

  /// Rows of bytes in the arena.
  private static func isPicture(_ tensor: DeviceTensor) -> Bool {
    tensor.shape.count == 4 && tensor.shape[0] == 1 && tensor.type == .int8 && tensor.buffer != nil
  }

  private typealias Sextet = (Int32, Int32, Int32, Int32, Int32, Int32)

  /// Without broadcasting: one line of elements, step by step.
  private static func isDense(_ shape: Sextet, _ stride0: Sextet, _ stride1: Sextet, _ count: Int) -> Bool {
    Int(shape.5) == count && (count == 1 || stride0.5 == 1 && stride1.5 == 1)
  }

  private static func workload(_ opcode: Opcode, _ parameters: some BitwiseCopyable) -> martlet_workload {
    withUnsafeBytes(of: parameters) { opcode.row.workload($0.baseAddress) }
  }

  /// The first row of input that output row `row` reads.
  func firstInputRow(of row: Int) -> Int { max(0, min(inputRows, row * stride - pad)) }

  /// The end of what the output rows before `row` read.
  func endOfInput(before row: Int) -> Int { max(0, min(inputRows, (row - 1) * stride - pad + span)) }
}
