import Foundation

/// A function of one real number, as a program for a stack. On the device it becomes a table of 256 bytes, however many
/// nodes of the source it stands for.
public struct ScalarFunction: Equatable, Sendable {
  public enum Unary: Equatable, Sendable {
    case abs, negate, exp, log, sqrt, reciprocal, square, erf, sigmoid, tanh, softplus, sin, cos
    case floor, ceil, roundToEven, sign
  }

  public enum Binary: Equatable, Sendable {
    case add, subtract, multiply, divide, minimum, maximum, power
    /// The first where the second is positive, else 0.
    case gate
  }

  public enum Step: Equatable, Sendable {
    case input
    case constant(Float)
    case unary(Unary)
    case binary(Binary)
  }

  public private(set) var steps: [Step]

  /// More steps than any activation needs; composing stops here.
  static let maxSteps = 96

  init(_ steps: [Step]) { self.steps = steps }

  static let identity = ScalarFunction([.input])

  static func unary(_ operation: Unary) -> ScalarFunction { ScalarFunction([.input, .unary(operation)]) }

  static func clamp(_ low: Float, _ high: Float) -> ScalarFunction {
    ScalarFunction([.input, .constant(low), .binary(.maximum), .constant(high), .binary(.minimum)])
  }

  /// `self` first, then `next`; nil if that grows too long.
  func followed(by next: ScalarFunction) -> ScalarFunction? {
    var result: [Step] = []
    for step in next.steps {
      if step == .input { result += steps } else { result.append(step) }
      if result.count > Self.maxSteps { return nil }
    }
    return ScalarFunction(result)
  }

  /// Of two functions of the same number; nil if that grows too long.
  static func joined(_ a: ScalarFunction, _ b: ScalarFunction, _ operation: Binary) -> ScalarFunction? {
    guard a.steps.count + b.steps.count < maxSteps else { return nil }
    return ScalarFunction(a.steps + b.steps + [.binary(operation)])
  }

  /// The bounds, if the function does nothing but clamp.
  var clampBounds: ClosedRange<Float>? {
    guard steps.first == .input, steps.count > 1 else { return nil }
    var (low, high) = (-Float.infinity, Float.infinity)
    for index in stride(from: 1, to: steps.count, by: 2) {
      guard index + 1 < steps.count, case .constant(let bound) = steps[index], !bound.isNaN else { return nil }
      switch steps[index + 1] {
      case .binary(.maximum): (low, high) = (max(low, bound), max(high, bound))
      case .binary(.minimum): (low, high) = (min(low, bound), min(high, bound))
      case .input, .constant, .unary, .binary: return nil
      }
    }
    return low...high
  }

  // MARK: - Evaluation

  func callAsFunction(_ x: Double) -> Double {
    var result = [x]
    evaluate(&result)
    return result[0]
  }

  /// Replaces each number by the function's value there.
  func apply(to values: inout [Float]) {
    let chunk = 1024
    var buffer: [Double] = []
    for first in stride(from: 0, to: values.count, by: chunk) {
      let range = first..<min(first + chunk, values.count)
      buffer.removeAll(keepingCapacity: true)
      for index in range { buffer.append(Double(values[index])) }
      evaluate(&buffer)
      for index in range { values[index] = Float(buffer[index - first]) }
    }
  }

  private func evaluate(_ values: inout [Double]) {
    let input = values
    var stack: [[Double]] = []
    for step in steps {
      switch step {
      case .input: stack.append(input)
      case .constant(let value): stack.append(Array(repeating: Double(value), count: input.count))
      case .unary(let operation):
        let top = stack.count - 1
        for index in stack[top].indices { stack[top][index] = Self.value(operation, stack[top][index]) }
      case .binary(let operation):
        let second = stack.removeLast()
        let top = stack.count - 1
        for index in second.indices { stack[top][index] = Self.value(operation, stack[top][index], second[index]) }
      }
    }
    values = stack.last ?? input
  }

  private static func value(_ operation: Unary, _ x: Double) -> Double {
    switch operation {
    case .abs: Swift.abs(x)
    case .negate: -x
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .sqrt: x.squareRoot()
    case .reciprocal: 1 / x
    case .square: x * x
    case .erf: Foundation.erf(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .tanh: Foundation.tanh(x)
    case .softplus: x > 30 ? x : Foundation.log1p(Foundation.exp(x))
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .roundToEven: x.rounded(.toNearestOrEven)
    case .sign: x > 0 ? 1 : x < 0 ? -1 : x
    }
  }

  static func value(_ operation: Binary, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .minimum: minimum(a, b)
    case .maximum: maximum(a, b)
    case .power: pow(a, b)
    case .gate: b > 0 ? a : 0
    }
  }

  /// As ONNX has it: not a number if one of the two is none. Swift's own depends on their order then.
  static func minimum<Real: BinaryFloatingPoint>(_ a: Real, _ b: Real) -> Real {
    a.isNaN || b.isNaN ? .nan : min(a, b)
  }

  static func maximum<Real: BinaryFloatingPoint>(_ a: Real, _ b: Real) -> Real {
    a.isNaN || b.isNaN ? .nan : max(a, b)
  }
}

extension ScalarFunction {
  static func leakyRelu(_ alpha: Float) -> ScalarFunction {
    // max(x, 0) + alpha * min(x, 0)
    ScalarFunction([
      .input, .constant(0), .binary(.maximum), .input, .constant(0), .binary(.minimum), .constant(alpha),
      .binary(.multiply), .binary(.add),
    ])
  }

  static func hardSigmoid(alpha: Float, beta: Float) -> ScalarFunction {
    ScalarFunction([
      .input, .constant(alpha), .binary(.multiply), .constant(beta), .binary(.add), .constant(0), .binary(.maximum),
      .constant(1), .binary(.minimum),
    ])
  }

  /// x * max(0, min(1, x / 6 + 1/2))
  static let hardSwish = ScalarFunction(
    hardSigmoid(alpha: 1.0 / 6, beta: 0.5).steps + [.input, .binary(.multiply)])

  /// x * sigmoid(alpha * x)
  static func swish(_ alpha: Float) -> ScalarFunction {
    ScalarFunction([.input, .constant(alpha), .binary(.multiply), .unary(.sigmoid), .input, .binary(.multiply)])
  }

  /// x / 2 * (1 + erf(x / sqrt 2))
  static let gelu = ScalarFunction([
    .input, .constant(0.707_106_77), .binary(.multiply), .unary(.erf), .constant(1), .binary(.add), .input,
    .binary(.multiply), .constant(0.5), .binary(.multiply),
  ])

  /// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  static let geluTanh = ScalarFunction([
    .input, .unary(.square), .constant(0.044715), .binary(.multiply), .constant(1), .binary(.add), .input,
    .binary(.multiply), .constant(0.797_884_56), .binary(.multiply), .unary(.tanh), .constant(1), .binary(.add), .input,
    .binary(.multiply), .constant(0.5), .binary(.multiply),
  ])

  /// max(x, 0) + alpha * (exp(min(x, 0) / beta) - 1), times gamma
  static func elu(alpha: Float, beta: Float = 1, gamma: Float = 1) -> ScalarFunction {
    ScalarFunction([
      .input, .constant(0), .binary(.maximum), .input, .constant(0), .binary(.minimum), .constant(beta),
      .binary(.divide), .unary(.exp), .constant(1), .binary(.subtract), .constant(alpha), .binary(.multiply),
      .binary(.add), .constant(gamma), .binary(.multiply),
    ])
  }

  /// x * tanh(softplus(x))
  static let mish = ScalarFunction([.input, .unary(.softplus), .unary(.tanh), .input, .binary(.multiply)])
  /// x / (1 + |x|)
  static let softsign = ScalarFunction([
    .input, .input, .unary(.abs), .constant(1), .binary(.add), .binary(.divide),
  ])
  /// x if x > alpha, else 0
  static func thresholdedRelu(_ alpha: Float) -> ScalarFunction {
    ScalarFunction([.input, .input, .constant(alpha), .binary(.subtract), .binary(.gate)])
  }
}

extension UnaryFunction {
  /// The same in real numbers.
  var scalar: ScalarFunction {
    switch self {
    case .logistic: .unary(.sigmoid)
    case .tanh: .unary(.tanh)
    case .hardSwish: .hardSwish
    case .relu: .clamp(0, .infinity)
    case .reluN1To1: .clamp(-1, 1)
    case .relu6: .clamp(0, 6)
    case .relu0To1: .clamp(0, 1)
    case .leakyRelu(let alpha): .leakyRelu(alpha)
    case .requantize: .identity
    case .scalar(let function): function
    }
  }
}

extension Activation {
  /// What it leaves of the real numbers.
  var bounds: ClosedRange<Float> {
    switch self {
    case .none: -.infinity ... .infinity
    case .relu: 0 ... .infinity
    case .reluN1To1: -1...1
    case .relu6: 0...6
    }
  }
}
