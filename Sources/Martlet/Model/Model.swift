/// The tables of a model: where its records, its weights and its texts are.
///
/// Over the mapped file it serves to measure; over the arena's copies it is what runs. A record is copied out before it
/// is looked at, so that what was validated is what is used, even if the file changes meanwhile.
public struct Model {
  let manifest: ManifestRecord
  private(set) var plan: PlanRecord
  let tensorCount: Int
  let operatorCount: Int
  private(set) var cascadeCount: Int
  /// Records in the file or in the arena.
  private var tensors: UnsafeRawPointer
  private var operators: UnsafeRawPointer
  private var cascades: UnsafeRawPointer
  private var labelOffsets: UnsafeRawPointer
  /// Mapped; no byte of these can affect an address.
  let weights: UnsafeRawBufferPointer
  let names: UnsafeRawBufferPointer
  let labelText: UnsafeRawBufferPointer
  let provenance: UnsafeRawBufferPointer
  private(set) var pixels: UnsafeRawBufferPointer

  init(_ sections: Sections) throws(ModelError) {
    guard try sections.task() != .language else {
      throw ModelError(
        .mismatch, .manifest, field: "task", found: Int64(ModelTask.language.rawValue),
        expected: Int64(ModelTask.tensors.rawValue))
    }
    manifest = try sections.record(.manifest, as: ManifestRecord.self)
    plan = try sections.record(.plan, as: PlanRecord.self)
    tensorCount = try sections.count(.tensors, of: TensorRecord.self, limit: ModelFormat.maxTensors)
    operatorCount = try sections.count(.operators, of: OperatorRecord.self, limit: ModelFormat.maxOperators)
    cascadeCount = try sections.count(.cascades, of: CascadeRecord.self, limit: ModelFormat.maxOperators)
    // A section is 64-byte aligned in the file; an empty one still has the file's own base address.
    guard let tensors = sections[.tensors].baseAddress, let operators = sections[.operators].baseAddress,
      let labels = sections[.labels].baseAddress, let cascades = sections[.cascades].baseAddress
    else { throw ModelError(.tooShort, .file) }
    self.tensors = tensors
    self.operators = operators
    self.cascades = cascades
    weights = sections[.weights]
    names = sections[.names]
    provenance = sections[.provenance]
    pixels = sections[.pixels]
    labelOffsets = labels
    let labelBytes = sections[.labels]
    guard manifest.labelCount <= ModelFormat.maxLabels else {
      throw ModelError(
        .overLimit, .manifest, field: "labelCount", found: Int64(manifest.labelCount),
        expected: Int64(ModelFormat.maxLabels))
    }
    let offsetBytes = manifest.labelCount == 0 ? 0 : (Int(manifest.labelCount) + 1) * 4
    guard offsetBytes <= labelBytes.count else {
      throw ModelError(
        .outOfBounds, .labels, field: "labelCount", found: Int64(offsetBytes), expected: Int64(labelBytes.count))
    }
    labelText = UnsafeRawBufferPointer(rebasing: labelBytes[offsetBytes...])
  }

  var labelCount: Int { Int(manifest.labelCount) }
  private var labelOffsetBytes: Int { labelCount == 0 ? 0 : (labelCount + 1) * 4 }

  func tensor(_ index: Int) -> TensorRecord {
    precondition(index >= 0 && index < tensorCount)
    return tensors.loadUnaligned(fromByteOffset: index * MemoryLayout<TensorRecord>.size, as: TensorRecord.self)
  }

  func operatorRecord(_ index: Int) -> OperatorRecord {
    precondition(index >= 0 && index < operatorCount)
    return operators.loadUnaligned(fromByteOffset: index * MemoryLayout<OperatorRecord>.size, as: OperatorRecord.self)
  }

  func cascade(_ index: Int) -> CascadeRecord {
    precondition(index >= 0 && index < cascadeCount)
    return cascades.loadUnaligned(fromByteOffset: index * MemoryLayout<CascadeRecord>.size, as: CascadeRecord.self)
  }

  /// The parameter record of an operator in place, for its kernel. Only meaningful over the arena's copies.
  func parameters(ofOperator index: Int) -> UnsafeRawPointer {
    operators + index * MemoryLayout<OperatorRecord>.size + OperatorRecord.parametersOffset
  }

  func labelOffset(_ index: Int) -> UInt32 {
    labelOffsets.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
  }

  func label(_ index: Int) -> UnsafeRawBufferPointer {
    precondition(index >= 0 && index < labelCount)
    return UnsafeRawBufferPointer(rebasing: labelText[Int(labelOffset(index))..<Int(labelOffset(index + 1))])
  }

  func name(ofTensor index: Int) -> UnsafeRawBufferPointer {
    let tensor = tensor(index)
    return UnsafeRawBufferPointer(
      rebasing: names[Int(tensor.nameOffset)..<Int(tensor.nameOffset) + Int(tensor.nameLength)])
  }

  /// Copies what must not change under us into the arena and refers to the copies from then on.
  mutating func copyTables(into arena: inout Arena) throws(ModelError) {
    try Model.move(&tensors, tensorCount * MemoryLayout<TensorRecord>.size, &arena)
    try Model.move(&operators, operatorCount * MemoryLayout<OperatorRecord>.size, &arena)
    try Model.move(&cascades, cascadeCount * MemoryLayout<CascadeRecord>.size, &arena)
    try Model.move(&labelOffsets, labelOffsetBytes, &arena)
    if var table = pixels.baseAddress, !pixels.isEmpty {
      try Model.move(&table, pixels.count, &arena)
      pixels = UnsafeRawBufferPointer(start: table, count: pixels.count)
    }
  }

  /// Lets every tensor exist whole: rings become tensors of their own behind the plan's last byte, each at a place of
  /// its own, since a file may write one in several cascades, and nothing is a cascade any more. For a validated model;
  /// `isCopied`: over the arena's copies, else the numbers alone change, for measuring.
  mutating func makeWhole(isCopied: Bool) {
    var place = plan.plannedPeakBytes
    for index in 0..<cascadeCount {
      for operation in operators(ofCascade: index) {
        let output = Int(operatorRecord(operation).output)
        guard output < tensorCount else { continue }
        var record = tensor(output)
        guard record.ringRows > 0 else { continue }
        record.ringRows = 0
        record.offset = place
        place &+= (record.byteCount &+ UInt64(ModelFormat.alignment) &- 1) & ~UInt64(ModelFormat.alignment - 1)
        guard isCopied else { continue }
        UnsafeMutableRawPointer(mutating: tensors + output * MemoryLayout<TensorRecord>.size)
          .copyMemory(from: &record, byteCount: MemoryLayout<TensorRecord>.size)
      }
    }
    plan.plannedPeakBytes = max(plan.plannedPeakBytes, place)
    plan.lowerBoundBytes = min(plan.wholeLowerBoundBytes, plan.plannedPeakBytes)
    cascadeCount = 0
  }

  private static func move(
    _ table: inout UnsafeRawPointer, _ bytes: Int, _ arena: inout Arena
  ) throws(ModelError) {
    guard let copy = try arena.carve(bytes) else { return }
    copy.copyMemory(from: table, byteCount: bytes)
    table = UnsafeRawPointer(copy)
  }
}
