/// The converter's intermediate representation: values and the nodes that compute them, in execution order.
/// Importers build it, passes rewrite it, `Lowering` turns it into a device program. It can hold float graphs too.
public struct Graph: Sendable {
  public var values: [Value] = []
  public var nodes: [Node] = []
  public var inputs: [Boundary] = []
  public var outputs: [Boundary] = []

  public init() {}
}

public enum ValueType: String, Sendable {
  case float32, int8, uint8, int32, int64
  /// Something that only appears in messages.
  case other
}

/// real = (q - zeroPoint) * scale; one scale per tensor, or one for each index along `dimension`.
public struct Quantization: Equatable, Sendable {
  public var scales: [Float]
  public var zeroPoints: [Int32]
  public var dimension: Int

  public init(scales: [Float], zeroPoints: [Int32], dimension: Int = 0) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.dimension = dimension
  }
}

/// A tensor. A uint8 source tensor is held as int8, its bytes and zero points less 128 (`isUnsigned` remembers).
public struct Value: Sendable {
  public var name: String
  public var type: ValueType
  public var shape: [Int]
  public var quantization: Quantization?
  /// Little-endian, row-major; nil for what is computed or given.
  public var constant: ArraySlice<UInt8>?
  public var isUnsigned: Bool

  public init(
    name: String, type: ValueType, shape: [Int], quantization: Quantization? = nil,
    constant: ArraySlice<UInt8>? = nil, isUnsigned: Bool = false
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.quantization = quantization
    self.constant = constant
    self.isUnsigned = isUnsigned
  }

  public var count: Int { shape.reduce(1, *) }
}

/// A value at the model's edge in the source model's own terms.
public struct Boundary: Sendable {
  public var value: Int
  public var type: ValueType
  public var scale: Float
  public var zeroPoint: Int32

  public init(value: Int, type: ValueType, scale: Float, zeroPoint: Int32) {
    self.value = value
    self.type = type
    self.scale = scale
    self.zeroPoint = zeroPoint
  }
}

/// Where a node comes from, for messages and profiles.
public struct Origin: Sendable {
  public var index: Int
  /// TensorFlow Lite's number of the operator; 0 in an ONNX model until the node is lowered.
  public var code: Int
  public var name: String
  public var version: Int
  /// What the node itself is called, in ONNX.
  public var label: String?

  public init(index: Int, code: Int, name: String, version: Int, label: String? = nil) {
    self.index = index
    self.code = code
    self.name = name
    self.version = version
    self.label = label
  }

  /// "operator 17 (CONV_2D, version 3)", "node 17 'layer1.conv' (Conv)"
  public var description: String {
    label.map { "node \(index) '\($0)' (\(name))" } ?? "operator \(index) (\(name), version \(version))"
  }
}

public struct Node: Sendable {
  public var operation: Operation
  /// Indices of values; nil for an optional operand that is absent.
  public var inputs: [Int?]
  public var outputs: [Int]
  public var origin: Origin
  /// Bounds on the quantized output from activations fused into this node, beside the operation's own activation.
  public var clamp: ClosedRange<Int32>

  public init(operation: Operation, inputs: [Int?], outputs: [Int], origin: Origin) {
    self.operation = operation
    self.inputs = inputs
    self.outputs = outputs
    self.origin = origin
    self.clamp = -128...127
  }
}
