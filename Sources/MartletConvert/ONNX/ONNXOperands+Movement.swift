/// Operators that only move elements or rename axes.
extension ONNXOperands {
  /// As many elements in another shape; axes must lie in the model's own order for it.
  private func reshape(_ source: Computed, to shape: [Int]) throws(ConversionError) {
    try importer.checkShape(shape, "output")
    let value = arranged(source, Array(source.layout.indices))
    guard shape.reduce(1, *) == importer.graph.values[value].count else {
      throw .badData("shape \(importer.graph.values[value].shape) cannot become \(shape)")
    }
    let type = importer.graph.values[value].type
    try define(
      append(.reshape, [value], shape, type: type), layout: Array(shape.indices), type: source.type)
  }

  func importReshape() throws(ConversionError) {
    let source = try computed(0)
    guard let wanted = try integers("shape", orInput: 1) else { throw .badData("shape is missing") }
    try reshape(source, to: Self.resolved(wanted, shape(source), keepsZero: integer("allowzero") != 0))
  }

  /// 0 takes the input's size, -1 what is left.
  static func resolved(_ wanted: [Int], _ shape: [Int], keepsZero: Bool) throws(ConversionError) -> [Int] {
    var result = wanted
    if !keepsZero {
      for (axis, size) in wanted.enumerated() where size == 0 {
        guard axis < shape.count else { throw .badData("shape \(wanted) copies axis \(axis) of \(shape)") }
        result[axis] = shape[axis]
      }
    }
    guard result.allSatisfy({ $0 >= -1 && $0 <= 1 << 30 }), result.filter({ $0 == -1 }).count <= 1 else {
      throw .badData("shape \(wanted) is not valid")
    }
    if let open = result.firstIndex(of: -1) {
      var known = 1
      for (axis, size) in result.enumerated() where axis != open {
        known = known.multipliedReportingOverflow(by: size).partialValue
      }
      let count = shape.reduce(1, *)
      guard known > 0, count % known == 0 else { throw .badData("shape \(shape) cannot become \(wanted)") }
      result[open] = count / known
    }
    return result
  }

  func importFlatten() throws(ConversionError) {
    try expectInputs(1...1)
    let source = try computed(0)
    let sizes = shape(source)
    let number = integer("axis", default: 1)
    let axis = number < 0 ? number + sizes.count : number
    guard (0...sizes.count).contains(axis) else {
      throw .badData("axis \(number) of a tensor of \(sizes.count) dimensions")
    }
    try reshape(source, to: [sizes[..<axis].reduce(1, *), sizes[axis...].reduce(1, *)])
  }

  func importSqueeze() throws(ConversionError) {
    let source = try computed(0)
    let sizes = shape(source)
    let axes =
      try integers("axes", orInput: 1).map { (numbers) throws(ConversionError) in
        try self.axes(numbers, rank: sizes.count)
      }
      ?? sizes.indices.filter { sizes[$0] == 1 }
    guard axes.allSatisfy({ sizes[$0] == 1 }) else { throw .badData("axes \(axes) of shape \(sizes) are not all 1") }
    let kept = sizes.indices.filter { !axes.contains($0) }
    let layout = source.layout.filter { kept.contains($0) }
    try rename(source, shape: layout.map { sizes[$0] }, layout: layout.map { kept.firstIndex(of: $0)! })
  }

  func importUnsqueeze() throws(ConversionError) {
    let source = try computed(0)
    guard let numbers = try integers("axes", orInput: 1) else { throw .badData("axes are missing") }
    let rank = source.layout.count + numbers.count
    let axes = try axes(numbers, rank: rank)
    let old = (0..<rank).filter { !axes.contains($0) }
    let layout = axes.sorted() + source.layout.map { old[$0] }
    let stored = importer.graph.values[source.value].shape
    try rename(source, shape: Array(repeating: 1, count: axes.count) + stored, layout: layout)
  }

  /// The same elements in the same places under other axes.
  private func rename(_ source: Computed, shape: [Int], layout: [Int]) throws(ConversionError) {
    guard !shape.isEmpty else { throw .unsupported("the result has no dimensions") }
    let type = importer.graph.values[source.value].type
    try define(append(.reshape, [source.value], shape, type: type), layout: layout, type: source.type)
  }

  /// Only the names of the axes change; whoever needs another order in memory moves the elements.
  func importTranspose() throws(ConversionError) {
    try expectInputs(1...1)
    let source = try computed(0)
    let rank = source.layout.count
    let permutation = try axes(integers("perm") ?? Array((0..<rank).reversed()), rank: rank)
    guard permutation.count == rank else { throw .badData("perm \(permutation) does not fit \(rank) dimensions") }
    var result = source
    result.layout = source.layout.map { axis in permutation.firstIndex(of: axis)! }
    try define(0, .computed(result))
  }

  func importConcat() throws(ConversionError) {
    guard inputCount >= 1 else { throw .badData("has no input") }
    var sources: [Computed] = []
    for index in 0..<inputCount { sources.append(try computed(index)) }
    let leader = sources.first { importer.graph.values[$0.value].constant == nil } ?? sources[0]
    let rank = leader.layout.count
    let axis = try axis(integer("axis", default: 1), rank: rank)
    guard let place = leader.layout.firstIndex(of: axis) else { throw .badData("axis \(axis) is not there") }
    var values: [Int] = []
    var result = importer.graph.values[leader.value].shape
    result[place] = 0
    for source in sources {
      guard source.layout.count == rank, source.type.isReal == leader.type.isReal else {
        throw .badData("inputs of different ranks or types")
      }
      let quantizations = [source, leader].map { importer.graph.values[$0.value].quantization }
      guard source.type.isReal || source.type == leader.type && quantizations[0] == quantizations[1] else {
        throw .unsupported("joins quantized values of different scales or zero points")
      }
      let value = arranged(source, leader.layout)
      let stored = importer.graph.values[value].shape
      guard stored.indices.allSatisfy({ $0 == place || stored[$0] == result[$0] }) else {
        throw .badData("shape \(shape(source)) does not fit \(shape(leader)) along axis \(axis)")
      }
      result[place] += stored[place]
      values.append(value)
    }
    try define(
      append(.concatenation(axis: place, .none), values, result), layout: leader.layout, type: leader.type)
  }

  func importSplit() throws(ConversionError) {
    let source = try computed(0)
    let rank = source.layout.count
    let axis = try axis(integer("axis"), rank: rank)
    let size = shape(source)[axis]
    let sizes: [Int]
    if let given = try integers("split", orInput: 1) {
      sizes = given
    } else {
      let parts = integer("num_outputs", default: node.output.count)
      guard parts > 0, parts == node.output.count else {
        throw .badData("\(parts) parts for \(node.output.count) outputs")
      }
      let each = (size + parts - 1) / parts
      sizes = (0..<parts).map { min(each, size - min(size, $0 * each)) }
    }
    guard sizes.count == node.output.count, sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, +) == size else {
      throw .badData("parts \(sizes) do not make \(size) in \(node.output.count) outputs")
    }
    var start = 0
    for (index, size) in sizes.enumerated() {
      try slice(source, index, [axis: (start, 1, size)])
      start += size
    }
  }

  /// - Parameter parts: start, step and size by axis; all of the other axes.
  private func slice(_ source: Computed, _ output: Int, _ parts: [Int: (start: Int, step: Int, size: Int)])
    throws(ConversionError)
  {
    var size = importer.graph.values[source.value].shape
    var start = Array(repeating: 0, count: size.count)
    var step = Array(repeating: 1, count: size.count)
    for (place, axis) in source.layout.enumerated() {
      guard let part = parts[axis] else { continue }
      (start[place], step[place], size[place]) = part
    }
    try importer.checkShape(size, "output \(output)")
    try define(
      append(.slice(start: start, step: step, size: size), [source.value], size), layout: source.layout,
      type: source.type, output: output)
  }

  func importSlice() throws(ConversionError) {
    let source = try computed(0)
    let sizes = shape(source)
    try slice(source, 0, Self.parts(self, sizes))
  }

  /// What a Slice node takes of each axis.
  static func parts(_ operands: ONNXOperands, _ sizes: [Int])
    throws(ConversionError) -> [Int: (start: Int, step: Int, size: Int)]
  {
    guard let starts = try operands.integers("starts", orInput: 1), let ends = try operands.integers("ends", orInput: 2)
    else { throw .badData("starts or ends are missing") }
    let axes = try operands.axes(operands.integers("axes", orInput: 3) ?? Array(starts.indices), rank: sizes.count)
    let steps = try operands.constantIntegers(4, "steps") ?? Array(repeating: 1, count: starts.count)
    guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count else {
      throw .badData("starts, ends, axes and steps have different lengths")
    }
    var result: [Int: (start: Int, step: Int, size: Int)] = [:]
    for (index, axis) in axes.enumerated() {
      let (size, step) = (sizes[axis], steps[index])
      guard step != 0, abs(step) <= 1 << 30 else { throw .badData("step \(step) is not valid") }
      func bounded(_ number: Int, _ range: ClosedRange<Int>) -> Int {
        let counted = number < 0 ? (number < -size ? -size - 1 : number) + size : number
        return min(max(counted, range.lowerBound), range.upperBound)
      }
      if step > 0 {
        let (start, end) = (bounded(starts[index], 0...size), bounded(ends[index], 0...size))
        result[axis] = (start, step, max(0, (end - start + step - 1) / step))
      } else {
        let start = bounded(starts[index], 0...max(0, size - 1))
        let end = ends[index] < -size ? -1 : bounded(ends[index], -1...max(-1, size - 1))
        result[axis] = (start, step, max(0, (start - end - step - 1) / -step))
      }
    }
    return result
  }

  /// One index along one axis.
  func importGather() throws(ConversionError) {
    let source = try computed(0)
    let indices = try requireConstant(1, "indices")
    let sizes = shape(source)
    let axis = try axis(integer("axis"), rank: sizes.count)
    let numbers = indices.integers.map(Self.bounded).map { $0 < 0 ? $0 + sizes[axis] : $0 }
    guard let first = numbers.first, numbers.allSatisfy({ $0 >= 0 && $0 < sizes[axis] }) else {
      throw .badData("indices are not in 0..<\(sizes[axis])")
    }
    guard indices.shape.count <= 1 else { throw .unsupported("indices of several dimensions are not supported") }
    let step = numbers.count > 1 ? numbers[1] - first : 1
    guard step != 0, numbers.enumerated().allSatisfy({ $1 == first + $0 * step }) else {
      throw .unsupported("indices without a regular step are not supported")
    }
    var result = importer.graph.values[source.value].shape
    let place = source.layout.firstIndex(of: axis)!
    var (start, steps) = (Array(repeating: 0, count: result.count), Array(repeating: 1, count: result.count))
    (start[place], steps[place], result[place]) = (first, step, numbers.count)
    let value = append(.slice(start: start, step: steps, size: result), [source.value], result)
    guard indices.shape.isEmpty else { return try define(value, layout: source.layout, type: source.type) }
    result.remove(at: place)
    let layout = source.layout.filter { $0 != axis }.map { $0 > axis ? $0 - 1 : $0 }
    guard !result.isEmpty else { throw .unsupported("the result has no dimensions") }
    try define(append(.reshape, [value], result), layout: layout, type: source.type)
  }

  /// Only where nothing is repeated.
  func importExpand() throws(ConversionError) {
    let source = try computed(0)
    let sizes = shape(source)
    guard let wanted = try constantIntegers(1, "shape") else { throw .badData("shape is missing") }
    let missing = max(0, wanted.count - sizes.count)
    let padded = Array(repeating: 1, count: missing) + sizes
    let target = Array(repeating: 1, count: padded.count - wanted.count) + wanted
    guard zip(padded, target).allSatisfy({ $0 == $1 || $1 == 1 }) else {
      throw .unsupported("repeating elements of \(sizes) to \(wanted) is not supported")
    }
    if missing == 0 { return try define(0, .computed(source)) }
    let stored = importer.graph.values[source.value].shape
    try rename(
      source, shape: Array(repeating: 1, count: missing) + stored,
      layout: Array(0..<missing) + source.layout.map { $0 + missing })
  }

  func importPad() throws(ConversionError) {
    let source = try computed(0)
    let sizes = shape(source)
    let mode = text("mode", default: "constant")
    guard mode == "constant" else { throw .unsupported("the mode '\(mode)' is not supported") }
    guard let pads = try integers("pads", orInput: 1) else { throw .badData("pads are missing") }
    let axes = try axes(constantIntegers(3, "axes") ?? Array(sizes.indices), rank: sizes.count)
    guard pads.count == 2 * axes.count else { throw .badData("\(pads.count) pads for \(axes.count) axes") }
    guard pads.allSatisfy({ abs($0) <= 1 << 20 }) else { throw .badData("pads \(pads) are not valid") }
    guard pads.allSatisfy({ $0 >= 0 }) else { throw .unsupported("negative pads are not supported") }
    var number = hasInput(2) ? try requireConstant(2, "the value").reals.first ?? 0 : real("value", default: 0)
    if !source.type.isReal {
      guard let quantization = importer.graph.values[source.value].quantization else {
        throw .unsupported("pads \(source.type) values whose scale is not known")
      }
      number = (number - (source.type == .uint8 ? 128 : 0) - Float(quantization.zeroPoints[0])) * quantization.scales[0]
    }
    var (before, after) = (Array(repeating: 0, count: sizes.count), Array(repeating: 0, count: sizes.count))
    for (index, axis) in axes.enumerated() {
      let place = source.layout.firstIndex(of: axis)!
      (before[place], after[place]) = (pads[index], pads[index + axes.count])
    }
    let stored = importer.graph.values[source.value].shape
    let shape = stored.indices.map { stored[$0] + before[$0] + after[$0] }
    try importer.checkShape(shape, "output")
    let value = append(
      .pad(before: before, after: after, value: number == 0 ? .zero : .real(number)), [source.value], shape)
    try define(value, layout: source.layout, type: source.type)
  }

  func importSpaceToDepth() throws(ConversionError) {
    let source = try computed(0)
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    let block = integer("blocksize")
    guard source.layout.count == 4, block >= 1, shape[1] % block == 0, shape[2] % block == 0 else {
      throw .badData("blocksize \(block) does not fit \(self.shape(source))")
    }
    let value = append(
      .spaceToDepth(block: block), [picture],
      [shape[0], shape[1] / block, shape[2] / block, shape[3] * block * block])
    try definePicture(value, like: source, type: source.type)
  }

  func importDepthToSpace() throws(ConversionError) {
    let source = try computed(0)
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    let block = integer("blocksize")
    guard source.layout.count == 4, block >= 1, block <= 4096, shape[3] % (block * block) == 0 else {
      throw .badData("blocksize \(block) does not fit \(self.shape(source))")
    }
    var value = picture
    let depth = shape[3] / (block * block)
    if try word("mode", of: "DCR", "CRD") == "CRD", depth > 1, block > 1 {
      // Channels in the order depth, block, block become block, block, depth.
      value = append(.reshape, [value], [shape[0], shape[1], shape[2], depth, block * block])
      value = append(
        .transpose(permutation: [0, 1, 2, 4, 3]), [value], [shape[0], shape[1], shape[2], block * block, depth])
      value = append(.reshape, [value], shape)
    }
    value = append(.depthToSpace(block: block), [value], [shape[0], shape[1] * block, shape[2] * block, depth])
    try definePicture(value, like: source, type: source.type)
  }
}
