import Martlet

/// A finished model planned again so that every tensor exists whole, each operator after the other: for whoever looks at
/// tensors that a cascade never has in one piece. The bits that come out are the same.
enum WholeTensors {
  /// - Parameter file: a `.martlet` file that the loader accepts; one without cascades comes back as it is.
  static func withoutCascades(_ file: [UInt8]) throws(ConversionError) -> [UInt8] {
    var sections = sectionTable(file)
    guard sections.contains(where: { $0.kind == .cascades && !$0.bytes.isEmpty }) else { return file }
    sections.removeAll { $0.kind == .cascades }
    var tensors = sections.first { $0.kind == .tensors }.map { records($0.bytes, of: TensorRecord.self) } ?? []
    let operators = sections.first { $0.kind == .operators }.map { records($0.bytes, of: OperatorRecord.self) } ?? []
    guard let manifest = sections.first(where: { $0.kind == .manifest }).flatMap({
      records($0.bytes, of: ManifestRecord.self).first
    }) else { return file }
    let program = program(tensors, operators, manifest)
    let plan = try ArenaPlan(program)
    for index in tensors.indices {
      tensors[index].ringRows = 0
      if let buffer = program.tensors[index].buffer { tensors[index].offset = UInt64(plan.offsets[buffer]) }
    }
    return SectionFile.bytes(
      sections.map { section in
        switch section.kind {
        case .tensors: (section.kind, tensors.flatMap { SectionFile.bytes(of: $0) })
        case .plan: (section.kind, SectionFile.bytes(of: PlanRecord(plan)))
        default: section
        }
      })
  }

  private static func sectionTable(_ file: [UInt8]) -> [(kind: SectionKind, bytes: [UInt8])] {
    let headerBytes = MemoryLayout<FileHeader>.size
    let count = file.withUnsafeBytes { Int($0.loadUnaligned(as: FileHeader.self).sectionCount) }
    let table = Array(file[headerBytes..<headerBytes + count * MemoryLayout<SectionRecord>.size])
    return records(table, of: SectionRecord.self).compactMap { record in
      SectionKind(rawValue: record.kind).map {
        ($0, Array(file[Int(record.offset)..<Int(record.offset + record.length)]))
      }
    }
  }

  private static func records<T: BitwiseCopyable>(_ bytes: [UInt8], of type: T.Type) -> [T] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<T>.size).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type)
      }
    }
  }

  /// As much of the program as a memory plan depends on.
  private static func program(
    _ tensors: [TensorRecord], _ operators: [OperatorRecord], _ manifest: ManifestRecord
  ) -> Program {
    var program = Program()
    for (index, record) in tensors.enumerated() {
      let isConstant = record.storage == TensorStorage.weights.rawValue
      program.tensors.append(
        DeviceTensor(
          name: "", type: ElementType(rawValue: record.type) ?? .int8,
          shape: (0..<Int(record.rank)).map { Int(record.dims[$0]) }, scale: record.scale, zeroPoint: record.zeroPoint,
          storage: isConstant ? .constant([]) : .buffer(index)))
      program.buffers.append(Int(record.byteCount))
    }
    for record in operators {
      guard let opcode = Opcode(code: record.opcode) else { continue }
      let inputs = [record.input0, record.input1].filter { $0 != ModelFormat.none }.map { Int($0) }
      let origin = Origin(index: Int(record.sourceIndex), code: Int(record.sourceCode), name: "", version: 1)
      program.operators.append(
        DeviceOperator(opcode, origin, inputs: inputs, output: Int(record.output), record.parameters))
    }
    func boundary(_ record: BoundaryRecord) -> DeviceBoundary {
      DeviceBoundary(tensor: Int(record.tensor), type: .int8, scale: record.scale, zeroPoint: record.zeroPoint)
    }
    program.inputs = (0..<Int(manifest.inputCount)).map { boundary(manifest.inputs[$0]) }
    program.outputs = (0..<Int(manifest.outputCount)).map { boundary(manifest.outputs[$0]) }
    joinViews(&program, tensors)
    return program
  }

  /// A tensor that nobody writes is another view of the one that was written last at its offset, when it is read.
  private static func joinViews(_ program: inout Program, _ tensors: [TensorRecord]) {
    var isWritten = Array(repeating: false, count: tensors.count)
    for operation in program.operators { isWritten[operation.output] = true }
    for input in program.inputs { isWritten[input.tensor] = true }
    var holder: [UInt64: Int] = [:]
    func see(_ tensor: Int) {
      guard !isWritten[tensor], program.tensors[tensor].buffer == tensor, let root = holder[tensors[tensor].offset]
      else { return }
      program.tensors[tensor].storage = .buffer(root)
    }
    for input in program.inputs { holder[tensors[input.tensor].offset] = input.tensor }
    for operation in program.operators {
      for input in operation.inputs { see(input) }
      holder[tensors[operation.output].offset] = operation.output
    }
    for output in program.outputs { see(output.tensor) }
  }
}
