import CMartletKernels
import Martlet

/// Operators that only move elements: all of them are strided copies.
extension Lowering {
  /// Copies every element of `source` to the element of `destination` at the same index; the two have one shape.
  mutating func emitCopy(
    _ origin: Origin, from input: Int, to output: Int, _ source: StridedView, _ destination: StridedView
  ) {
    let (shape, strides) = StridedView.coalesced(source.shape, [source.strides, destination.strides])
    var p = martlet_copy_params()
    p.element_size = Int32(program.tensors[input].type.byteCount)
    p.shape = sextet(shape, filling: 1)
    p.in_stride = sextet(strides[0], filling: 0)
    p.out_stride = sextet(strides[1], filling: 0)
    p.in_offset = Int32(source.offset)
    p.out_offset = Int32(destination.offset)
    append(DeviceOperator(.copy, origin, inputs: [input], output: output, p))
  }

  mutating func lowerConcatenation(_ node: Node, axis: Int) throws(ConversionError) {
    let output = try result(node)
    let strides = StridedView.denseStrides(program.tensors[output].shape)
    let quantization = program.tensors[output].type == .int8 ? try scale(node.outputs[0]) : nil
    var start = 0
    for index in node.inputs {
      var input = try operand(index)
      let shape = program.tensors[input].shape
      if let (outputScale, outputZeroPoint) = quantization,
        case let (inputScale, inputZeroPoint) = try scale(index),
        inputScale != outputScale || inputZeroPoint != outputZeroPoint
      {
        let temporary = makeTemporary(
          like: input, shape: shape, quantization: (outputScale, outputZeroPoint))
        let table = Self.concatenationTable(
          (inputScale, inputZeroPoint + 128), (outputScale, outputZeroPoint + 128))
        try emitTable(node.origin, from: input, to: temporary, table)
        input = temporary
      }
      emitCopy(
        node.origin, from: input, to: output, .dense(shape),
        StridedView(shape: shape, strides: strides, offset: start * strides[axis]))
      start += shape[axis]
    }
  }

  /// How the uint8 reference rescales what it joins: in float32, on unsigned values.
  static func concatenationTable(
    _ input: (scale: Float, zeroPoint: Int32), _ output: (scale: Float, zeroPoint: Int32)
  ) -> [UInt8] {
    let scale = input.scale * (1 / output.scale)
    let bias = Float(-input.zeroPoint) * scale
    return Tables.make { q in
      // Two roundings: the reference does not fuse them.
      let product = Float(q + 128) * scale
      let rounded = Tables.clampedInteger((product + bias).rounded(.toNearestOrAwayFromZero))
      return Int32(clamping: min(255, max(0, Int64(rounded) + Int64(output.zeroPoint))) - 128)
    }
  }

  mutating func lowerPad(_ node: Node, before: [Int], value: PadValue) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let output = try result(node)
    let (scale, zeroPoint) = try scale(node.outputs[0])
    let filler =
      switch value {
      case .zero: zeroPoint
      case .quantized(let q): q
      case .real(let real): Tables.quantized(real, (scale, zeroPoint))
      }
    let (shape, outputShape) = (program.tensors[input].shape, program.tensors[output].shape)
    if shape != outputShape {
      let p = martlet_fill_params(count: Int32(program.tensors[output].count), value: filler)
      append(DeviceOperator(.fill, node.origin, inputs: [], output: output, p))
    }
    let strides = StridedView.denseStrides(outputShape)
    let offset = zip(before, strides).reduce(0) { $0 + $1.0 * $1.1 }
    emitCopy(
      node.origin, from: input, to: output, .dense(shape),
      StridedView(shape: shape, strides: strides, offset: offset))
  }

  mutating func lowerTranspose(_ node: Node, _ permutation: [Int]) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let output = try result(node)
    let strides = StridedView.denseStrides(program.tensors[input].shape)
    let shape = program.tensors[output].shape
    emitCopy(
      node.origin, from: input, to: output, StridedView(shape: shape, strides: permutation.map { strides[$0] }),
      .dense(shape))
  }

  mutating func lowerSlice(_ node: Node, start: [Int], step: [Int], size: [Int]) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let output = try result(node)
    let strides = StridedView.denseStrides(program.tensors[input].shape)
    let offset = zip(strides, start).reduce(0) { $0 + $1.0 * $1.1 }
    let source = StridedView(shape: size, strides: zip(strides, step).map { $0 * $1 }, offset: offset)
    emitCopy(node.origin, from: input, to: output, source, .dense(size))
  }

  mutating func lowerBlocks(_ node: Node, block: Int, toDepth: Bool) throws(ConversionError) {
    let input = try operand(node.inputs[0])
    let output = try result(node)
    let shape = program.tensors[input].shape
    let source: StridedView = toDepth ? .spaceToDepth(shape, block: block) : .depthToSpace(shape, block: block)
    emitCopy(node.origin, from: input, to: output, source, .dense(source.shape))
  }
}
