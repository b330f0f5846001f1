import CMartletKernels

/// The model's edge, in the types that its source had there: row-major, little-endian.
extension Engine {
  /// Puts `bytes` (exactly `byteCount(ofInput:)`) into input `index`: uint8 is shifted by 128, float32 is quantized.
  public func setInput(_ index: Int, to bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count == byteCount(ofInput: index))
    let boundary = manifest.inputs[index]
    let target = self.bytes(ofInput: index)
    guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
    Engine.convert(boundary, tensor(Int(boundary.tensor)), from, to, count: target.count, into: true)
  }

  /// Copies output `index` into `bytes` (exactly `byteCount(ofOutput:)`): uint8 is shifted back, float32 dequantized.
  public func readOutput(_ index: Int, into bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count == byteCount(ofOutput: index))
    let boundary = manifest.outputs[index]
    let source = self.bytes(ofTensor: Int(boundary.tensor))
    guard let from = source.baseAddress, let to = bytes.baseAddress else { return }
    Engine.convert(boundary, tensor(Int(boundary.tensor)), from, to, count: source.count, into: false)
  }

  /// `count` bytes of the arena's tensor, from or to the boundary's type.
  private static func convert(
    _ boundary: BoundaryRecord, _ record: TensorRecord, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer,
    count: Int, into: Bool
  ) {
    guard record.type == ElementType.int8.rawValue else {
      to.copyMemory(from: from, byteCount: count)
      return
    }
    switch UInt8(truncatingIfNeeded: boundary.type) {
    case ElementType.uint8.rawValue:
      let source = from.assumingMemoryBound(to: UInt8.self)
      let target = to.assumingMemoryBound(to: UInt8.self)
      for i in 0..<count { target[i] = source[i] ^ 0x80 }
    case ElementType.float32.rawValue:
      quantize(boundary, from, to, count: count, into: into)
    default:
      to.copyMemory(from: from, byteCount: count)
    }
  }

  /// By the same kernels as an operator inside a model: exact and the same everywhere, whatever set is the best here.
  private static func quantize(
    _ boundary: BoundaryRecord, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, count: Int, into: Bool
  ) {
    var parameters = martlet_quantize_params()
    parameters.count = Int32(count)
    parameters.scale = boundary.scale
    parameters.zero_point = boundary.zeroPoint
    var buffers = martlet_buffers()
    buffers.input.0 = from
    buffers.output = to
    guard let kernels = martlet_kernels_for(MARTLET_ISA_SCALAR) else { return }
    let units = into ? martlet_quantize_workload(&parameters).units : martlet_dequantize_workload(&parameters).units
    (into ? kernels.pointee.quantize : kernels.pointee.dequantize)?(&parameters, &buffers, 0, units, nil)
  }
}
