import CMartletKernels
import Martlet

/// What depends on constants only is computed here, by the kernels that would have computed it on the device.
extension Lowering {
  /// What a node whose inputs are constants computes; nil if it is not folded.
  static func constant(of node: Node, in graph: Graph) throws(ConversionError) -> [UInt8]? {
    var lowering = Lowering(graph)
    try lowering.lower(node)
    lowering.foldConstants(from: 0, node)
    guard let tensor = lowering.tensorOfValue[node.outputs[0]] else { return nil }
    return lowering.program.tensors[tensor].constant
  }

  mutating func foldConstants(from first: Int, _ node: Node) {
    let added = program.operators[first...]
    guard !added.isEmpty, node.outputs.count == 1,
      node.inputs.allSatisfy({ $0.map { graph.values[$0].constant != nil } ?? true }),
      added.allSatisfy({ Self.kernel(of: $0) != nil })
    else { return }
    let touched = Set(added.flatMap { $0.inputs + [$0.output] })
    let bytes = added.reduce(0) { $0 + program.tensors[$1.output].byteCount }
    guard touched.allSatisfy({ program.tensors[$0].byteCount <= ConversionLimits.foldedElements }),
      foldingBudget.take(nodes: 1, bytes: bytes, work: touched.reduce(0) { $0 + program.tensors[$1].byteCount })
    else { return }

    var memory: [Int: [UInt8]] = [:]
    for tensor in touched {
      memory[tensor] = program.tensors[tensor].constant ?? Array(repeating: 0, count: program.tensors[tensor].byteCount)
    }
    for operation in added { run(operation, in: &memory) }
    program.operators.removeSubrange(first...)
    guard let tensor = tensorOfValue[node.outputs[0]], let bytes = memory[tensor] else { return }
    program.tensors[tensor].storage = .constant(bytes)
    graph.values[node.outputs[0]].constant = ArraySlice(bytes)
  }

  private typealias Plan = (kernel: martlet_kernel, units: Int32)

  private static func kernel(of operation: DeviceOperator) -> Plan? {
    guard let table = martlet_kernels_for(MARTLET_ISA_SCALAR)?.pointee else { return nil }
    func plan<P>(_ kernel: martlet_kernel?, _ type: P.Type, _ units: (UnsafePointer<P>?) -> Int32) -> Plan? {
      guard let kernel else { return nil }
      return withUnsafePointer(to: operation.parameters(as: P.self)) { (kernel, units($0)) }
    }
    switch operation.opcode {
    case .table: return plan(table.table, martlet_table_params.self, martlet_table_units)
    case .copy: return plan(table.copy, martlet_copy_params.self, martlet_copy_units)
    case .fill: return plan(table.fill, martlet_fill_params.self, martlet_fill_units)
    case .add: return plan(table.add, martlet_add_params.self, martlet_add_units)
    case .mul: return plan(table.mul, martlet_mul_params.self, martlet_mul_units)
    case .prelu: return plan(table.prelu, martlet_prelu_params.self, martlet_prelu_units)
    case .quantize: return plan(table.quantize, martlet_quantize_params.self, martlet_quantize_units)
    case .dequantize: return plan(table.dequantize, martlet_quantize_params.self, martlet_quantize_units)
    default: return nil
    }
  }

  private func run(_ operation: DeviceOperator, in memory: inout [Int: [UInt8]]) {
    guard let plan = Self.kernel(of: operation) else { return }
    var output = memory[operation.output] ?? []
    let inputs = operation.inputs.map { memory[$0] ?? [] }
    let constant = operation.constant.flatMap { program.tensors[$0].constant } ?? []
    output.withUnsafeMutableBytes { output in
      (inputs.first ?? []).withUnsafeBytes { first in
        (inputs.count > 1 ? inputs[1] : []).withUnsafeBytes { second in
          constant.withUnsafeBytes { constant in
            operation.parameters.withUnsafeBytes { parameters in
              var buffers = martlet_buffers()
              buffers.input.0 = first.baseAddress
              buffers.input.1 = second.baseAddress
              buffers.output = output.baseAddress
              buffers.weights = constant.baseAddress
              plan.kernel(parameters.baseAddress, &buffers, 0, plan.units, nil)
            }
          }
        }
      }
    }
    memory[operation.output] = output
  }
}
