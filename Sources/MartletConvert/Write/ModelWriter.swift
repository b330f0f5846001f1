import Martlet

/// The bytes of a `.martlet` file. Equal programs give equal bytes.
struct ModelWriter {
  var program: Program
  var manifest: ManifestRecord
  var labels: [String]
  /// 3 x 256 int8, or nil.
  var pixels: [Int8]?
  /// `key: value` lines.
  var provenance: [String]

  func bytes(_ plan: ArenaPlan) throws(ConversionError) -> [UInt8] {
    guard program.tensors.count <= ModelFormat.maxTensors, program.operators.count <= ModelFormat.maxOperators else {
      throw .unsupported("\(program.operators.count) operators on \(program.tensors.count) tensors are too many")
    }
    let (weights, offsets) = packedConstants(plan)
    var names: [UInt8] = []
    var tensors: [UInt8] = []
    let rings = plan.cascades.reduce(into: [Int: Int]()) { $0.merge($1.ringRows) { first, _ in first } }
    for (index, tensor) in program.tensors.enumerated() {
      var record = TensorRecord(tensor)
      record.ringRows = UInt32(rings[index] ?? 0)
      record.offset = UInt64(offsets[index])
      record.nameOffset = UInt32(names.count)
      record.nameLength = UInt32(tensor.name.utf8.count)
      names += tensor.name.utf8
      SectionFile.append(record, to: &tensors)
    }
    var operators: [UInt8] = []
    for operation in program.operators { SectionFile.append(OperatorRecord(operation), to: &operators) }
    var cascades: [UInt8] = []
    for cascade in plan.cascades { SectionFile.append(CascadeRecord(cascade), to: &cascades) }

    var sections: [(SectionKind, [UInt8])] = [
      (.manifest, SectionFile.bytes(of: manifest)), (.plan, SectionFile.bytes(of: PlanRecord(plan))),
      (.tensors, tensors), (.operators, operators), (.names, names),
    ]
    if !cascades.isEmpty { sections.append((.cascades, cascades)) }
    if !labels.isEmpty { sections.append((.labels, labelSection())) }
    if let pixels { sections.append((.pixels, pixels.map { UInt8(bitPattern: $0) })) }
    sections.append((.provenance, SectionFile.lines(provenance)))
    sections.append((.weights, weights))
    return SectionFile.bytes(sections)
  }

  /// The weights section in the order in which operators read it, and each tensor's offset: there, or in the arena.
  private func packedConstants(_ plan: ArenaPlan) -> (bytes: [UInt8], offsets: [Int]) {
    var bytes: [UInt8] = []
    // Swift 6.3.1's optimizer fails on a closure over `DeviceTensor.buffer` here.
    var offsets = [Int?](repeating: nil, count: program.tensors.count)
    for index in program.tensors.indices {
      if case .buffer(let buffer) = program.tensors[index].storage { offsets[index] = plan.offsets[buffer] }
    }
    func place(_ tensor: Int) {
      guard offsets[tensor] == nil, let constant = program.tensors[tensor].constant else { return }
      SectionFile.pad(&bytes)
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

  private func labelSection() -> [UInt8] {
    var offsets: [UInt8] = []
    var text: [UInt8] = []
    for label in labels {
      SectionFile.append(UInt32(text.count), to: &offsets)
      text += Array(label.utf8)
    }
    SectionFile.append(UInt32(text.count), to: &offsets)
    return offsets + text
  }
}

extension TensorRecord {
  /// All but where it lies and what it is called.
  init(_ tensor: DeviceTensor) {
    self.init()
    type = tensor.type.rawValue
    storage = (tensor.constant == nil ? TensorStorage.arena : TensorStorage.weights).rawValue
    rank = UInt8(tensor.shape.count)
    for (axis, size) in tensor.shape.enumerated() { dims[axis] = UInt32(size) }
    scale = tensor.scale
    zeroPoint = tensor.zeroPoint
    byteCount = UInt64(tensor.byteCount)
  }
}

extension OperatorRecord {
  init(_ operation: DeviceOperator) {
    self.init()
    opcode = operation.opcode.code
    sourceCode = UInt16(truncatingIfNeeded: operation.origin.code)
    sourceIndex = UInt32(operation.origin.index)
    if operation.inputs.count > 0 { input0 = UInt32(operation.inputs[0]) }
    if operation.inputs.count > 1 { input1 = UInt32(operation.inputs[1]) }
    output = UInt32(operation.output)
    if let constant = operation.constant { self.constant = UInt32(constant) }
    for (index, word) in operation.parameters.enumerated() { parameters[index] = word }
  }
}

extension PlanRecord {
  init(_ plan: ArenaPlan) {
    self.init()
    plannedPeakBytes = UInt64(plan.plannedPeakBytes)
    lowerBoundBytes = UInt64(plan.lowerBoundBytes)
    wholeLowerBoundBytes = UInt64(plan.wholeLowerBoundBytes)
  }
}

extension CascadeRecord {
  init(_ cascade: Cascade) {
    self.init()
    firstOperator = UInt32(cascade.operators.lowerBound)
    operatorCount = UInt32(cascade.operators.count)
    stripRows = UInt32(cascade.stripRows)
  }
}
