import CMartletKernels

extension Model {
  /// Checks what loading does not read: that each segment of a convolution's packed weights is padded to whole quads
  /// with the weights' zero point. Instruction sets read different bytes beyond a segment, which cancel out only then:
  /// bits would differ between processors, though no address. For validated operators.
  func verifyPacking() throws(ModelError) {
    for index in 0..<operatorCount where operatorRecord(index).opcode == Opcode.conv2d.code {
      let record = operatorRecord(index)
      let p = record.parameters(as: martlet_conv2d_params.self)
      let isWhole = p.groups == 1 && p.dilation_w == 1 && p.input_step_w == 1
      let segments = Int(p.kernel_h) * (isWhole ? 1 : Int(p.kernel_w))
      let bytes = isWhole ? Int(p.kernel_w) * Int(p.in_c) : Int(p.in_c / p.groups)
      let used = bytes % 4
      if used == 0 { continue }
      let constant = tensor(Int(record.constant))
      var place = Int(constant.offset)
      let end = place + Int(constant.byteCount)
      while place < end {
        place += MemoryLayout<martlet_channels>.size
        for _ in 0..<segments {
          place += (bytes + 3) / 4 * 64
          for at in place - 64..<place where (at - place + 64) % 4 >= used {
            guard weights[at] == UInt8(bitPattern: Int8(truncatingIfNeeded: p.weight_zero_point)) else {
              throw ModelError(
                .mismatch, .operator, index: index, opcode: record.opcode, field: "padding of the weights",
                found: Int64(Int8(bitPattern: weights[at])), expected: Int64(p.weight_zero_point))
            }
          }
        }
      }
    }
  }
}
