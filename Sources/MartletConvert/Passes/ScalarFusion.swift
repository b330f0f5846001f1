/// Whatever an exporter writes for an activation (x * sigmoid(x), x * clip(x + 3, 0, 6) / 6, erf forms of GELU, ...) is
/// one function of one number: the nodes between become one, and so one table on the device.
enum ScalarFusion {
  static func run(_ graph: inout Graph) {
    let uses = GraphUses(graph)
    // What each value is of which other.
    var known: [Int: (root: Int, function: ScalarFunction)] = [:]
    func function(of value: Int) -> (root: Int, function: ScalarFunction) {
      known[value] ?? (value, .identity)
    }
    /// A value may vanish into its reader if the model does not quantize it. A clamp behind a convolution or the like
    /// stays: it costs nothing there, and what it cuts off widens no range.
    func isInner(_ value: Int) -> Bool {
      guard !uses.isOutput[value], graph.values[value].quantization == nil else { return false }
      guard let node = uses.producer[value], case .unary(let function) = graph.nodes[node].operation,
        function.scalar.clampBounds != nil, let input = graph.nodes[node].inputs[0], let before = uses.producer[input]
      else { return true }
      return !graph.nodes[before].operation.clamps
    }
    for (index, node) in graph.nodes.enumerated() {
      let result = node.outputs[0]
      if case .unary(let outer) = node.operation {
        guard let input = node.inputs[0], graph.values[input].constant == nil else { continue }
        let inner = isInner(input) ? function(of: input) : (input, .identity)
        known[result] = inner.1.followed(by: outer.scalar).map { (inner.0, $0) } ?? (input, outer.scalar)
      } else if let arithmetic = node.operation.traits.arithmetic {
        guard let a = node.inputs[0], let b = node.inputs[1], graph.values[a].constant == nil,
          graph.values[b].constant == nil, graph.values[a].shape == graph.values[b].shape
        else { continue }
        let first = isInner(a) ? function(of: a) : (a, .identity)
        let second = isInner(b) ? function(of: b) : (b, .identity)
        // The root itself may be one of the two.
        let candidates = [(first, second), ((a, .identity), second), (first, (b, .identity))]
        guard let (x, y) = candidates.first(where: { $0.0.0 == $0.1.0 }),
          let joined = ScalarFunction.joined(x.1, y.1, arithmetic.scalar)
        else { continue }
        known[result] = (x.0, joined)
      }
      guard let found = known[result], graph.values[found.root].shape == graph.values[result].shape else { continue }
      graph.nodes[index].operation = .unary(.scalar(found.function))
      graph.nodes[index].inputs = [found.root]
    }
    Passes.removeDeadNodes(&graph)
  }
}

extension Operation.Arithmetic {
  fileprivate var scalar: ScalarFunction.Binary {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    }
  }
}

extension ScalarFunction {
  /// a and b, if the function is a * x + b.
  var affine: (factor: Double, summand: Double)? {
    guard steps.count < 16, !steps.contains(where: { if case .unary = $0 { true } else { false } }) else { return nil }
    // Each entry of the stack is a * x + b.
    var stack: [(a: Double, b: Double)] = []
    for step in steps {
      switch step {
      case .input: stack.append((1, 0))
      case .constant(let value): stack.append((0, Double(value)))
      case .unary: return nil
      case .binary(let operation):
        let y = stack.removeLast()
        let x = stack.removeLast()
        switch operation {
        case .add: stack.append((x.a + y.a, x.b + y.b))
        case .subtract: stack.append((x.a - y.a, x.b - y.b))
        case .multiply where y.a == 0: stack.append((x.a * y.b, x.b * y.b))
        case .multiply where x.a == 0: stack.append((y.a * x.b, y.b * x.b))
        case .divide where y.a == 0 && y.b != 0: stack.append((x.a / y.b, x.b / y.b))
        case .multiply, .divide, .minimum, .maximum, .power, .gate: return nil
        }
      }
    }
    guard stack.count == 1, stack[0].a.isFinite, stack[0].b.isFinite else { return nil }
    return (stack[0].a, stack[0].b)
  }
}
