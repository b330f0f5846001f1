/// What a model says about itself, to those who run it and to those who only look: `Engine` and `ModelDescription`.
public protocol ModelTables: ~Copyable {
  /// Validated.
  var model: Model { get }
  var budget: MemoryBudget { get }
}

extension ModelTables where Self: ~Copyable {
  public var manifest: ManifestRecord { model.manifest }
  public var plan: PlanRecord { model.plan }

  public var tensorCount: Int { model.tensorCount }
  public func tensor(_ index: Int) -> TensorRecord { model.tensor(index) }
  /// UTF-8, not terminated.
  public func name(ofTensor index: Int) -> UnsafeRawBufferPointer { model.name(ofTensor: index) }

  public var operatorCount: Int { model.operatorCount }
  public func operatorRecord(_ index: Int) -> OperatorRecord { model.operatorRecord(index) }

  public var cascadeCount: Int { model.cascadeCount }
  public func operators(ofCascade index: Int) -> Range<Int> { model.operators(ofCascade: index) }
  /// Of the last operator's output.
  public func stripRows(ofCascade index: Int) -> Int { Int(model.cascade(index).stripRows) }

  public var labelCount: Int { model.labelCount }
  /// UTF-8, not terminated.
  public func label(_ index: Int) -> UnsafeRawBufferPointer { model.label(index) }

  /// 3 x 256 int8: what pixel values become in the input; nil if the model takes no pictures.
  public var pixels: UnsafePointer<Int8>? {
    model.pixels.isEmpty ? nil : model.pixels.baseAddress?.assumingMemoryBound(to: Int8.self)
  }

  /// UTF-8 lines `key: value`.
  public var provenance: UnsafeRawBufferPointer { model.provenance }
  public var weightsBytes: Int { model.weights.count }

  /// Multiply-accumulates of a convolution or fully-connected operator; 0 for others.
  public func multiplyAccumulates(ofOperator index: Int) -> Int64 { model.multiplyAccumulates(ofOperator: index) }
}

// MARK: - The model's edge, in the types that its source had there

extension ModelTables where Self: ~Copyable {
  public var inputCount: Int { Int(manifest.inputCount) }
  public var outputCount: Int { Int(manifest.outputCount) }

  /// Bytes of input `index` in its boundary type.
  public func byteCount(ofInput index: Int) -> Int {
    precondition(index >= 0 && index < inputCount)
    return byteCount(manifest.inputs[index])
  }

  /// Bytes of output `index` in its boundary type.
  public func byteCount(ofOutput index: Int) -> Int {
    precondition(index >= 0 && index < outputCount)
    return byteCount(manifest.outputs[index])
  }

  private func byteCount(_ boundary: BoundaryRecord) -> Int {
    let record = tensor(Int(boundary.tensor))
    guard record.type == ElementType.int8.rawValue, boundary.type == UInt32(ElementType.float32.rawValue) else {
      return Int(record.byteCount)
    }
    return Int(record.byteCount) * ElementType.float32.byteCount
  }
}

extension Model {
  // Not in the protocol's extension: what is generic is compiled again in every module, and `Workload` is this one's.
  func multiplyAccumulates(ofOperator index: Int) -> Int64 {
    let record = operatorRecord(index)
    guard let opcode = Opcode(code: record.opcode) else { return 0 }
    return Workload(record, opcode).multiplyAccumulates
  }
}
