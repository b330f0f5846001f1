/// The kernels subtract one zero point from all weights of an operator. Where each channel has its own, they get a
/// common one here, so that every difference of weight and zero point, and so every sum, stays what it was.
///
/// Such a difference has up to nine bits. Where no zero point brings all of them into int8, each is written as a sum of
/// two (or three) that fit: the layer then reads every input element as often, from an input whose rows, or depth, are
/// repeated.
enum WeightZeroPoints {
  static func run(_ graph: inout Graph) throws(ConversionError) {
    var nodes: [Node] = []
    for node in graph.nodes {
      let rewritten = try rewrite(node, &graph)
      nodes += rewritten ?? [node]
    }
    graph.nodes = nodes
  }

  /// nil for a node that has one zero point already.
  private static func rewrite(_ node: Node, _ graph: inout Graph) throws(ConversionError) -> [Node]? {
    guard let layer = node.operation.layer, let input = node.inputs[0], let index = node.inputs[1],
      let quantization = graph.values[index].quantization, let bytes = graph.values[index].constant,
      quantization.zeroPoints.contains(where: { $0 != quantization.zeroPoints[0] })
    else { return nil }
    var weights = graph.values[index]
    let (channels, inner) = node.operation.weightLayout(weights.shape)
    let differences = bytes.enumerated().map { place, byte in
      Int(Int8(bitPattern: byte)) - Int(quantization.zeroPoints[place / inner % channels])
    }
    let (copies, zeroPoint) = try split(differences.min() ?? 0, differences.max() ?? 0, node)
    let layout = Repetition(layer, shape: weights.shape)
    var result = node
    if copies > 1 {
      result.operation = Operation(try layout.repeated(layer, copies: copies), node.operation.activation)
    }
    let count = layout.weightsShape(copies: copies).reduce(1, *)
    guard count <= ConversionLimits.weightsBytes else { throw .badData("\(node.origin.description): \(count) weights") }
    weights.constant = ArraySlice(
      layout.weights(differences, copies: copies, lowest: -128 - zeroPoint, highest: 127 - zeroPoint).map {
        UInt8(bitPattern: Int8($0 + zeroPoint))
      })
    weights.shape = layout.weightsShape(copies: copies)
    weights.quantization?.zeroPoints = quantization.zeroPoints.map { _ in Int32(zeroPoint) }
    graph.values.append(weights)
    result.inputs[1] = graph.values.count - 1
    guard copies > 1 else { return [result] }

    let source = graph.values[input]
    let row = layout.rowSize(source.shape)
    func value(_ shape: [Int]) -> Int {
      var value = source
      (value.shape, value.constant) = (shape, nil)
      graph.values.append(value)
      return graph.values.count - 1
    }
    let rows = value([source.count / row, row])
    let joined = value([source.count / row, copies * row])
    let repeated = value(layout.inputShape(source.shape, copies: copies))
    result.inputs[0] = repeated
    return [
      Node(operation: .reshape, inputs: [input], outputs: [rows], origin: node.origin),
      Node(
        operation: .concatenation(axis: 1, .none), inputs: Array(repeating: rows, count: copies), outputs: [joined],
        origin: node.origin),
      Node(operation: .reshape, inputs: [joined], outputs: [repeated], origin: node.origin),
      result,
    ]
  }

  /// The fewest summands, and the zero point nearest to 0, with which int8 reaches both ends: three always do.
  private static func split(_ lowest: Int, _ highest: Int, _ node: Node) throws(ConversionError) -> (
    copies: Int, zeroPoint: Int
  ) {
    for copies in 1...3 {
      for distance in 0...128 {
        for zeroPoint in [-distance, distance] where zeroPoint <= 127 {
          let range = copies * (-128 - zeroPoint)...copies * (127 - zeroPoint)
          if range.contains(lowest), range.contains(highest) { return (copies, zeroPoint) }
        }
      }
    }
    throw .badData("\(node.origin.description): weights less their zero points lie in \(lowest)...\(highest)")
  }
}

/// Where a layer finds its input elements several times in a row.
private enum Repetition {
  /// A kernel of [outer, height, row] whose rows read as many copies of an input row; dilated rows are written out.
  case rows(outer: Int, height: Int, dilation: Int, row: [Int])
  /// Weights [outer..., depth].
  case depth(outer: [Int], depth: Int)

  init(_ layer: Operation.Layer, shape: [Int]) {
    switch layer {
    case .depthwise(let motion, _):
      self = .rows(outer: shape[0], height: shape[1], dilation: motion.dilation.height, row: Array(shape[2...]))
    // The depth of each group would have to be repeated by itself.
    case .convolution(let motion, let groups) where groups > 1:
      self = .rows(outer: shape[0], height: shape[1], dilation: motion.dilation.height, row: Array(shape[2...]))
    case .convolution, .fullyConnected, .transposedConvolution:
      self = .depth(outer: shape.dropLast(), depth: shape.last ?? 1)
    }
  }

  /// Rows of the kernel before they are repeated, with those that a dilation leaves out.
  private var extent: Int {
    switch self {
    case .rows(_, let height, let dilation, _): (height - 1) * dilation + 1
    case .depth: 1
    }
  }

  func weightsShape(copies: Int) -> [Int] {
    switch self {
    case .rows(let outer, let height, _, let row): [outer, copies > 1 ? copies * extent : height] + row
    case .depth(let outer, let depth): outer + [copies * depth]
    }
  }

  /// Each difference as `copies` summands in `lowest...highest`, of one sign, so that no partial sum grows.
  func weights(_ differences: [Int], copies: Int, lowest: Int, highest: Int) -> [Int] {
    guard copies > 1 else { return differences }
    let (outer, height, dilation, row) =
      switch self {
      case .rows(let outer, let height, let dilation, let row): (outer, height, dilation, row.reduce(1, *))
      case .depth(let outer, let depth): (outer.reduce(1, *), 1, 1, depth)
      }
    var result: [Int] = []
    result.reserveCapacity(outer * extent * copies * row)
    for index in 0..<outer {
      for y in 0..<extent {
        guard y % dilation == 0 else {
          result += Array(repeating: 0, count: copies * row)
          continue
        }
        let start = (index * height + y / dilation) * row
        var rest = Array(differences[start..<start + row])
        for _ in 0..<copies {
          let part = rest.map { min(max($0, lowest), highest) }
          result += part
          for place in rest.indices { rest[place] -= part[place] }
        }
      }
    }
    return result
  }

  /// How many elements of the input are repeated together.
  func rowSize(_ shape: [Int]) -> Int {
    switch self {
    case .rows: shape[2] * shape[3]
    case .depth(_, let depth): depth
    }
  }

  func inputShape(_ shape: [Int], copies: Int) -> [Int] {
    switch self {
    case .rows: [shape[0], copies * shape[1], shape[2], shape[3]]
    case .depth(_, let depth): shape.dropLast() + [copies * (shape.last ?? depth)]
    }
  }

  func repeated(_ layer: Operation.Layer, copies: Int) throws(ConversionError) -> Operation.Layer {
    guard case .rows = self else { return layer }
    func moved(_ motion: WindowMotion) throws(ConversionError) -> WindowMotion {
      var motion = motion
      motion.stride.height *= copies
      motion.padding.height *= copies
      motion.dilation.height = 1
      guard max(motion.stride.height, motion.padding.height, copies * extent) <= ConversionLimits.window else {
        throw .unsupported("a zero point for each channel of weights is not supported in windows of this size")
      }
      return motion
    }
    return switch layer {
    case .convolution(let motion, let groups): .convolution(try moved(motion), groups: groups)
    case .depthwise(let motion, let multiplier): .depthwise(try moved(motion), multiplier: multiplier)
    case .fullyConnected, .transposedConvolution: layer
    }
  }
}
