import CMartletKernels

/// What an engine holds: for those who fill its inputs, read its outputs and explain it.
extension Engine {
  public var budget: MemoryBudget { layout.budget }
  public var manifest: ManifestRecord { model.manifest }
  public var plan: PlanRecord { model.plan }

  public var tensorCount: Int { model.tensorCount }
  public func tensor(_ index: Int) -> TensorRecord { model.tensor(index) }
  /// UTF-8, not terminated.
  public func name(ofTensor index: Int) -> UnsafeRawBufferPointer { model.name(ofTensor: index) }

  public var operatorCount: Int { model.operatorCount }
  public func operatorRecord(_ index: Int) -> OperatorRecord { model.operatorRecord(index) }

  /// The tensor's bytes: in the arena, or in the mapped file (then do not write).
  public func bytes(ofTensor index: Int) -> UnsafeMutableRawBufferPointer {
    let record = model.tensor(index)
    let start: UnsafeMutableRawPointer? =
      record.storage == TensorStorage.weights.rawValue
      ? UnsafeMutableRawPointer(mutating: model.weights.baseAddress) : layout.tensors
    return UnsafeMutableRawBufferPointer(start: start.map { $0 + Int(record.offset) }, count: Int(record.byteCount))
  }

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
  public func multiplyAccumulates(ofOperator index: Int) -> Int64 {
    let record = model.operatorRecord(index)
    switch Opcode(code: record.opcode) {
    case .conv2d:
      let p = record.parameters(as: martlet_conv2d_params.self)
      let outputs = Int64(p.batch) * Int64(p.out_h) * Int64(p.out_w) * Int64(p.out_c)
      return outputs * Int64(p.kernel_h) * Int64(p.kernel_w) * Int64(p.in_c / p.groups)
    case .depthwise:
      let p = record.parameters(as: martlet_depthwise_params.self)
      let outputs = Int64(p.batch) * Int64(p.out_h) * Int64(p.out_w) * Int64(p.in_c) * Int64(p.multiplier)
      return outputs * Int64(p.kernel_h) * Int64(p.kernel_w)
    default: return 0
    }
  }

  /// The largest unit of an operator, in multiply-accumulates or element operations: what a step cannot go below.
  public func unitWork(ofOperator index: Int) -> Int64 {
    precondition(index >= 0 && index < model.operatorCount)
    return layout.operators![index].unitWork
  }
}
