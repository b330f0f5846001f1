import CMartletKernels

/// What an engine has beyond the model's tables: memory.
extension Engine: ModelTables {
  public var budget: MemoryBudget { layout.budget }

  /// The tensor's bytes, to read: in the arena, or in the mapped file. Of a tensor inside a cascade, its ring.
  public func bytes(ofTensor index: Int) -> UnsafeRawBufferPointer {
    let record = model.tensor(index)
    let start =
      record.storage == TensorStorage.weights.rawValue ? model.weights.baseAddress : UnsafeRawPointer(layout.tensors)
    return UnsafeRawBufferPointer(start: start.map { $0 + Int(record.offset) }, count: Int(record.arenaBytes))
  }

  /// The bytes of an input, to fill: as the arena holds them, whatever the type at the model's edge.
  public func bytes(ofInput index: Int) -> UnsafeMutableRawBufferPointer {
    precondition(index >= 0 && index < inputCount)
    // The model's validation holds inputs to the arena: from here nothing leads to the weights.
    let record = model.tensor(Int(manifest.inputs[index].tensor))
    return UnsafeMutableRawBufferPointer(
      start: layout.tensors.map { $0 + Int(record.offset) }, count: Int(record.byteCount))
  }

  /// The largest unit of an operator, in multiply-accumulates or element operations: what a step cannot go below.
  public func unitWork(ofOperator index: Int) -> Int64 {
    precondition(index >= 0 && index < model.operatorCount)
    return layout.operators![index].unitWork
  }
}
