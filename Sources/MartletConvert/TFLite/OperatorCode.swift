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

  struct Row {
    /// Highest version whose int8 semantics are those implemented here. Later versions add types or fields.
    var newestVersion: Int
    /// Type of the options table in the model's `BuiltinOptions` union, where the operator has options that matter.
    var optionsType: UInt8?
    /// Fields of the options that change no result: what shapes, types and the number of results say already, and what
    /// is meant for weights in int8 beside activations in float, or for int16.
    var harmlessOptions: Set<Int> = []
  }

  var row: Row {
    switch self {
    case .add: Row(newestVersion: 5, optionsType: 11, harmlessOptions: [1])  // pot_scale_int16
    case .averagePool2D: Row(newestVersion: 3, optionsType: 5)
    case .concatenation: Row(newestVersion: 4, optionsType: 10)
    case .conv2D: Row(newestVersion: 8, optionsType: 1, harmlessOptions: [6])  // quantized_bias_type
    case .depthwiseConv2D: Row(newestVersion: 7, optionsType: 2, harmlessOptions: [3])  // depth_multiplier
    case .depthToSpace: Row(newestVersion: 2, optionsType: 94)
    case .dequantize: Row(newestVersion: 6)
    // asymmetric_quantize_inputs, quantized_bias_type
    case .fullyConnected: Row(newestVersion: 13, optionsType: 8, harmlessOptions: [3, 4])
    case .logistic: Row(newestVersion: 3)
    case .maxPool2D: Row(newestVersion: 3, optionsType: 5)
    case .mul: Row(newestVersion: 7, optionsType: 21)
    case .relu: Row(newestVersion: 3)
    case .reluN1To1: Row(newestVersion: 2)
    case .relu6: Row(newestVersion: 3)
    case .reshape: Row(newestVersion: 1, optionsType: 17, harmlessOptions: [0])  // new_shape
    case .resizeBilinear: Row(newestVersion: 4, optionsType: 15, harmlessOptions: [0, 1])  // height, width, of old
    case .softmax: Row(newestVersion: 3, optionsType: 9)
    case .spaceToDepth: Row(newestVersion: 2, optionsType: 19)
    case .tanh: Row(newestVersion: 3)
    case .pad: Row(newestVersion: 4)
    case .transpose: Row(newestVersion: 6)
    case .mean: Row(newestVersion: 3, optionsType: 27)
    case .sub: Row(newestVersion: 5, optionsType: 28, harmlessOptions: [1])  // pot_scale_int16
    case .squeeze: Row(newestVersion: 2, optionsType: 30)
    case .stridedSlice: Row(newestVersion: 8, optionsType: 32)
    case .split: Row(newestVersion: 4, optionsType: 35, harmlessOptions: [0])  // num_splits
    case .prelu: Row(newestVersion: 2)
    case .argMax: Row(newestVersion: 3, optionsType: 40, harmlessOptions: [0])  // output_type
    case .padV2: Row(newestVersion: 4)
    case .slice: Row(newestVersion: 6)
    case .transposeConv: Row(newestVersion: 5, optionsType: 49, harmlessOptions: [4])  // quantized_bias_type
    case .expandDims: Row(newestVersion: 1)
    case .shape: Row(newestVersion: 1)
    case .maximum, .minimum: Row(newestVersion: 4)
    case .argMin: Row(newestVersion: 3, optionsType: 57, harmlessOptions: [0])  // output_type
    case .pack: Row(newestVersion: 2, optionsType: 59, harmlessOptions: [0])  // values_count
    case .unpack: Row(newestVersion: 4, optionsType: 64, harmlessOptions: [0])  // num
    case .resizeNearestNeighbor: Row(newestVersion: 4, optionsType: 74)
    case .leakyRelu: Row(newestVersion: 2, optionsType: 75)
    case .splitV: Row(newestVersion: 2, optionsType: 79, harmlessOptions: [0])  // num_splits
    case .quantize: Row(newestVersion: 4)
    case .hardSwish: Row(newestVersion: 1)
    case .relu0To1: Row(newestVersion: 1)
    }
  }
}
