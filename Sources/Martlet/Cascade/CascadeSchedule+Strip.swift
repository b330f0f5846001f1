import CMartletKernels

extension CascadeSchedule {
  /// What a strip's parameters follow from: strips of a stage that agree in this run with the same ones.
  struct Shape: Equatable {
    var rows = 0
    /// How many rows of the input it reads, and how many of padding lie above them.
    var inputRows = 0
    var padTop = 0
  }
}

extension CascadeSchedule.State {
  @inline(__always)
  func shape(_ strip: Int) -> CascadeSchedule.Shape {
    let rows = rows(strip)
    let input = stage.inputRows(for: rows)
    return CascadeSchedule.Shape(
      rows: rows.count, inputRows: input.count,
      padTop: max(0, input.lowerBound - (rows.lowerBound * stage.stride - stage.padTop)))
  }
}

extension OperatorRecord {
  /// The operator of a stage on a picture that is cut to a strip.
  func cut(to shape: CascadeSchedule.Shape, of stage: CascadeStage) -> OperatorRecord {
    guard let opcode = Opcode(code: opcode) else { return self }
    var record = self
    switch opcode {
    case .conv2d:
      var p = parameters(as: martlet_conv2d_params.self)
      p.in_h = Int32(truncatingIfNeeded: shape.inputRows)
      p.out_h = Int32(truncatingIfNeeded: shape.rows)
      p.pad_top = Int32(truncatingIfNeeded: shape.padTop)
      record.setParameters(p)
    case .depthwise:
      var p = parameters(as: martlet_depthwise_params.self)
      p.in_h = Int32(truncatingIfNeeded: shape.inputRows)
      p.out_h = Int32(truncatingIfNeeded: shape.rows)
      p.pad_top = Int32(truncatingIfNeeded: shape.padTop)
      record.setParameters(p)
    case .add:
      var p = parameters(as: martlet_add_params.self)
      let count = elements(StridedShape(p.shape), shape, stage)
      (p.shape, p.stride0, p.stride1) = ((1, 1, 1, 1, 1, count), (1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1))
      record.setParameters(p)
    case .mul:
      var p = parameters(as: martlet_mul_params.self)
      let count = elements(StridedShape(p.shape), shape, stage)
      (p.shape, p.stride0, p.stride1) = ((1, 1, 1, 1, 1, count), (1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1))
      record.setParameters(p)
    case .table:
      var p = parameters(as: martlet_table_params.self)
      p.count = Int32(truncatingIfNeeded: Int(p.count) / stage.outputRows * shape.rows)
      record.setParameters(p)
    case .averagePool, .maxPool, .mean, .prelu, .softmax, .copy, .fill, .resizeNearest, .resizeBilinear, .argmax,
      .quantize, .dequantize, .maximum, .minimum:
      break  // no stage
    }
    return record
  }

  /// Of a strip, where all elements are `whole`.
  private func elements(_ whole: StridedShape, _ shape: CascadeSchedule.Shape, _ stage: CascadeStage) -> Int32 {
    var count = 1
    for axis in 0..<6 { count *= Int(whole[axis]) }
    return Int32(truncatingIfNeeded: count / stage.outputRows * shape.rows)
  }

  private mutating func setParameters<P: BitwiseCopyable>(_ p: P) {
    withUnsafeMutableBytes(of: &parameters) { $0.storeBytes(of: p, as: P.self) }
  }
}
