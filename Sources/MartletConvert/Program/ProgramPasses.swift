import CMartletKernels
import Martlet

/// Rewritings of the device program that change no bit of its results.
enum ProgramPasses {
  static func run(_ program: inout Program) {
    // What one pass removes may let the other remove more; a handful of rounds is all that real models need.
    for _ in 0..<8 {
      let count = program.operators.count
      composeTables(&program)
      dropOperators(&program)
      if program.operators.count == count { break }
    }
    if program.operators.isEmpty { copyOutputs(&program) }
    prune(&program)
  }

  /// How often each buffer is written and read; being an edge of the model counts as a use.
  private struct Uses {
    var writers: [Int]
    var readers: [Int]

    init(_ program: Program) {
      writers = Array(repeating: 0, count: program.buffers.count)
      readers = writers
      for operation in program.operators {
        if let buffer = program.tensors[operation.output].buffer { writers[buffer] += 1 }
        for input in operation.inputs { if let buffer = program.tensors[input].buffer { readers[buffer] += 1 } }
      }
      for input in program.inputs { if let buffer = program.tensors[input.tensor].buffer { writers[buffer] += 1 } }
      for output in program.outputs { if let buffer = program.tensors[output.tensor].buffer { readers[buffer] += 1 } }
    }
  }

  /// A table of a table is a table.
  private static func composeTables(_ program: inout Program) {
    let uses = Uses(program)
    var producer: [Int: Int] = [:]
    var isGone = Array(repeating: false, count: program.operators.count)
    for index in program.operators.indices where program.operators[index].opcode == .table {
      if let input = program.tensors[program.operators[index].inputs[0]].buffer, let first = producer[input],
        uses.writers[input] == 1, uses.readers[input] == 1, let inner = constant(of: first, program),
        let outer = constant(of: index, program), let tensor = program.operators[index].constant
      {
        program.tensors[tensor].storage = .constant(inner.map { outer[Int($0 ^ 0x80)] })
        program.operators[index].inputs = program.operators[first].inputs
        isGone[first] = true
      }
      if let output = program.tensors[program.operators[index].output].buffer { producer[output] = index }
    }
    program.operators = program.operators.indices.filter { !isGone[$0] }.map { program.operators[$0] }
  }

  private static func constant(of index: Int, _ program: Program) -> [UInt8]? {
    program.operators[index].constant.flatMap { program.tensors[$0].constant }
  }

  /// An identity table, or a copy of everything to everywhere: the output is another view of the input.
  private static func dropOperators(_ program: inout Program) {
    let uses = Uses(program)
    // Where a buffer's bytes are now. An operator's input has been resolved before its output is.
    var home = Array(program.buffers.indices)
    var isGone = Array(repeating: false, count: program.operators.count)
    for (index, operation) in program.operators.enumerated() where operation.inputs.count == 1 {
      guard let input = program.tensors[operation.inputs[0]].buffer,
        let output = program.tensors[operation.output].buffer,
        uses.writers[output] == 1, home[input] != output, program.buffers[input] == program.buffers[output],
        isIdentity(operation, index, program)
      else { continue }
      home[output] = home[input]
      isGone[index] = true
    }
    for index in program.tensors.indices {
      if let buffer = program.tensors[index].buffer { program.tensors[index].storage = .buffer(home[buffer]) }
    }
    program.operators = program.operators.indices.filter { !isGone[$0] }.map { program.operators[$0] }
  }

  private static func isIdentity(_ operation: DeviceOperator, _ index: Int, _ program: Program) -> Bool {
    if operation.opcode == .copy { return isWhole(operation, program) }
    guard operation.opcode == .table, let table = constant(of: index, program) else { return false }
    return table.indices.allSatisfy { Int(table[$0] ^ 0x80) == $0 }
  }

  private static func isWhole(_ operation: DeviceOperator, _ program: Program) -> Bool {
    let p = operation.parameters(as: martlet_copy_params.self)
    let count = Int32(program.tensors[operation.inputs[0]].count)
    let isLine = (p.shape.0, p.shape.1, p.shape.2, p.shape.3, p.shape.4) == (1, 1, 1, 1, 1)
    return isLine && p.shape.5 == count && (p.shape.5 == 1 || p.in_stride.5 == 1 && p.out_stride.5 == 1)
      && p.in_offset == 0 && p.out_offset == 0 && program.tensors[operation.output].count == Int(count)
  }

  /// A model that only renames its input still has an operator: the file has no empty programs.
  private static func copyOutputs(_ program: inout Program) {
    for index in program.outputs.indices {
      let source = program.outputs[index].tensor
      var copy = program.tensors[source]
      guard copy.type != .float32 else { continue }
      copy.storage = .buffer(program.makeBuffer(bytes: copy.byteCount))
      let result = program.append(copy)
      var p = martlet_copy_params()
      p.element_size = Int32(copy.type.byteCount)
      p.shape = (1, 1, 1, 1, 1, Int32(copy.count))
      p.in_stride = (0, 0, 0, 0, 0, 1)
      p.out_stride = (0, 0, 0, 0, 0, 1)
      let origin = Origin(index: 0, code: 22, name: "RESHAPE", version: 1)
      program.operators.append(DeviceOperator(.copy, origin, inputs: [source], output: result, p))
      program.outputs[index].tensor = result
    }
  }

  /// Leaves out tensors that no operator and no edge refers to.
  private static func prune(_ program: inout Program) {
    var isUsed = Array(repeating: false, count: program.tensors.count)
    for operation in program.operators {
      for tensor in operation.inputs + [operation.output] { isUsed[tensor] = true }
      if let constant = operation.constant { isUsed[constant] = true }
    }
    for boundary in program.inputs + program.outputs { isUsed[boundary.tensor] = true }
    var renamed = Array(repeating: 0, count: program.tensors.count)
    var kept: [DeviceTensor] = []
    for (index, tensor) in program.tensors.enumerated() where isUsed[index] {
      renamed[index] = kept.count
      kept.append(tensor)
    }
    program.tensors = kept
    for index in program.operators.indices {
      program.operators[index].inputs = program.operators[index].inputs.map { renamed[$0] }
      program.operators[index].output = renamed[program.operators[index].output]
      program.operators[index].constant = program.operators[index].constant.map { renamed[$0] }
    }
    for index in program.inputs.indices { program.inputs[index].tensor = renamed[program.inputs[index].tensor] }
    for index in program.outputs.indices { program.outputs[index].tensor = renamed[program.outputs[index].tensor] }
  }
}
