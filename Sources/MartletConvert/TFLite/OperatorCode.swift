/// The TensorFlow Lite operators that the importer knows.
enum OperatorCode: Int {
  case add = 0
  case averagePool2D = 1
  case concatenation = 2
  case conv2D = 3
  case depthwiseConv2D = 4
  case depthToSpace = 5
  case dequantize = 6
  case fullyConnected = 9
  case logistic = 14
  case maxPool2D = 17
  case mul = 18
  case relu = 19
  case reluN1To1 = 20
  case relu6 = 21
  case reshape = 22
  case resizeBilinear = 23
  case softmax = 25
  case spaceToDepth = 26
  case tanh = 28
  case pad = 34
  case transpose = 39
  case mean = 40
  case sub = 41
  case squeeze = 43
  case stridedSlice = 45
  case split = 49
  case prelu = 54
  case maximum = 55
  case argMax = 56
  case minimum = 57
  case padV2 = 60
  case slice = 65
  case transposeConv = 67
  case expandDims = 70
  case shape = 77
  case argMin = 79
  case pack = 83
  case unpack = 88
  case resizeNearestNeighbor = 97
  case leakyRelu = 98
  case splitV = 102
  case quantize = 114
  case hardSwish = 117
  case relu0To1 = 152

  /// Highest version whose int8 semantics are those implemented here. Later versions add types or fields.
  var newestVersion: Int {
    switch self {
    case .add, .sub: 5
    case .averagePool2D, .maxPool2D, .softmax, .tanh, .logistic, .relu, .relu6, .mean, .argMax, .argMin: 3
    case .concatenation, .maximum, .minimum: 4
    case .conv2D: 8
    case .depthwiseConv2D: 7
    case .depthToSpace, .spaceToDepth, .reluN1To1, .squeeze, .prelu, .leakyRelu, .splitV, .pack: 2
    case .dequantize: 6
    case .fullyConnected: 13
    case .mul: 7
    case .reshape, .expandDims, .hardSwish, .shape, .relu0To1: 1
    case .resizeBilinear, .resizeNearestNeighbor, .split, .quantize, .unpack: 4
    case .pad, .padV2: 4
    case .transpose, .slice: 6
    case .stridedSlice: 8
    case .transposeConv: 5
    }
  }

  /// Fields of the options that change no result: what shapes, types and the number of results say already, and what is
  /// meant for weights in int8 beside activations in float, or for int16.
  var harmlessOptions: Set<Int> {
    switch self {
    case .conv2D: [6]  // quantized_bias_type
    case .depthwiseConv2D: [3]  // depth_multiplier
    case .fullyConnected: [3, 4]  // asymmetric_quantize_inputs, quantized_bias_type
    case .transposeConv: [4]  // quantized_bias_type
    case .add, .sub: [1]  // pot_scale_int16
    case .resizeBilinear: [0, 1]  // new_height, new_width, of old
    case .reshape, .split, .splitV, .pack, .unpack, .argMax, .argMin: [0]  // new_shape, counts, output_type
    default: []
    }
  }

  /// Type of the options table in the model's `BuiltinOptions` union, where the operator has options that matter.
  var optionsType: UInt8? {
    switch self {
    case .conv2D: 1
    case .depthwiseConv2D: 2
    case .averagePool2D, .maxPool2D: 5
    case .fullyConnected: 8
    case .softmax: 9
    case .concatenation: 10
    case .add: 11
    case .resizeBilinear: 15
    case .reshape: 17
    case .spaceToDepth: 19
    case .mul: 21
    case .mean: 27
    case .sub: 28
    case .squeeze: 30
    case .stridedSlice: 32
    case .split: 35
    case .argMax: 40
    case .transposeConv: 49
    case .argMin: 57
    case .pack: 59
    case .unpack: 64
    case .resizeNearestNeighbor: 74
    case .leakyRelu: 75
    case .splitV: 79
    case .depthToSpace: 94
    default: nil
    }
  }
}
