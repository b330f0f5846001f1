import Foundation

/// What a node computes from constants alone: the chains of shapes, indices and numbers that exporters write.
struct ONNXFolding {
  private let operands: ONNXOperands

  init(_ operands: ONNXOperands) { self.operands = operands }

  static func isKnown(_ name: String) -> Bool { names.contains(name) }

  private static let names: Set<String> = [
    "Constant", "ConstantOfShape", "Shape", "Size", "Gather", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Concat",
    "Slice", "Transpose", "Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Pow", "Floor", "Ceil", "Neg", "Abs", "Sqrt",
    "Range", "Equal", "Greater", "Less", "Not", "And", "Or", "Where", "Expand", "Tile", "ReduceProd", "ReduceSum",
    "ReduceMin", "ReduceMax", "Identity", "Flatten", "Reciprocal", "Round", "Split",
  ]

  /// Whether a result shares its memory with the input, or is in the file.
  static func isView(_ name: String) -> Bool {
    ["Constant", "Identity", "Reshape", "Flatten", "Unsqueeze", "Squeeze"].contains(name)
  }

  /// nil if the node is not folded after all.
  func results() throws(ConversionError) -> [ONNXTensor]? {
    switch operands.node.opType {
    case "Shape": return [try shape()]
    case "Size":
      let sizes = try inputShape()
      let count = ONNXTensor.count(sizes, limit: .max) ?? .max
      return [ONNXTensor(integers: [Int64(count)], shape: [])]
    case "Constant": return [try constant()]
    case "ConstantOfShape": return [try constantOfShape()]
    case "Split": return nil
    default: break
    }
    guard operands.inputCount <= ConversionLimits.operandsPerOperator else {
      throw .unsupported("has \(operands.inputCount) inputs, at most \(ConversionLimits.operandsPerOperator)")
    }
    var inputs: [ONNXTensor] = []
    for index in 0..<operands.inputCount where operands.hasInput(index) {
      inputs.append(try operands.requireConstant(index, "input"))
    }
    guard let first = inputs.first else { throw .badData("has no input") }
    // A quantized constant stays with the operators that know what to do with it.
    guard inputs.allSatisfy({ $0.quantization == nil && $0.count <= ConversionLimits.foldedElements })
    else { return nil }
    if !Self.isView(operands.node.opType) {
      try operands.importer.spend(work: inputs.reduce(0) { $0 + $1.count })
    }
    return [try result(first, inputs)]
  }

  private func result(_ first: ONNXTensor, _ inputs: [ONNXTensor]) throws(ConversionError) -> ONNXTensor {
    let name = operands.node.opType
    func need(_ count: Int) throws(ConversionError) {
      guard inputs.count >= count else { throw .badData("has \(inputs.count) inputs, expected \(count)") }
    }
    switch name {
    case "Identity": return first
    case "Cast": return try cast(first)
    case "Reshape":
      try need(2)
      let wanted = inputs[1].integers.map(ONNXOperands.bounded)
      let shape = try ONNXOperands.resolved(wanted, first.shape, keepsZero: operands.integer("allowzero") != 0)
      try checkResult(shape)
      guard shape.reduce(1, *) == first.count else { throw .badData("shape \(first.shape) cannot become \(shape)") }
      return first.reshaped(shape)
    case "Flatten":
      let axis = operands.integer("axis", default: 1)
      let place = axis < 0 ? axis + first.shape.count : axis
      guard (0...first.shape.count).contains(place) else { throw .badData("axis \(axis) is not valid") }
      return first.reshaped([first.shape[..<place].reduce(1, *), first.shape[place...].reduce(1, *)])
    case "Unsqueeze": return try unsqueeze(first)
    case "Squeeze": return try squeeze(first)
    case "Transpose":
      let rank = first.shape.count
      let axes = try operands.axes(operands.integers("perm") ?? Array((0..<rank).reversed()), rank: rank)
      guard axes.count == rank else { throw .badData("perm \(axes) does not fit \(rank) dimensions") }
      return first.viewed(StridedView.dense(first.shape).permuted(axes))
    case "Concat": return try concat(inputs)
    case "Gather":
      try need(2)
      return try gather(first, inputs[1])
    case "Slice": return try slice(first)
    case "Range":
      try need(3)
      return try range(inputs)
    case "Where":
      try need(3)
      return try select(inputs)
    case "Expand", "Tile":
      try need(2)
      return try repeated(first, inputs[1].integers.map(ONNXOperands.bounded))
    case "ReduceProd", "ReduceSum", "ReduceMin", "ReduceMax": return try reduce(first)
    case "Floor": return map(first) { $0.rounded(.down) }
    case "Ceil": return map(first) { $0.rounded(.up) }
    case "Round": return map(first) { $0.rounded(.toNearestOrEven) }
    case "Neg": return map(first) { -$0 }
    case "Abs": return map(first) { abs($0) }
    case "Sqrt": return map(first) { $0.squareRoot() }
    case "Reciprocal": return map(first) { 1 / $0 }
    case "Not": return map(first) { $0 == 0 ? 1 : 0 }
    default:
      var result = first
      if inputs.count == 1 { return first }
      for other in inputs.dropFirst() { result = try binary(result, other) }
      return result
    }
  }

  // MARK: - Shapes and numbers

  private func inputShape() throws(ConversionError) -> [Int] {
    switch try operands.input(0) {
    case .constant(let tensor): return tensor.shape
    case .computed(let computed): return operands.shape(computed)
    case .refused: throw ConversionError(.unsupported, lines: [])
    }
  }

  private func shape() throws(ConversionError) -> ONNXTensor {
    let sizes = try inputShape()
    func bounded(_ number: Int) -> Int { min(max(number < 0 ? number + sizes.count : number, 0), sizes.count) }
    let start = bounded(operands.integer("start"))
    let end = max(start, bounded(operands.integer("end", default: sizes.count)))
    return ONNXTensor(integers: sizes[start..<end].map { Int64($0) }, shape: [end - start])
  }

  private func constant() throws(ConversionError) -> ONNXTensor {
    if let tensor = try operands.tensor("value") { return tensor }
    if operands.has("value_float") { return ONNXTensor(reals: [operands.real("value_float", default: 0)], shape: []) }
    if let reals = operands.reals("value_floats"), !reals.isEmpty {
      return ONNXTensor(reals: reals, shape: [reals.count])
    }
    if operands.has("value_int") { return ONNXTensor(integers: [Int64(operands.integer("value_int"))], shape: []) }
    if let numbers = operands.integers("value_ints") {
      return ONNXTensor(integers: numbers.map { Int64($0) }, shape: [numbers.count])
    }
    throw .unsupported("holds no numbers")
  }

  /// Whether a result of this shape may be made; before it is.
  private func checkResult(_ shape: [Int]) throws(ConversionError) {
    guard shape.count <= ConversionLimits.sourceRank else {
      throw .unsupported("the result has \(shape.count) dimensions, at most \(ConversionLimits.sourceRank)")
    }
    guard let count = ONNXTensor.count(shape, limit: ConversionLimits.foldedElements) else {
      throw .unsupported("the result of shape \(shape) has more than \(ConversionLimits.foldedElements) elements")
    }
    try operands.importer.spend(work: count)
  }

  private func constantOfShape() throws(ConversionError) -> ONNXTensor {
    let shape = try operands.requireConstant(0, "shape").integers.map(ONNXOperands.bounded)
    guard shape.allSatisfy({ $0 >= 0 }) else { throw .badData("shape \(shape) is not valid") }
    try checkResult(shape)
    let value = try operands.tensor("value") ?? ONNXTensor(reals: [0], shape: [1])
    guard value.count == 1 else { throw .badData("the value is not one number") }
    let count = shape.reduce(1, *)
    switch value.elements {
    case .reals(let values): return ONNXTensor(value.type, shape, .reals(Array(repeating: values[0], count: count)))
    case .integers(let values):
      return ONNXTensor(value.type, shape, .integers(Array(repeating: values[0], count: count)))
    }
  }

  private func cast(_ tensor: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    guard let type = ONNXType(rawValue: Int32(truncatingIfNeeded: operands.integer("to"))), type != .string else {
      throw .unsupported("a cast to type \(operands.integer("to")) is not supported")
    }
    if type.isReal { return ONNXTensor(type, tensor.shape, .reals(tensor.reals)) }
    let integers = type == .bool ? tensor.reals.map { $0 != 0 ? Int64(1) : 0 } : tensor.integers
    return ONNXTensor(type, tensor.shape, .integers(integers))
  }

  // MARK: - Moving

  private func unsqueeze(_ tensor: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    guard let numbers = try operands.integers("axes", orInput: 1) else { throw .badData("axes are missing") }
    let rank = tensor.shape.count + numbers.count
    guard rank <= ConversionLimits.sourceRank else { throw .unsupported("the result has \(rank) dimensions") }
    let axes = try operands.axes(numbers, rank: rank)
    var rest = tensor.shape.makeIterator()
    return tensor.reshaped((0..<rank).map { axes.contains($0) ? 1 : rest.next() ?? 1 })
  }

  private func squeeze(_ tensor: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    let sizes = tensor.shape
    var axes = sizes.indices.filter { sizes[$0] == 1 }
    if let numbers = try operands.integers("axes", orInput: 1) { axes = try operands.axes(numbers, rank: sizes.count) }
    guard axes.allSatisfy({ sizes[$0] == 1 }) else { throw .badData("axes \(axes) of shape \(sizes) are not all 1") }
    return tensor.reshaped(sizes.indices.filter { !axes.contains($0) }.map { sizes[$0] })
  }

  private func concat(_ inputs: [ONNXTensor]) throws(ConversionError) -> ONNXTensor {
    let axis = try operands.axis(operands.integer("axis", default: 1), rank: inputs[0].shape.count)
    var shape = inputs[0].shape
    shape[axis] = 0
    for input in inputs {
      guard input.shape.count == shape.count, input.isReal == inputs[0].isReal,
        shape.indices.allSatisfy({ $0 == axis || shape[$0] == input.shape[$0] })
      else { throw .badData("shape \(input.shape) does not fit \(inputs[0].shape) along axis \(axis)") }
      shape[axis] += input.shape[axis]
    }
    try checkResult(shape)
    // Empty ones add nothing, and their rows would be walked one by one.
    let parts = inputs.filter { $0.count > 0 }
    func joined<T>(_ elements: [[T]]) -> [T] {
      let outer = parts.isEmpty ? 0 : shape[..<axis].reduce(1, *)
      let lengths = parts.map { $0.shape[axis...].reduce(1, *) }
      return (0..<outer).flatMap { row in zip(elements, lengths).flatMap { $0[row * $1..<(row + 1) * $1] } }
    }
    let elements: ONNXTensor.Elements =
      inputs[0].isReal ? .reals(joined(parts.map(\.reals))) : .integers(joined(parts.map(\.integers)))
    return ONNXTensor(inputs[0].type, shape, elements)
  }

  private func gather(_ tensor: ONNXTensor, _ indices: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    let axis = try operands.axis(operands.integer("axis"), rank: tensor.shape.count)
    let size = tensor.shape[axis]
    let shape = Array(tensor.shape[..<axis] + indices.shape + tensor.shape[(axis + 1)...])
    try checkResult(shape)
    let places = indices.integers.map(ONNXOperands.bounded).map { $0 < 0 ? $0 + size : $0 }
    guard places.allSatisfy({ $0 >= 0 && $0 < size }) else { throw .badData("an index is not in 0..<\(size)") }
    let (outer, inner) = (tensor.shape[..<axis].reduce(1, *), tensor.shape[(axis + 1)...].reduce(1, *))
    // Rows of nothing would be walked one by one.
    guard !shape.contains(0) else { return tensor.gathered([], shape: shape) }
    let elements = (0..<outer).flatMap { o in places.flatMap { p in (0..<inner).map { (o * size + p) * inner + $0 } } }
    return tensor.gathered(elements, shape: shape)
  }

  private func slice(_ tensor: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    var view = StridedView.dense(tensor.shape)
    for (axis, part) in try ONNXOperands.parts(operands, tensor.shape) {
      view.offset += part.start * view.strides[axis]
      view.strides[axis] *= part.step
      view.shape[axis] = part.size
    }
    return tensor.viewed(view)
  }

  private func repeated(_ tensor: ONNXTensor, _ numbers: [Int]) throws(ConversionError) -> ONNXTensor {
    let isTile = operands.node.opType == "Tile"
    let rank = max(tensor.shape.count, numbers.count)
    let padded = Array(repeating: 1, count: rank - tensor.shape.count) + tensor.shape
    let factors = Array(repeating: 1, count: rank - numbers.count) + numbers
    var shape: [Int] = []
    for (size, factor) in zip(padded, factors) {
      guard factor >= 0, isTile || size == 1 || factor == 1 || size == factor else {
        throw .badData("shape \(tensor.shape) cannot be repeated to \(numbers)")
      }
      shape.append(isTile ? size * min(factor, 1 << 30) : factor == 1 ? size : factor)
    }
    try checkResult(shape)
    guard !isTile else {
      let strides = StridedView.denseStrides(padded)
      let indices = StridedView.dense(shape).indices.map { index -> Int in
        var (rest, element) = (index, 0)
        for axis in shape.indices.reversed() {
          element += rest % shape[axis] % padded[axis] * strides[axis]
          rest /= shape[axis]
        }
        return element
      }
      return tensor.gathered(indices, shape: shape)
    }
    return tensor.viewed(.broadcast(tensor.shape, to: shape))
  }

  // MARK: - Arithmetic

  private func map(_ tensor: ONNXTensor, _ function: (Double) -> Double) -> ONNXTensor {
    switch tensor.elements {
    case .reals(let values): ONNXTensor(tensor.type, tensor.shape, .reals(values.map { Float(function(Double($0))) }))
    case .integers(let values):
      ONNXTensor(tensor.type, tensor.shape, .integers(values.map { Self.integer(function(Double($0))) }))
    }
  }

  private static func integer(_ x: Double) -> Int64 { Int64(exactly: x.rounded(.towardZero)) ?? 0 }

  /// All in the shape that they have together.
  private func broadcast(_ tensors: [ONNXTensor]) throws(ConversionError) -> [ONNXTensor] {
    let rank = tensors.map(\.shape.count).max() ?? 0
    var shape = Array(repeating: 1, count: rank)
    for tensor in tensors {
      for (axis, size) in tensor.shape.enumerated() {
        let place = axis + rank - tensor.shape.count
        guard size == shape[place] || size == 1 || shape[place] == 1 else {
          throw .badData("shapes cannot be broadcast")
        }
        if shape[place] == 1 { shape[place] = size }
      }
    }
    try checkResult(shape)
    return tensors.map { $0.shape == shape ? $0 : $0.viewed(.broadcast($0.shape, to: shape)) }
  }

  private func binary(_ a: ONNXTensor, _ b: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    let both = try broadcast([a, b])
    let shape = both[0].shape
    let name = operands.node.opType
    let compares = ["Equal", "Greater", "Less", "And", "Or"].contains(name)
    if !a.isReal, !b.isReal {
      var result: [Int64] = []
      result.reserveCapacity(both[0].count)
      let isRemainder = name == "Mod" && operands.integer("fmod") != 0
      for (x, y) in zip(both[0].integers, both[1].integers) {
        result.append(try Self.integer(isRemainder ? "Remainder" : name, x, y))
      }
      return ONNXTensor(integers: result, shape: shape, type: compares ? .bool : a.type)
    }
    if name == "Mod", operands.integer("fmod") == 0 { throw .badData("fmod is not set, for real numbers") }
    var result: [Float] = []
    result.reserveCapacity(both[0].count)
    for (x, y) in zip(both[0].reals, both[1].reals) { result.append(Float(try Self.real(name, Double(x), Double(y)))) }
    if compares { return ONNXTensor(integers: result.map { Int64($0) }, shape: shape, type: .bool) }
    return ONNXTensor(reals: result, shape: shape)
  }

  private static func real(_ name: String, _ a: Double, _ b: Double) throws(ConversionError) -> Double {
    switch name {
    case "Add": a + b
    case "Sub": a - b
    case "Mul": a * b
    case "Div": a / b
    case "Min": ScalarFunction.minimum(a, b)
    case "Max": ScalarFunction.maximum(a, b)
    case "Pow": pow(a, b)
    case "Mod": fmod(a, b)
    case "Equal": a == b ? 1 : 0
    case "Greater": a > b ? 1 : 0
    case "Less": a < b ? 1 : 0
    case "And": a != 0 && b != 0 ? 1 : 0
    case "Or": a != 0 || b != 0 ? 1 : 0
    default: throw .unsupported("this operator is not supported on constants")
    }
  }

  private static func integer(_ name: String, _ a: Int64, _ b: Int64) throws(ConversionError) -> Int64 {
    switch name {
    case "Add": return a &+ b
    case "Sub": return a &- b
    case "Mul": return a &* b
    case "Div", "Mod", "Remainder":
      guard b != 0, !(a == .min && b == -1) else { throw .badData("divides by zero") }
      // Mod has the sign of the divisor, unless it is fmod.
      return name == "Div" ? a / b : name == "Mod" ? (a % b &+ b) % b : a % b
    default: return integer(try real(name, Double(a), Double(b)))
    }
  }

  private func select(_ inputs: [ONNXTensor]) throws(ConversionError) -> ONNXTensor {
    let all = try broadcast(Array(inputs.prefix(3)))
    let condition = all[0].integers
    if inputs[1].isReal {
      let (x, y) = (all[1].reals, all[2].reals)
      return ONNXTensor(reals: condition.indices.map { condition[$0] != 0 ? x[$0] : y[$0] }, shape: all[0].shape)
    }
    let (x, y) = (all[1].integers, all[2].integers)
    return ONNXTensor(
      integers: condition.indices.map { condition[$0] != 0 ? x[$0] : y[$0] }, shape: all[0].shape, type: inputs[1].type)
  }

  private func range(_ inputs: [ONNXTensor]) throws(ConversionError) -> ONNXTensor {
    let numbers = inputs.prefix(3).compactMap { $0.reals.first.map(Double.init) }
    guard numbers.count == 3, numbers[2] != 0, numbers.allSatisfy(\.isFinite) else {
      throw .badData("the range is not valid")
    }
    let count = max(0, ((numbers[1] - numbers[0]) / numbers[2]).rounded(.up))
    guard count <= Double(ConversionLimits.foldedElements) else { throw .unsupported("the range is too long") }
    let values = (0..<Int(count)).map { numbers[0] + Double($0) * numbers[2] }
    if inputs[0].isReal { return ONNXTensor(reals: values.map { Float($0) }, shape: [values.count]) }
    return ONNXTensor(integers: values.map { Self.integer($0) }, shape: [values.count], type: inputs[0].type)
  }

  private func reduce(_ tensor: ONNXTensor) throws(ConversionError) -> ONNXTensor {
    let rank = tensor.shape.count
    var axes = Array(0..<rank)
    if let numbers = try operands.integers("axes", orInput: 1), !numbers.isEmpty {
      axes = try operands.axes(numbers, rank: rank)
    } else if operands.integer("noop_with_empty_axes") != 0 {
      return tensor
    }
    let kept = (0..<rank).filter { !axes.contains($0) }
    let shape =
      operands.integer("keepdims", default: 1) != 0
      ? tensor.shape.indices.map { axes.contains($0) ? 1 : tensor.shape[$0] } : kept.map { tensor.shape[$0] }
    try checkResult(shape)
    let strides = StridedView.denseStrides(tensor.shape)
    func view(_ axes: [Int]) -> [Int] {
      StridedView(shape: axes.map { tensor.shape[$0] }, strides: axes.map { strides[$0] }).indices
    }
    let (outer, inner) = (view(kept), tensor.count == 0 ? [] : view(axes))
    let values = tensor.reals
    let name = operands.node.opType
    let result = outer.map { start -> Double in
      let row = inner.lazy.map { Double(values[start + $0]) }
      switch name {
      case "ReduceProd": return row.reduce(1, *)
      case "ReduceSum": return row.reduce(0, +)
      case "ReduceMin": return row.min() ?? .infinity
      default: return row.max() ?? -.infinity
      }
    }
    if tensor.isReal { return ONNXTensor(tensor.type, shape, .reals(result.map { Float($0) })) }
    return ONNXTensor(tensor.type, shape, .integers(result.map { Self.integer($0) }))
  }
}
