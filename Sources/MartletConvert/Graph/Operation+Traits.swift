extension Operation {
  /// What passes ask of any operation. One switch, without a default: a new operation says all of it here.
  struct Traits {
    /// It multiplies its input with constant weights.
    var hasWeights = false
    /// Its result is clamped anyway, so that an activation costs nothing.
    var clamps = false
    /// Its result has its input's scale and zero point.
    var keepsGrid = false
    /// The activation that is part of it.
    var activation = Activation.none
    /// The window that moves over its input without weights.
    var pool: (window: Size, motion: WindowMotion)?
  }

  var traits: Traits {
    switch self {
    case .convolution(_, _, let activation), .depthwise(_, _, let activation), .fullyConnected(let activation),
      .transposedConvolution(_, let activation):
      Traits(hasWeights: true, clamps: true, activation: activation)
    case .averagePool(let window, let motion, let activation), .maxPool(let window, let motion, let activation):
      Traits(clamps: true, keepsGrid: true, activation: activation, pool: (window, motion))
    case .add(let activation), .subtract(let activation), .multiply(let activation):
      Traits(clamps: true, activation: activation)
    case .mean: Traits(clamps: true)
    case .concatenation(_, let activation): Traits(activation: activation)
    case .reshape, .transpose, .slice, .pad, .spaceToDepth, .depthToSpace, .resizeNearest, .resizeBilinear:
      Traits(keepsGrid: true)
    case .extremum, .prelu, .unary, .softmax, .argument, .quantize, .dequantize: Traits()
    }
  }

  var hasWeights: Bool { traits.hasWeights }
  var clamps: Bool { traits.clamps }
  var keepsGrid: Bool { traits.keepsGrid }
  var activation: Activation { traits.activation }
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
