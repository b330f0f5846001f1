import CMartletKernels

/// What an engine has beyond the model's tables: memory.
extension Engine: ModelTables {
  public var budget: MemoryBudget { layout.budget }

  /// The tensor's bytes: in the arena, or in the mapped file (then do not write).
  public func bytes(ofTensor index: Int) -> UnsafeMutableRawBufferPointer {
    let record = model.tensor(index)
    let start: UnsafeMutableRawPointer? =
      record.storage == TensorStorage.weights.rawValue
      ? UnsafeMutableRawPointer(mutating: model.weights.baseAddress) : layout.tensors
    return UnsafeMutableRawBufferPointer(start: start.map { $0 + Int(record.offset) }, count: Int(record.byteCount))
  }

  /// The largest unit of an operator, in multiply-accumulates or element operations: what a step cannot go below.
  public func unitWork(ofOperator index: Int) -> Int64 {
    precondition(index >= 0 && index < model.operatorCount)
    return layout.operators![index].unitWork
  }
}
