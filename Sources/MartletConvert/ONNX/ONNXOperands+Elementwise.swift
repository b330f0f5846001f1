/// Operators that work element by element.
extension ONNXOperands {
  /// The function of an operator that has only one input and no, or constant, parameters; nil for other operators.
  func scalarFunction() throws(ConversionError) -> ScalarFunction? {
    switch node.opType {
    case "Relu": .clamp(0, .infinity)
    case "Sigmoid": .unary(.sigmoid)
    case "Tanh": .unary(.tanh)
    case "HardSwish": .hardSwish
    case "Softplus": .unary(.softplus)
    case "Softsign": .softsign
    case "Mish": .mish
    case "Abs": .unary(.abs)
    case "Neg": .unary(.negate)
    case "Exp": .unary(.exp)
    case "Log": .unary(.log)
    case "Sqrt": .unary(.sqrt)
    case "Reciprocal": .unary(.reciprocal)
    case "Erf": .unary(.erf)
    case "Sin": .unary(.sin)
    case "Cos": .unary(.cos)
    case "Floor": .unary(.floor)
    case "Ceil": .unary(.ceil)
    case "Round": .unary(.roundToEven)
    case "Sign": .unary(.sign)
    case "LeakyRelu": .leakyRelu(real("alpha", default: 0.01))
    case "Elu": .elu(alpha: real("alpha", default: 1))
    case "Selu": selu()
    case "Celu": .elu(alpha: real("alpha", default: 1), beta: real("alpha", default: 1))
    case "HardSigmoid": .hardSigmoid(alpha: real("alpha", default: 0.2), beta: real("beta", default: 0.5))
    case "ThresholdedRelu": .thresholdedRelu(real("alpha", default: 1))
    case "Swish": .swish(real("alpha", default: 1))
    case "QuickGelu": .swish(real("alpha", default: 1.702))
    case "Gelu": try word("approximate", of: "none", "tanh") == "tanh" ? .geluTanh : .gelu
    default: nil
    }
  }

  private func selu() -> ScalarFunction {
    let (alpha, gamma) = (real("alpha", default: 1.673_263_2), real("gamma", default: 1.050_701))
    return .elu(alpha: alpha, gamma: gamma)
  }

  func importScalar(_ function: ScalarFunction) throws(ConversionError) {
    try expectInputs(1...1)
    try apply(function, to: computed(0))
  }

  private func apply(_ function: ScalarFunction, to source: Computed) throws(ConversionError) {
    guard source.type.isReal else { throw .unsupported("is supported on real numbers only, not on \(source.type)") }
    let shape = importer.graph.values[source.value].shape
    try define(append(.unary(.scalar(function)), [source.value], shape), layout: source.layout)
  }

  func importClip() throws(ConversionError) {
    try expectInputs(1...3)
    func bound(_ name: String, _ index: Int, _ open: Float) throws(ConversionError) -> Float {
      guard hasInput(index) else { return real(name, default: open) }
      guard let first = try requireConstant(index, name).reals.first else { throw .badData("\(name) is empty") }
      return first
    }
    let (low, high) = (try bound("min", 1, -.infinity), try bound("max", 2, .infinity))
    guard !low.isNaN, !high.isNaN else { throw .badData("a bound is not a number") }
    try apply(.clamp(low, high), to: computed(0))
  }

  func importIdentity() throws(ConversionError) {
    guard inputCount >= 1 else { throw .badData("has no input") }
    guard node.output.dropFirst().allSatisfy({ $0.isEmpty || importer.named[$0] == nil }) else {
      throw .unsupported("a mask is not supported")
    }
    if node.opType == "Dropout", hasInput(2) {
      guard try requireConstant(2, "training_mode").integers.allSatisfy({ $0 == 0 }) else {
        throw .unsupported("training mode is not supported")
      }
    }
    try define(0, input(0))
  }

  func importCast() throws(ConversionError) {
    let source = try computed(0)
    var to = ONNXType(rawValue: Int32(truncatingIfNeeded: integer("to", default: 1)))
    if node.opType == "CastLike" {
      switch try input(1) {
      case .constant(let tensor): to = tensor.type
      case .computed(let computed): to = computed.type
      case .refused: throw ConversionError(.unsupported, lines: [])
      }
    }
    guard source.type.isReal, let to, to.isReal else {
      throw .unsupported("a cast from \(source.type) to \(to.map { "\($0)" } ?? "another type") is not supported")
    }
    try define(0, .computed(source))
  }

  // MARK: - Two operands

  func importBinary(_ operation: ScalarFunction.Binary) throws(ConversionError) {
    try expectInputs(2...2)
    let constants = [try constant(0), try constant(1)]
    // One number is part of a function of the other operand.
    for (side, constant) in constants.enumerated() {
      guard let constant, constant.count == 1 else { continue }
      let other = try computed(1 - side)
      guard constant.shape.count <= other.layout.count else { continue }
      let number = ScalarFunction.Step.constant(constant.reals[0])
      return try apply(
        ScalarFunction((side == 0 ? [number, .input] : [.input, number]) + [.binary(operation)]), to: other)
    }
    try combine(try computed(0), try computed(1), operation)
  }

  func importSum() throws(ConversionError) {
    guard inputCount >= 1 else { throw .badData("has no input") }
    if inputCount == 1 { return try define(0, input(0)) }
    guard inputCount == 2 else { throw .unsupported("has \(inputCount) inputs, at most 2 are supported") }
    try importBinary(.add)
  }

  func importExtremum(_ operation: ScalarFunction.Binary) throws(ConversionError) {
    guard inputCount == 2 else {
      guard inputCount == 1 else { throw .unsupported("has \(inputCount) inputs, at most 2 are supported") }
      return try define(0, input(0))
    }
    try importBinary(operation)
  }

  private func combine(_ a: Computed, _ b: Computed, _ operation: ScalarFunction.Binary) throws(ConversionError) {
    guard a.type.isReal, b.type.isReal else {
      throw .unsupported("is supported on real numbers only, not on \(a.type)")
    }
    let rank = max(a.layout.count, b.layout.count)
    // The layout of the operand that is computed, or the larger one, so that few elements move.
    let isConstant = [a, b].map { importer.graph.values[$0.value].constant != nil }
    let leader = b.layout.count == rank && (a.layout.count < rank || isConstant[0] && !isConstant[1]) ? b : a
    let first = try expanded(a, to: leader.layout)
    let second = try expanded(b, to: leader.layout)
    let shapes = [first, second].map { importer.graph.values[$0].shape }
    var result: [Int] = []
    for (x, y) in zip(shapes[0], shapes[1]) {
      guard x == y || x == 1 || y == 1 else {
        throw .badData("shapes \(shape(a)) and \(shape(b)) cannot be broadcast")
      }
      result.append(max(x, y))
    }
    let value: Int
    switch operation {
    case .add: value = append(.add(.none), [first, second], result)
    case .subtract: value = append(.subtract(.none), [first, second], result)
    case .multiply: value = append(.multiply(.none), [first, second], result)
    case .divide:
      let inverse = append(.unary(.scalar(.unary(.reciprocal))), [second], shapes[1])
      value = append(.multiply(.none), [first, inverse], result)
    case .minimum: value = append(.extremum(minimum: true), [first, second], result)
    case .maximum: value = append(.extremum(minimum: false), [first, second], result)
    case .power, .gate:
      throw .unsupported("is supported with one number as one of its operands only")
    }
    try define(value, layout: leader.layout)
  }

  /// With axes of size 1 in front, as broadcasting adds them, and stored in `layout`.
  private func expanded(_ computed: Computed, to layout: [Int]) throws(ConversionError) -> Int {
    let missing = layout.count - computed.layout.count
    if missing == 0 { return arranged(computed, layout) }
    let shape = importer.graph.values[computed.value].shape
    let value = append(.reshape, [computed.value], Array(repeating: 1, count: missing) + shape)
    let axes = Array(0..<missing) + computed.layout.map { $0 + missing }
    return arranged(Computed(value: value, layout: axes, type: computed.type), layout)
  }

  func importPrelu() throws(ConversionError) {
    try expectInputs(2...2)
    let source = try computed(0)
    let slope = try requireConstant(1, "slope")
    if slope.count == 1 { return try apply(.leakyRelu(slope.reals[0]), to: source) }
    let alpha = try computed(1)
    guard alpha.layout.count <= source.layout.count else {
      throw .badData("slope \(slope.shape) has too many dimensions")
    }
    let value = try expanded(alpha, to: source.layout)
    let shapes = [source.value, value].map { importer.graph.values[$0].shape }
    guard zip(shapes[0], shapes[1]).allSatisfy({ $1 == 1 || $1 == $0 }) else {
      throw .badData("slope \(slope.shape) does not fit input \(shape(source))")
    }
    try define(append(.prelu, [source.value, value], shapes[0]), layout: source.layout)
  }

  func importSoftmax() throws(ConversionError) {
    try expectInputs(1...1)
    let source = try computed(0)
    let rank = source.layout.count
    let axis = try axis(integer("axis", default: importer.opset < 13 ? 1 : -1), rank: rank)
    if importer.opset < 13, axis != rank - 1 {
      // Over all axes from `axis` on, together: one if the others have size 1.
      let sizes = shape(source)[axis...]
      guard sizes.filter({ $0 != 1 }).count <= 1, sizes.first != 1 || sizes.allSatisfy({ $0 == 1 }) else {
        throw .unsupported("a softmax over several axes is not supported")
      }
    }
    let layout = source.layout.filter { $0 != axis } + [axis]
    let value = arranged(source, layout)
    try define(append(.softmax(beta: 1), [value], importer.graph.values[value].shape), layout: layout)
  }

  func importArgument(minimum: Bool) throws(ConversionError) {
    try expectInputs(1...1)
    guard integer("select_last_index") == 0 else { throw .unsupported("select_last_index is not supported") }
    let source = try computed(0)
    let rank = source.layout.count
    let axis = try axis(integer("axis"), rank: rank)
    let value = arranged(source, Array(0..<rank))
    var result = importer.graph.values[value].shape
    result.remove(at: axis)
    let found = append(.argument(axis: axis, minimum: minimum), [value], result, type: .int64)
    guard integer("keepdims", default: 1) != 0 else {
      return try define(found, layout: Array(result.indices), type: .int64)
    }
    result.insert(1, at: axis)
    try define(append(.reshape, [found], result, type: .int64), layout: Array(0..<rank), type: .int64)
  }
}
