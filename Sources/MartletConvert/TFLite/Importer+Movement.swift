/// Operators that only move elements.
extension Operands {
  /// A tensor that is moved as it is: int8 with one scale, or integers (shapes and indices).
  func movedInput(_ index: Int) throws(ConversionError) -> Int {
    let found = try input(index)
    guard value(found).type == .int32 || value(found).type == .int64 else { return try quantizedInput(index) }
    try checkConstant(found, "input \(index)")
    return found
  }

  /// An output of the input's type and quantization.
  func movedOutput(_ index: Int = 0, like input: Int, shape: [Int]) throws(ConversionError) -> Int {
    let output = try output(index, shape: shape)
    guard value(output).type == value(input).type else {
      throw .badData("output is \(value(output).type.rawValue), the input \(value(input).type.rawValue)")
    }
    if value(output).type == .int8 {
      try requireQuantized(output, "output \(index)")
      try requireSameQuantization(input, output)
    }
    return output
  }

  func importConcatenation() throws(ConversionError) {
    try expectInputs(1...ConversionLimits.operandsPerOperator)
    try expectOutputs(1)
    var inputs: [Int] = []
    for index in source.inputs.indices { inputs.append(try movedInput(index)) }
    var shape = value(inputs[0]).shape
    let axis = try axis(try option(0), rank: shape.count)
    var sum = 0
    for input in inputs {
      var other = value(input).shape
      guard other.count == shape.count else { throw .badData("inputs of different ranks") }
      sum += other[axis]
      other[axis] = shape[axis]
      guard other == shape else { throw .badData("shapes \(value(input).shape) and \(shape) cannot be joined") }
    }
    shape[axis] = sum
    guard try activation(1) == .none else { throw .unsupported("a fused activation is not supported") }
    guard value(inputs[0]).type == .int8 else {
      append(.concatenation(axis: axis, .none), inputs, [try movedOutput(like: inputs[0], shape: shape)])
      return
    }
    let output = try quantizedOutput(shape: shape)
    let isUnsigned = value(output).isUnsigned
    for input in inputs {
      try requireQuantized(input, "an input")
      guard value(input).isUnsigned == isUnsigned else { throw .unsupported("int8 and uint8 are mixed") }
      // int8 must match; for uint8 the reference rescales in floating point, which lowering makes a table.
      if !isUnsigned { try requireSameQuantization(input, output) }
    }
    append(.concatenation(axis: axis, .none), inputs, [output])
  }

  func importPack() throws(ConversionError) {
    try expectInputs(1...ConversionLimits.operandsPerOperator)
    try expectOutputs(1)
    let first = try movedInput(0)
    let shape = value(first).shape
    let axis = try axis(try option(1), rank: shape.count + 1)
    var expanded = shape
    expanded.insert(1, at: axis)
    var parts: [Int] = []
    for index in source.inputs.indices {
      let input = try movedInput(index)
      guard value(input).shape == shape else { throw .badData("inputs of different shapes") }
      guard value(input).type == value(first).type else { throw .badData("inputs of different types") }
      try requireSameQuantization(first, input)
      let part = makeValue(like: input, shape: expanded, quantization: value(input).quantization)
      append(.reshape, [input], [part])
      parts.append(part)
    }
    expanded[axis] = parts.count
    let output = try movedOutput(like: first, shape: expanded)
    append(.concatenation(axis: axis, .none), parts, [output])
  }

  func importUnpack() throws(ConversionError) {
    try expectInputs(1...1)
    let input = try movedInput(0)
    let shape = value(input).shape
    let axis = try axis(try option(1), rank: shape.count)
    try expectOutputs(shape[axis])
    var outputShape = shape
    outputShape.remove(at: axis)
    for index in 0..<shape[axis] {
      try appendSlice(input, output: index, axis: axis, start: index, count: 1, shape: outputShape)
    }
  }

  private func appendSlice(_ input: Int, output index: Int, axis: Int, start: Int, count: Int, shape: [Int]? = nil)
    throws(ConversionError)
  {
    var size = value(input).shape
    size[axis] = count
    var starts = Array(repeating: 0, count: size.count)
    starts[axis] = start
    let output = try movedOutput(index, like: input, shape: shape ?? size)
    append(
      .slice(start: starts, step: Array(repeating: 1, count: size.count), size: size), [input], [output])
  }

  func importSplit() throws(ConversionError) {
    let isVariable = code == .splitV
    try expectInputs(isVariable ? 3...3 : 2...2)
    let input = try movedInput(isVariable ? 0 : 1)
    let axes = try constantIntegers(isVariable ? 2 : 0, limit: 1)
    guard axes.count == 1 else { throw .badData("expected one axis") }
    let shape = value(input).shape
    let axis = try axis(axes[0], rank: shape.count)
    let count = source.outputs.count
    guard count > 0 else { throw .badData("has no output") }
    var sizes: [Int]
    if isVariable {
      sizes = try constantIntegers(1, limit: ConversionLimits.operandsPerOperator)
      let known = sizes.filter { $0 >= 0 }.reduce(0) { min($0 + $1, 1 << 40) }
      sizes = sizes.map { $0 == -1 ? shape[axis] - known : $0 }
    } else {
      sizes = Array(repeating: shape[axis] / count, count: count)
    }
    guard sizes.count == count, sizes.allSatisfy({ $0 > 0 && $0 <= shape[axis] }), sizes.reduce(0, +) == shape[axis]
    else { throw .badData("axis \(axis) of shape \(shape) cannot be split into \(sizes)") }
    var start = 0
    for (index, size) in sizes.enumerated() {
      try appendSlice(input, output: index, axis: axis, start: start, count: size)
      start += size
    }
  }

  func importPad() throws(ConversionError) {
    try expectInputs(code == .padV2 ? 3...3 : 2...2)
    try expectOutputs(1)
    let input = try quantizedInput(0)
    let shape = value(input).shape
    let paddings = try constantIntegers(1)
    guard paddings.count == 2 * shape.count, paddings.allSatisfy({ $0 >= 0 && $0 <= 1 << 24 }) else {
      throw .badData("paddings \(paddings) do not fit shape \(shape)")
    }
    let before = shape.indices.map { paddings[2 * $0] }
    let after = shape.indices.map { paddings[2 * $0 + 1] }
    var value: Int32?
    if code == .padV2 {
      let operand = try quantizedInput(2)
      guard let constant = self.value(operand).constant, constant.count == 1, let byte = constant.first else {
        throw .unsupported("the pad value is not a constant")
      }
      try requireSameQuantization(input, operand)
      value = Int32(Int8(bitPattern: byte))
    }
    let output = try movedOutput(like: input, shape: shape.indices.map { before[$0] + shape[$0] + after[$0] })
    append(.pad(before: before, after: after, value: value.map { .quantized($0) } ?? .zero), [input], [output])
  }

  func importTranspose() throws(ConversionError) {
    try expectInputs(2...2)
    try expectOutputs(1)
    let input = try movedInput(0)
    let shape = value(input).shape
    var permutation: [Int] = []
    for number in try constantIntegers(1) { permutation.append(try axis(number, rank: shape.count)) }
    guard permutation.sorted() == Array(shape.indices) else { throw .badData("\(permutation) is not a permutation") }
    let output = try movedOutput(like: input, shape: permutation.map { shape[$0] })
    append(.transpose(permutation: permutation), [input], [output])
  }

  func importSlice() throws(ConversionError) {
    try expectInputs(3...3)
    try expectOutputs(1)
    let input = try movedInput(0)
    let shape = value(input).shape
    let start = try constantIntegers(1)
    let asked = try constantIntegers(2)
    guard start.count == shape.count, asked.count == shape.count else { throw .badData("begin or size is too short") }
    var size: [Int] = []
    for index in shape.indices {
      guard start[index] >= 0, start[index] < shape[index] else {
        throw .badData("begin \(start) lies outside shape \(shape)")
      }
      let count = asked[index] == -1 ? shape[index] - start[index] : asked[index]
      guard count > 0, count <= shape[index] - start[index] else {
        throw .badData("size \(asked) lies outside shape \(shape)")
      }
      size.append(count)
    }
    let output = try movedOutput(like: input, shape: size)
    append(.slice(start: start, step: Array(repeating: 1, count: size.count), size: size), [input], [output])
  }

  func importBlocks() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let input = try movedInput(0)
    try requireRank(4, of: input, "input")
    let shape = value(input).shape
    let block = try positiveOption(0, "block", limit: 1 << 12)
    if code == .spaceToDepth {
      guard shape[1] % block == 0, shape[2] % block == 0 else {
        throw .badData("block \(block) does not divide shape \(shape)")
      }
      let output = try movedOutput(
        like: input, shape: [shape[0], shape[1] / block, shape[2] / block, shape[3] * block * block])
      append(.spaceToDepth(block: block), [input], [output])
    } else {
      guard shape[3] % (block * block) == 0 else { throw .badData("block \(block) does not divide shape \(shape)") }
      let output = try movedOutput(
        like: input, shape: [shape[0], shape[1] * block, shape[2] * block, shape[3] / (block * block)])
      append(.depthToSpace(block: block), [input], [output])
    }
  }
}
