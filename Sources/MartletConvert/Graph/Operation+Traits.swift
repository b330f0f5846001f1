extension Operation {
  /// What passes ask of any operation. One switch, without a default: a new operation says all of it here.
  struct Traits {
    /// It multiplies its input with constant weights.
    var layer: Layer?
    /// It combines the elements of two inputs.
    var arithmetic: Arithmetic?
    /// Its result is clamped anyway, so that an activation costs nothing.
    var clamps = false
    /// Its result has its input's scale and zero point.
    var keepsQuantization = false
    /// Its result has a scale and zero point of its own, and yet no real value outside its inputs' range.
    var staysInRange = false
    /// The activation that is part of it.
    var activation = Activation.none
    /// The window that moves over its input without weights.
    var pool: (window: Size, motion: WindowMotion)?
  }

  enum Layer {
    case convolution(WindowMotion, groups: Int)
    case depthwise(WindowMotion, multiplier: Int)
    case fullyConnected
    case transposedConvolution(WindowMotion)
  }

  enum Arithmetic { case add, subtract, multiply }

  var traits: Traits {
    switch self {
    case .convolution(let motion, let groups, let activation):
      Traits(layer: .convolution(motion, groups: groups), clamps: true, activation: activation)
    case .depthwise(let motion, let multiplier, let activation):
      Traits(layer: .depthwise(motion, multiplier: multiplier), clamps: true, activation: activation)
    case .fullyConnected(let activation): Traits(layer: .fullyConnected, clamps: true, activation: activation)
    case .transposedConvolution(let motion, let activation):
      Traits(layer: .transposedConvolution(motion), clamps: true, activation: activation)
    case .averagePool(let window, let motion, let activation), .maxPool(let window, let motion, let activation):
      Traits(clamps: true, keepsQuantization: true, activation: activation, pool: (window, motion))
    case .add(let activation): Traits(arithmetic: .add, clamps: true, activation: activation)
    case .subtract(let activation): Traits(arithmetic: .subtract, clamps: true, activation: activation)
    case .multiply(let activation): Traits(arithmetic: .multiply, clamps: true, activation: activation)
    case .mean: Traits(clamps: true, staysInRange: true)
    case .concatenation(_, let activation): Traits(staysInRange: true, activation: activation)
    case .reshape, .transpose, .slice, .pad, .spaceToDepth, .depthToSpace, .resizeNearest, .resizeBilinear:
      Traits(keepsQuantization: true)
    case .extremum, .prelu, .unary, .softmax, .argument, .quantize, .dequantize: Traits()
    }
  }

  var layer: Layer? { traits.layer }
  var hasWeights: Bool { traits.layer != nil }
  var clamps: Bool { traits.clamps }
  var keepsQuantization: Bool { traits.keepsQuantization }
  var activation: Activation { traits.activation }

  init(_ layer: Layer, _ activation: Activation) {
    switch layer {
    case .convolution(let motion, let groups): self = .convolution(motion, groups: groups, activation)
    case .depthwise(let motion, let multiplier): self = .depthwise(motion, multiplier: multiplier, activation)
    case .fullyConnected: self = .fullyConnected(activation)
    case .transposedConvolution(let motion): self = .transposedConvolution(motion, activation)
    }
  }
}

extension Operation {
  /// TensorFlow Lite's number of the operator that does the same, for profiles on the device.
  var builtinCode: Int {
    switch self {
    case .convolution: 3
    case .depthwise: 4
    case .fullyConnected: 9
    case .transposedConvolution: 67
    case .averagePool: 1
    case .maxPool: 17
    case .mean: 40
    case .add: 0
    case .subtract: 41
    case .multiply: 18
    case .extremum(let minimum): minimum ? 57 : 55
    case .prelu: 54
    case .unary(let function): function.scalar.clampBounds == nil ? 14 : 21
    case .softmax: 25
    case .concatenation: 2
    case .pad: 34
    case .transpose: 39
    case .slice: 65
    case .spaceToDepth: 26
    case .depthToSpace: 5
    case .reshape: 22
    case .resizeNearest: 97
    case .resizeBilinear: 23
    case .argument(_, let minimum): minimum ? 79 : 56
    case .quantize: 114
    case .dequantize: 6
    }
  }
}
