import Martlet

/// The bytes of a `.martlet` file. Equal programs give equal bytes.
struct ModelWriter {
  var program: Program
  var plan: MemoryPlan
  var manifest: ManifestRecord
  var labels: [String]
  /// 3 x 256 int8, or nil.
  var pixels: [Int8]?
  /// `key: value` lines.
  var provenance: [String]

  func bytes() throws(ConversionError) -> [UInt8] {
    guard program.tensors.count <= ModelFormat.maxTensors, program.operators.count <= ModelFormat.maxOperators else {
      throw .unsupported("\(program.operators.count) operators on \(program.tensors.count) tensors are too many")
    }
    let (weights, offsets) = packedConstants()
    var names: [UInt8] = []
    var tensors: [UInt8] = []
    for (index, tensor) in program.tensors.enumerated() {
      append(record(tensor, offset: offsets[index], names: &names), to: &tensors)
    }
    var operators: [UInt8] = []
    for operation in program.operators { append(record(operation), to: &operators) }
    var planRecord = PlanRecord()
    planRecord.plannedPeakBytes = UInt64(plan.plannedPeakBytes)
    planRecord.lowerBoundBytes = UInt64(plan.lowerBoundBytes)

    var sections: [(SectionKind, [UInt8])] = [
      (.manifest, bytes(of: manifest)), (.plan, bytes(of: planRecord)), (.tensors, tensors), (.operators, operators),
      (.names, names),
    ]
    if !labels.isEmpty { sections.append((.labels, labelSection())) }
    if let pixels { sections.append((.pixels, pixels.map { UInt8(bitPattern: $0) })) }
    sections.append((.provenance, Array((provenance.joined(separator: "\n") + "\n").utf8)))
    sections.append((.weights, weights))
    return file(sections)
  }

  /// The weights section in the order in which operators read it, and each tensor's offset: there, or in the arena.
  private func packedConstants() -> (bytes: [UInt8], offsets: [Int]) {
    var bytes: [UInt8] = []
    // Swift 6.3.1's optimizer fails on a closure over `DeviceTensor.buffer` here.
    var offsets = [Int?](repeating: nil, count: program.tensors.count)
    for index in program.tensors.indices {
      if case .buffer(let buffer) = program.tensors[index].storage { offsets[index] = plan.offsets[buffer] }
    }
    func place(_ tensor: Int) {
      guard offsets[tensor] == nil, let constant = program.tensors[tensor].constant else { return }
      pad(&bytes)
      offsets[tensor] = bytes.count
      bytes += constant
    }
    for operation in program.operators {
      for input in operation.inputs { place(input) }
      if let constant = operation.constant { place(constant) }
    }
    for tensor in program.tensors.indices { place(tensor) }
    return (bytes, offsets.map { $0 ?? 0 })
  }

  private func record(_ tensor: DeviceTensor, offset: Int, names: inout [UInt8]) -> TensorRecord {
    var record = TensorRecord()
    record.type = tensor.type.rawValue
    record.storage = (tensor.constant == nil ? TensorStorage.arena : TensorStorage.weights).rawValue
    record.rank = UInt8(tensor.shape.count)
    for (axis, size) in tensor.shape.enumerated() { record.dims[axis] = UInt32(size) }
    record.scale = tensor.scale
    record.zeroPoint = tensor.zeroPoint
    record.offset = UInt64(offset)
    record.byteCount = UInt64(tensor.byteCount)
    record.nameOffset = UInt32(names.count)
    let name = Array(tensor.name.utf8)
    record.nameLength = UInt32(name.count)
    names += name
    return record
  }

  private func record(_ operation: DeviceOperator) -> OperatorRecord {
    var record = OperatorRecord()
    record.opcode = operation.opcode.rawValue
    record.sourceCode = UInt16(truncatingIfNeeded: operation.origin.code)
    record.sourceIndex = UInt32(operation.origin.index)
    if operation.inputs.count > 0 { record.input0 = UInt32(operation.inputs[0]) }
    if operation.inputs.count > 1 { record.input1 = UInt32(operation.inputs[1]) }
    record.output = UInt32(operation.output)
    if let constant = operation.constant { record.constant = UInt32(constant) }
    for (index, word) in operation.parameters.enumerated() { record.parameters[index] = word }
    return record
  }

  private func labelSection() -> [UInt8] {
    var offsets: [UInt8] = []
    var text: [UInt8] = []
    for label in labels {
      append(UInt32(text.count), to: &offsets)
      text += Array(label.utf8)
    }
    append(UInt32(text.count), to: &offsets)
    return offsets + text
  }

  private func file(_ sections: [(SectionKind, [UInt8])]) -> [UInt8] {
    let headerBytes = MemoryLayout<FileHeader>.size
    let tableBytes = sections.count * MemoryLayout<SectionRecord>.size
    var body: [UInt8] = Array(repeating: 0, count: headerBytes + tableBytes)
    var table: [UInt8] = []
    for (kind, bytes) in sections {
      pad(&body)
      var record = SectionRecord()
      record.kind = kind.rawValue
      record.offset = UInt64(body.count)
      record.length = UInt64(bytes.count)
      record.hash = bytes.withUnsafeBytes { XXH64.hash($0) }
      append(record, to: &table)
      body += bytes
    }
    pad(&body)
    var header = FileHeader()
    header.sectionCount = UInt32(sections.count)
    header.fileLength = UInt64(body.count)
    header.tableHash = table.withUnsafeBytes { XXH64.hash($0, seed: UInt64(body.count)) }
    body.replaceSubrange(0..<headerBytes, with: self.bytes(of: header))
    body.replaceSubrange(headerBytes..<headerBytes + tableBytes, with: table)
    return body
  }

  private func pad(_ bytes: inout [UInt8]) {
    let excess = bytes.count % ModelFormat.alignment
    if excess != 0 { bytes += Array(repeating: 0, count: ModelFormat.alignment - excess) }
  }

  private func bytes<T: BitwiseCopyable>(of record: T) -> [UInt8] { withUnsafeBytes(of: record) { Array($0) } }

  private func append<T: BitwiseCopyable>(_ record: T, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: record) { bytes += $0 }
  }
}
