import Foundation

/// A constant: real numbers, or integers of any width (booleans are 0 and 1). Row-major.
struct ONNXTensor {
  enum Elements {
    case reals([Float])
    case integers([Int64])
  }

  var type: ONNXType
  var shape: [Int]
  var elements: Elements
  /// Where the numbers came out of a DequantizeLinear: what it dequantized them with.
  var quantization: Quantization?

  init(_ type: ONNXType, _ shape: [Int], _ elements: Elements) {
    self.type = type
    self.shape = shape
    self.elements = elements
  }

  init(reals: [Float], shape: [Int]) { self.init(.float32, shape, .reals(reals)) }
  init(integers: [Int64], shape: [Int], type: ONNXType = .int64) { self.init(type, shape, .integers(integers)) }

  var count: Int { shape.reduce(1, *) }

  /// The elements of a shape; nil where its dimensions other than 0 already make more than `limit`, so that no product
  /// of some of them can overflow, whichever they are.
  static func count(_ shape: [Int], limit: Int) -> Int? {
    var product = 1
    for size in shape where size != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow, next <= limit else { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  var byteCount: Int { isReal ? 4 * count : 8 * count }

  var isReal: Bool {
    if case .reals = elements { true } else { false }
  }

  /// The elements as real numbers, whatever they are.
  var reals: [Float] {
    switch elements {
    case .reals(let values): values
    case .integers(let values): values.map { Float($0) }
    }
  }

  /// The elements as integers; real ones are cut towards zero.
  var integers: [Int64] {
    switch elements {
    case .reals(let values):
      values.map { Int64(exactly: $0.rounded(.towardZero)) ?? ($0 < 0 ? .min : $0 > 0 ? .max : 0) }
    case .integers(let values): values
    }
  }

  /// Each element at `indices`, in a new shape.
  func gathered(_ indices: [Int], shape: [Int]) -> ONNXTensor {
    switch elements {
    case .reals(let values): ONNXTensor(type, shape, .reals(indices.map { values[$0] }))
    case .integers(let values): ONNXTensor(type, shape, .integers(indices.map { values[$0] }))
    }
  }

  /// The elements that a view picks, in the view's order.
  func viewed(_ view: StridedView) -> ONNXTensor { gathered(view.indices, shape: view.shape) }

  func reshaped(_ shape: [Int]) -> ONNXTensor {
    var result = self
    result.shape = shape
    return result
  }
}

/// ONNX's TensorProto.DataType, as far as models hold it.
enum ONNXType: Int32 {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16

  var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float32, .int32, .uint32: 4
    case .int64, .uint64, .float64: 8
    case .string: 0
    }
  }

  var isReal: Bool { self == .float32 || self == .float16 || self == .float64 || self == .bfloat16 }

  static func name(_ code: Int32) -> String {
    let others: [Int32: String] = [
      0: "undefined", 14: "complex64", 15: "complex128", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2",
      20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
    ]
    return ONNXType(rawValue: code).map { "\($0)" } ?? others[code] ?? "type \(code)"
  }
}

extension ONNXTensor {
  /// Decodes an initializer or attribute; `external` reads bytes that lie in another file.
  init(_ source: ONNXProtoTensor, name: String, external: ONNXExternalData) throws(ConversionError) {
    guard let type = ONNXType(rawValue: source.dataType), type != .string else {
      throw .unsupported("\(name) is \(ONNXType.name(source.dataType)), which is not supported")
    }
    let shape = source.dims.map { Int($0) }
    if let size = shape.first(where: { $0 < 0 }) { throw .badData("\(name) has a negative dimension, \(size)") }
    guard shape.count <= ConversionLimits.sourceRank else {
      throw .unsupported("\(name) has \(shape.count) dimensions, at most \(ConversionLimits.sourceRank)")
    }
    guard let count = Self.count(shape, limit: 1 << 30) else {
      throw .badData("\(name): shape \(shape) has more than 2^30 elements")
    }
    let raw: Data?
    if source.dataLocation == 1 {
      raw = try external.bytes(of: source, name: name, expected: count * type.byteCount)
    } else {
      raw = source.rawData.isEmpty ? nil : source.rawData
    }
    let elements: Elements
    if let raw {
      guard raw.count == count * type.byteCount else {
        throw .badData("\(name) has \(raw.count) bytes for shape \(shape) of \(type)")
      }
      elements = Self.decode(raw, type)
    } else {
      elements = Self.typed(source, type)
    }
    self.init(type, shape, elements)
    let found: Int
    switch elements {
    case .reals(let values): found = values.count
    case .integers(let values): found = values.count
    }
    guard found == count else { throw .badData("\(name) has \(found) elements for shape \(shape)") }
  }

  private static func decode(_ raw: Data, _ type: ONNXType) -> Elements {
    func each<T: FixedWidthInteger>(_: T.Type) -> [T] { ArraySlice(raw).integers(of: T.self) }
    return switch type {
    case .float32: .reals(each(UInt32.self).map { Float(bitPattern: $0) })
    case .float64: .reals(each(UInt64.self).map { Float(Double(bitPattern: $0)) })
    case .float16: .reals(each(UInt16.self).map(real(half:)))
    case .bfloat16: .reals(each(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) })
    case .uint8, .bool: .integers(each(UInt8.self).map { Int64($0) })
    case .int8: .integers(each(Int8.self).map { Int64($0) })
    case .uint16: .integers(each(UInt16.self).map { Int64($0) })
    case .int16: .integers(each(Int16.self).map { Int64($0) })
    case .int32: .integers(each(Int32.self).map { Int64($0) })
    case .uint32: .integers(each(UInt32.self).map { Int64($0) })
    case .int64: .integers(each(Int64.self))
    case .uint64: .integers(each(UInt64.self).map { Int64(clamping: $0) })
    case .string: .integers([])
    }
  }

  /// The typed fields, used where there are no raw bytes.
  private static func typed(_ source: ONNXProtoTensor, _ type: ONNXType) -> Elements {
    switch type {
    case .float32: .reals(source.floatData)
    case .float64: .reals(source.doubleData.map { Float($0) })
    case .float16: .reals(source.int32Data.map { real(half: UInt16(truncatingIfNeeded: $0)) })
    case .bfloat16: .reals(source.int32Data.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16) })
    case .int64: .integers(source.int64Data)
    case .uint32, .uint64: .integers(source.uint64Data.map { Int64(clamping: $0) })
    default: .integers(source.int32Data.map { Int64($0) })
    }
  }

  /// IEEE binary16.
  static func real(half bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    if exponent == 0 { return (sign == 0 ? 1 : -1) * Float(fraction) * 0x1p-24 }
    if exponent == 31 { return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13) }
    return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}

extension ArraySlice where Element == UInt8 {
  init(_ data: Data) { self = ArraySlice<UInt8>([UInt8](data)) }
}
