import Martlet

/// What a `.martlet` file holds before it is bytes: device operators on tensors, in execution order.
struct Program {
  var tensors: [DeviceTensor] = []
  var operators: [DeviceOperator] = []
  /// Sizes in bytes of the pieces of arena that tensors live in; several tensors may share one (a reshape).
  var buffers: [Int] = []
  var inputs: [DeviceBoundary] = []
  var outputs: [DeviceBoundary] = []

  mutating func append(_ tensor: DeviceTensor) -> Int {
    tensors.append(tensor)
    return tensors.count - 1
  }

  mutating func makeBuffer(bytes: Int) -> Int {
    buffers.append(bytes)
    return buffers.count - 1
  }
}

struct DeviceTensor {
  enum Storage {
    /// Index of an arena buffer; the tensor starts where the buffer starts.
    case buffer(Int)
    case constant([UInt8])
  }

  var name: String
  var type: ElementType
  var shape: [Int]
  var scale: Float
  var zeroPoint: Int32
  var storage: Storage

  var count: Int { shape.reduce(1, *) }
  var byteCount: Int { count * type.byteCount }
  /// Of a picture's first rows.
  func bytes(rows: Int) -> Int { byteCount / shape[1] * rows }

  var buffer: Int? {
    if case .buffer(let index) = storage { index } else { nil }
  }

  var constant: [UInt8]? {
    if case .constant(let bytes) = storage { bytes } else { nil }
  }
}

/// Operands are tensor indices.
struct DeviceOperator {
  var opcode: Opcode
  var origin: Origin
  var inputs: [Int]
  var output: Int
  var constant: Int?
  /// The operator's C record.
  var parameters: [Int32]

  init<P>(_ opcode: Opcode, _ origin: Origin, inputs: [Int], output: Int, constant: Int? = nil, _ parameters: P) {
    self.opcode = opcode
    self.origin = origin
    self.inputs = inputs
    self.output = output
    self.constant = constant
    self.parameters = withUnsafeBytes(of: parameters) { Array($0.bindMemory(to: Int32.self)) }
  }

  func parameters<P>(as type: P.Type) -> P {
    precondition(parameters.count * 4 == MemoryLayout<P>.size)
    return parameters.withUnsafeBytes { $0.loadUnaligned(as: P.self) }
  }

  /// Whether the output may be the very bytes of an input: each element is read before it is written, at its own index.
  var mayRunInPlace: Bool { opcode.row.runs_in_place }
}

/// A tensor at the edge, in the source model's type there.
struct DeviceBoundary {
  var tensor: Int
  var type: ElementType
  var scale: Float
  var zeroPoint: Int32
}
