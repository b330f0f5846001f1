public enum Activation: Int, Sendable {
  case none, relu, reluN1To1, relu6
}

/// Height and width.
public struct Size: Equatable, Sendable {
  public var height: Int
  public var width: Int

  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
}

/// How a window moves over a picture. Padding is that at the top and on the left; the rest follows from the output.
public struct WindowMotion: Sendable {
  public var stride: Size
  public var dilation: Size
  public var padding: Size

  public init(stride: Size, dilation: Size = Size(1, 1), padding: Size = Size(0, 0)) {
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
  }
}

public enum UnaryFunction: Sendable {
  case logistic, tanh, hardSwish
  case relu, reluN1To1, relu6, relu0To1
  case leakyRelu(alpha: Float)
  /// The same real value with other quantization parameters.
  case requantize
  /// Any function at all, each of its 256 results rounded to nearest.
  case scalar(ScalarFunction)
}

/// What a pad adds.
public enum PadValue: Equatable, Sendable {
  case zero
  case quantized(Int32)
  case real(Float)
}

/// What a node does. Shapes are NHWC; axes are not negative; every size is resolved by the importer.
public enum Operation: Sendable {
  /// input [N, H, W, C], weights [O, KH, KW, C / groups], bias [O]?
  case convolution(WindowMotion, groups: Int, Activation)
  /// input [N, H, W, C], weights [1, KH, KW, C * multiplier], bias [C * multiplier]?
  case depthwise(WindowMotion, multiplier: Int, Activation)
  /// input [rows..., depth], weights [O, depth], bias [O]?
  case fullyConnected(Activation)
  /// weights [O, KH, KW, C], input [N, H, W, C], bias [O]?; padding is what is cut off the full result.
  case transposedConvolution(WindowMotion, Activation)
  case averagePool(window: Size, WindowMotion, Activation)
  case maxPool(window: Size, WindowMotion, Activation)
  case mean(axes: [Int])
  case add(Activation)
  case subtract(Activation)
  case multiply(Activation)
  /// The larger or smaller of two.
  case extremum(minimum: Bool)
  /// input, alpha (broadcast)
  case prelu
  case unary(UnaryFunction)
  /// over the last axis
  case softmax(beta: Float)
  case concatenation(axis: Int, Activation)
  /// Elements added before and after, per axis.
  case pad(before: [Int], after: [Int], value: PadValue)
  case transpose(permutation: [Int])
  /// output[i] = input[start + i * step]; one output.
  case slice(start: [Int], step: [Int], size: [Int])
  case spaceToDepth(block: Int)
  case depthToSpace(block: Int)
  /// The same elements in another shape.
  case reshape
  case resizeNearest(alignCorners: Bool, halfPixelCenters: Bool)
  case resizeBilinear(alignCorners: Bool, halfPixelCenters: Bool)
  case argument(axis: Int, minimum: Bool)
  case quantize
  case dequantize
}
