extension Operands {
  /// STRIDED_SLICE with all its masks, resolved to start, step and size per input axis.
  func importStridedSlice() throws(ConversionError) {
    try expectInputs(4...4)
    try expectOutputs(1)
    let input = try movedInput(0)
    let shape = value(input).shape
    let begin = try constantIntegers(1, limit: 16)
    let end = try constantIntegers(2, limit: 16)
    let strides = try constantIntegers(3, limit: 16)
    guard begin.count == end.count, begin.count == strides.count else {
      throw .badData("begin, end and strides have different lengths")
    }
    let entries = try sparseEntries(count: begin.count, rank: shape.count)
    guard try !flag(5) else { throw .unsupported("end given as an offset is not supported") }

    var start: [Int] = []
    var step: [Int] = []
    var size: [Int] = []
    var outputShape: [Int] = []
    for entry in entries {
      switch entry {
      case .newAxis:
        outputShape.append(1)
      case .all:
        let axis = start.count
        guard axis < shape.count else { throw .badData("more entries than dimensions") }
        start.append(0)
        step.append(1)
        size.append(shape[axis])
        outputShape.append(shape[axis])
      case .range(let index, let masks):
        let axis = start.count
        guard axis < shape.count else { throw .badData("more entries than dimensions") }
        let range = try Self.resolve(
          begin: begin[index], end: end[index], step: strides[index], size: shape[axis], masks: masks)
        start.append(range.start)
        step.append(range.step)
        size.append(range.count)
        if !masks.shrinks { outputShape.append(range.count) }
      }
    }
    let output = try movedOutput(like: input, shape: outputShape)
    append(.slice(start: start, step: step, size: size), [input], [output])
  }

  private struct Masks {
    var ignoresBegin: Bool
    var ignoresEnd: Bool
    var shrinks: Bool
  }

  private enum Entry {
    case range(Int, Masks)
    case all
    case newAxis
  }

  /// One entry per input dimension or new axis, with the ellipsis and what is left out at the end spelled out.
  private func sparseEntries(count: Int, rank: Int) throws(ConversionError) -> [Entry] {
    let beginMask = try option(0)
    let endMask = try option(1)
    let ellipsisMask = try option(2)
    let newAxisMask = try option(3)
    let shrinkMask = try option(4)
    func has(_ mask: Int, _ bit: Int) -> Bool { bit < 32 && mask >> bit & 1 == 1 }
    guard (0..<count).filter({ has(ellipsisMask, $0) }).count <= 1 else { throw .badData("more than one ellipsis") }
    let consumed = (0..<count).filter { !has(ellipsisMask, $0) && !has(newAxisMask, $0) }.count
    guard consumed <= rank else { throw .badData("\(consumed) ranges for \(rank) dimensions") }
    var entries: [Entry] = []
    var filled = false
    for index in 0..<count {
      if has(ellipsisMask, index) {
        entries += Array(repeating: .all, count: rank - consumed)
        filled = true
      } else if has(newAxisMask, index) {
        entries.append(.newAxis)
      } else {
        let masks = Masks(
          ignoresBegin: has(beginMask, index), ignoresEnd: has(endMask, index), shrinks: has(shrinkMask, index))
        entries.append(.range(index, masks))
      }
    }
    if !filled { entries += Array(repeating: .all, count: rank - consumed) }
    return entries
  }

  private static func resolve(begin: Int, end: Int, step: Int, size: Int, masks: Masks)
    throws(ConversionError) -> (start: Int, step: Int, count: Int)
  {
    guard step != 0, abs(step) <= 1 << 30, abs(begin) <= 1 << 40, abs(end) <= 1 << 40 else {
      throw .badData("stride \(step), begin \(begin) or end \(end) is not valid")
    }
    func fromEnd(_ position: Int) -> Int { position < 0 ? position + size : position }
    if masks.shrinks {
      let position = masks.ignoresBegin ? (step > 0 ? 0 : size - 1) : fromEnd(begin)
      guard position >= 0, position < size else { throw .badData("index \(begin) lies outside dimension \(size)") }
      return (position, 1, 1)
    }
    let lowest = step > 0 ? 0 : -1
    let highest = step > 0 ? size : size - 1
    let start =
      masks.ignoresBegin
      ? (step > 0 ? 0 : size - 1) : min(max(fromEnd(begin), lowest), highest)
    let stop = masks.ignoresEnd ? (step > 0 ? size : -1) : min(max(fromEnd(end), lowest), highest)
    let distance = step > 0 ? stop - start : start - stop
    guard distance > 0 else { throw .unsupported("the result is empty") }
    return (start, step, (distance + abs(step) - 1) / abs(step))
  }
}
