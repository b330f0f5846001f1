/// Windows and means.
extension ONNXOperands {
  func importMaxPool() throws(ConversionError) {
    try expectOneOutput()
    let (source, picture, kernel, moved) = try pool()
    guard moved.motion.dilation == Size(1, 1) else { throw .unsupported("dilations are not supported") }
    guard moved.motion.padding.height < kernel.height, moved.motion.padding.width < kernel.width else {
      throw .unsupported("pads as large as the window are not supported")
    }
    let shape = importer.graph.values[picture].shape
    let value = append(
      .maxPool(window: kernel, moved.motion, .none), [picture],
      [shape[0], moved.output.height, moved.output.width, shape[3]])
    try definePicture(value, like: source, type: source.type)
  }

  func importAveragePool() throws(ConversionError) {
    let (source, picture, kernel, moved) = try pool()
    var windows = moved
    if isReplayed {
      // QLinearAveragePool divides by the whole window, also where ceil_mode lets it reach past the pads.
      func reached(_ output: Int, _ stride: Int, _ kernel: Int, _ size: Int, _ begin: Int) -> Int {
        max(0, (output - 1) * stride + kernel - size - begin)
      }
      let (shape, motion) = (importer.graph.values[picture].shape, moved.motion)
      windows.end.height = max(
        moved.end.height,
        reached(moved.output.height, motion.stride.height, kernel.height, shape[1], motion.padding.height))
      windows.end.width = max(
        moved.end.width,
        reached(moved.output.width, motion.stride.width, kernel.width, shape[2], motion.padding.width))
    }
    try definePicture(try averagePool(picture, kernel, windows), like: source)
  }

  func averagePool(_ picture: Int, _ kernel: Size, _ moved: (motion: WindowMotion, output: Size, end: Size))
    throws(ConversionError) -> Int
  {
    var motion = moved.motion
    guard motion.dilation == Size(1, 1) else { throw .unsupported("dilations are not supported") }
    var shape = importer.graph.values[picture].shape
    var value = picture
    let begin = motion.padding
    let isCounted = integer("count_include_pad") != 0
    if isCounted, begin != Size(0, 0) || moved.end != Size(0, 0) {
      // Zeros that count are zeros of the picture.
      shape = [
        shape[0], shape[1] + begin.height + moved.end.height, shape[2] + begin.width + moved.end.width, shape[3],
      ]
      value = append(
        .pad(
          before: [0, begin.height, begin.width, 0], after: [0, moved.end.height, moved.end.width, 0], value: .zero),
        [picture], shape)
      motion.padding = Size(0, 0)
    }
    guard motion.padding.height < kernel.height, motion.padding.width < kernel.width else {
      throw .unsupported("pads as large as the window are not supported")
    }
    let result = [shape[0], moved.output.height, moved.output.width, shape[3]]
    if moved.output == Size(1, 1), motion.padding == Size(0, 0), kernel == Size(shape[1], shape[2]) {
      return append(.reshape, [append(.mean(axes: [1, 2]), [value], [shape[0], shape[3]])], result)
    }
    return append(.averagePool(window: kernel, motion, .none), [value], result)
  }

  /// Input 0 as a picture, and how the window moves over it.
  func pool() throws(ConversionError) -> (
    source: Computed, picture: Int, kernel: Size, moved: (motion: WindowMotion, output: Size, end: Size)
  ) {
    let source = try computed(0)
    let rank = source.layout.count
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    guard has("kernel_shape") else { throw .badData("kernel_shape is missing") }
    let kernel = try size(integers("kernel_shape"), rank: rank, "kernel_shape")
    let moved = try window(
      input: Size(shape[1], shape[2]), kernel: kernel, stride: size(integers("strides"), rank: rank, "strides"),
      dilation: size(integers("dilations"), rank: rank, "dilations"), rank: rank, roundsUp: integer("ceil_mode") != 0)
    return (source, picture, kernel, moved)
  }

  func importGlobalAveragePool() throws(ConversionError) {
    try expectInputs(1...1)
    let source = try computed(0)
    try reduceMean(source, axes: Array(2..<max(2, source.layout.count)), keepsDimensions: true)
  }

  func importGlobalMaxPool() throws(ConversionError) {
    try expectInputs(1...1)
    let source = try computed(0)
    try reduceMax(source, axes: Array(2..<max(2, source.layout.count)), keepsDimensions: true)
  }

  private func reducedAxes(_ source: Computed) throws(ConversionError) -> [Int]? {
    let rank = source.layout.count
    guard let numbers = try integers("axes", orInput: 1), !numbers.isEmpty else {
      return integer("noop_with_empty_axes") != 0 ? nil : Array(0..<rank)
    }
    return try axes(numbers, rank: rank).sorted()
  }

  func importReduceMean() throws(ConversionError) {
    let source = try computed(0)
    guard let axes = try reducedAxes(source) else { return try define(0, .computed(source)) }
    try reduceMean(source, axes: axes, keepsDimensions: integer("keepdims", default: 1) != 0)
  }

  /// A sum is a mean times the count.
  func importReduceSum() throws(ConversionError) {
    let source = try computed(0)
    guard let axes = try reducedAxes(source) else { return try define(0, .computed(source)) }
    let sizes = shape(source)
    let count = axes.reduce(1) { $0 * sizes[$1] }
    let factor = ScalarFunction([.input, .constant(Float(count)), .binary(.multiply)])
    try reduceMean(source, axes: axes, keepsDimensions: integer("keepdims", default: 1) != 0, then: factor)
  }

  func importReduceMax() throws(ConversionError) {
    let source = try computed(0)
    guard let axes = try reducedAxes(source) else { return try define(0, .computed(source)) }
    try reduceMax(source, axes: axes, keepsDimensions: integer("keepdims", default: 1) != 0)
  }

  /// Reduces stored axes in place; what is kept stays in the order in which it is stored.
  func reduceMean(_ source: Computed, axes: [Int], keepsDimensions: Bool, then function: ScalarFunction? = nil)
    throws(ConversionError)
  {
    let stored = importer.graph.values[source.value].shape
    let places = source.layout.indices.filter { axes.contains(source.layout[$0]) }
    let kept = source.layout.indices.filter { !axes.contains(source.layout[$0]) }
    var shape = kept.map { stored[$0] }
    var value = append(.mean(axes: places), [source.value], shape)
    if let function { value = append(.unary(.scalar(function)), [value], shape) }
    if keepsDimensions {
      shape = stored.indices.map { places.contains($0) ? 1 : stored[$0] }
      return try define(append(.reshape, [value], shape), layout: source.layout)
    }
    // The axes that are left, numbered anew.
    let names = source.layout.indices.filter { !axes.contains($0) }
    try define(value, layout: kept.map { names.firstIndex(of: source.layout[$0])! })
  }

  private func reduceMax(_ source: Computed, axes: [Int], keepsDimensions: Bool) throws(ConversionError) {
    guard source.layout.count == 3 || source.layout.count == 4, axes == Array(2..<source.layout.count) else {
      throw .unsupported("a maximum over the axes \(axes) is not supported, only over height and width")
    }
    let picture = try picture(source)
    let shape = importer.graph.values[picture].shape
    let value = append(
      .maxPool(window: Size(shape[1], shape[2]), WindowMotion(stride: Size(1, 1)), .none), [picture],
      [shape[0], 1, 1, shape[3]])
    guard keepsDimensions else {
      return try define(append(.reshape, [value], [shape[0], shape[3]]), layout: [0, 1], type: source.type)
    }
    try definePicture(value, like: source, type: source.type)
  }
}
