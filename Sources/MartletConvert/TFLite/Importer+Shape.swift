/// Operators that change the shape and no byte, and the one that asks for it.
extension Operands {
  func importReshape() throws(ConversionError) {
    try expectInputs(1...2)
    try expectOutputs(1)
    let input = try input(0)
    let type = value(input).type
    if type == .int8 { try requireQuantized(input, "input 0") } else { try checkConstant(input, "input 0") }
    guard type == .int8 || type == .float32 || type == .int32 || type == .int64 else {
      throw .unsupported("input 0 is \(type.rawValue), only int8 and uint8 are supported")
    }
    let shape: [Int]
    switch code {
    case .squeeze: shape = try squeezedShape(value(input).shape)
    case .expandDims: shape = try expandedShape(value(input).shape)
    default: shape = try reshapedShape(of: input)
    }
    let output = try output(shape: shape)
    guard value(output).count == value(input).count, value(output).type == type else {
      throw .badData("shape \(value(input).shape) cannot become \(shape)")
    }
    if type == .int8 {
      try requireQuantized(output, "output 0")
      // The reference copies the bytes whatever the two scales are.
    }
    append(.reshape, [input], [output])
  }

  /// Shapes are fixed, so this is a constant: how models with an open batch size spell a reshape.
  func importShape() throws(ConversionError) {
    try expectInputs(1...1)
    try expectOutputs(1)
    let shape = value(try input(0)).shape
    let output = try output(shape: [shape.count])
    switch value(output).type {
    case .int32: setConstant(output, shape.flatMap { withUnsafeBytes(of: Int32($0).littleEndian) { Array($0) } })
    case .int64: setConstant(output, shape.flatMap { withUnsafeBytes(of: Int64($0).littleEndian) { Array($0) } })
    default: throw .unsupported("output is \(value(output).type.rawValue), expected int32 or int64")
    }
  }

  private func reshapedShape(of input: Int) throws(ConversionError) -> [Int] {
    var shape: [Int]
    if hasInput(1) {
      let operand = try self.input(1)
      if value(operand).constant != nil {
        shape = try constantIntegers(1)
      } else {
        // A computed shape: what the file declares for the output is all there is to know.
        guard let output = source.outputs.first, output >= 0, Int(output) < importer.model.tensors.count else {
          throw .unsupported("the new shape is computed")
        }
        shape = importer.model.tensors[Int(output)].shape.map { Int($0) }
      }
    } else {
      shape = try integersOption(0)
      // Old models write [0] for a scalar.
      if shape == [0] { shape = [] }
    }
    let wild = shape.filter { $0 == -1 }.count
    guard wild <= 1, shape.allSatisfy({ $0 >= -1 && $0 != 0 }), shape.count <= 6 else {
      throw .badData("new shape \(shape) is not valid")
    }
    if wild == 1 {
      var known = 1
      for size in shape where size > 0 {
        let (product, overflow) = known.multipliedReportingOverflow(by: size)
        guard !overflow else { throw .badData("new shape \(shape) is too large") }
        known = product
      }
      shape = shape.map { $0 == -1 ? value(input).count / known : $0 }
    }
    return shape
  }

  private func squeezedShape(_ shape: [Int]) throws(ConversionError) -> [Int] {
    var axes: Set<Int> = []
    for number in try integersOption(0) {
      let axis = try axis(number, rank: shape.count)
      guard shape[axis] == 1 else { throw .badData("axis \(axis) of shape \(shape) is not 1") }
      axes.insert(axis)
    }
    return shape.enumerated().filter { axes.isEmpty ? $0.element != 1 : !axes.contains($0.offset) }.map(\.element)
  }

  private func expandedShape(_ shape: [Int]) throws(ConversionError) -> [Int] {
    let axes = try constantIntegers(1, limit: 1)
    guard axes.count == 1 else { throw .badData("expected one axis") }
    var result = shape
    result.insert(1, at: try axis(axes[0], rank: shape.count + 1))
    return result
  }
}
