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

  /// The scalar kernel, which runs without scratch memory for all that is folded.
  private static func kernel(of operation: DeviceOperator) -> martlet_kernel? {
    guard operation.opcode.row.is_foldable, let table = martlet_kernels_for(MARTLET_ISA_SCALAR) else { return nil }
    return UnsafeRawPointer(table).load(
      fromByteOffset: Int(operation.opcode.row.kernel_offset), as: martlet_kernel.self)
  }

  private func run(_ operation: DeviceOperator, in memory: inout [Int: [UInt8]]) {
    guard let kernel = Self.kernel(of: operation) else { return }
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
              let row = martlet_operator_of(operation.opcode.code)!
              let units = row.pointee.workload(parameters.baseAddress).units
              let plan = UnsafeMutableRawPointer.allocate(byteCount: Int(row.pointee.plan_bytes), alignment: 8)
              defer { plan.deallocate() }
              kernel(martlet_operator_bind(row, parameters.baseAddress, plan), &buffers, 0, units, nil)
            }
          }
        }
      }
    }
    memory[operation.output] = output
  }
}
