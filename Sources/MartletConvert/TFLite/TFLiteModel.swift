/// What a TensorFlow Lite file holds, decoded and bounds-checked but not yet understood.
/// Field numbers are those of TensorFlow Lite's schema.fbs, version 3.
struct TFLiteModel {
  struct Tensor {
    var name: String
    var shape: [Int32]
    var type: Int8
    /// Constant bytes within the file, or nil.
    var data: Range<Int>?
    var scales: [Float]
    var zeroPoints: [Int64]
    var quantizedDimension: Int
    var isVariable: Bool
    var isSparse: Bool
    /// Blockwise or custom quantization: nothing that this reader understands.
    var hasOtherQuantization: Bool
    var isExternal: Bool
  }

  struct Operator {
    var code: Int
    var version: Int
    /// Name of a custom operator, else empty.
    var customName: String
    var inputs: [Int32]
    var outputs: [Int32]
    var optionsType: UInt8
    var options: FlatTable?
  }

  var bytes: [UInt8]
  var tensors: [Tensor]
  var inputs: [Int32]
  var outputs: [Int32]
  var operators: [Operator]
  var metadata: [(name: String, data: Range<Int>)]

  init(_ bytes: [UInt8], name: String) throws(ConversionError) {
    guard bytes.count <= ConversionLimits.sourceBytes else {
      throw .badData("\(name): \(bytes.count) bytes, more than \(ConversionLimits.sourceBytes)")
    }
    guard !bytes.isEmpty else { throw .badData("\(name): is empty") }
    guard !bytes.starts(with: Array("MARTLET\0".utf8)) else { throw .badData("\(name): is a .martlet file already") }
    guard bytes.count >= 8, bytes[4..<8].elementsEqual("TFL3".utf8) else {
      throw .badData("\(name): is not a TensorFlow Lite model")
    }
    let buffer = FlatBuffer(bytes, name: name)
    let model = try buffer.root(identifier: "TFL3", "")
    let version = try model.integer(0, default: UInt32(0))
    guard version == 3 else { throw buffer.failure("model", "schema version \(version), expected 3") }

    let buffers = try Self.buffers(of: model)
    let codes = try Self.operatorCodes(of: model)
    let subgraphs = try model.tables(2, "subgraph", limit: ConversionLimits.subgraphs)
    guard let main = subgraphs.first else { throw buffer.failure("model", "holds no subgraph") }

    self.bytes = bytes
    tensors = try Self.tensors(of: main, buffers: buffers)
    inputs = try main.integers(1, "inputs", of: Int32.self, limit: 1 << 16)
    outputs = try main.integers(2, "outputs", of: Int32.self, limit: 1 << 16)
    operators = try Self.operators(of: main, codes: codes)
    metadata = []
    for entry in try model.tables(6, "metadata", limit: 1 << 10) {
      let index = Int(try entry.integer(1, default: UInt32(0)))
      guard index < buffers.count else {
        throw buffer.failure(entry.place, "buffer \(index) of \(buffers.count)")
      }
      metadata.append((try entry.string(0, "name"), buffers[index].data))
    }
  }

  private typealias Buffer = (data: Range<Int>, external: Bool)
  private typealias Code = (code: Int, version: Int, custom: String)

  private static func buffers(of model: FlatTable) throws(ConversionError) -> [Buffer] {
    var result: [Buffer] = []
    for table in try model.tables(4, "buffer", limit: ConversionLimits.buffers) {
      let offset = try table.integer(1, default: UInt64(0))
      result.append((try table.byteRange(0, "data"), offset > 1))
    }
    return result
  }

  private static func operatorCodes(of model: FlatTable) throws(ConversionError) -> [Code] {
    var result: [Code] = []
    for table in try model.tables(1, "operator code", limit: ConversionLimits.operatorCodes) {
      let old = Int(try table.integer(0, default: Int8(0)))
      let new = Int(try table.integer(3, default: Int32(0)))
      let version = Int(try table.integer(2, default: Int32(1)))
      result.append((max(old, new), version, try table.string(1, "custom code")))
    }
    return result
  }

  private static func tensors(of subgraph: FlatTable, buffers: [Buffer]) throws(ConversionError) -> [Tensor] {
    var result: [Tensor] = []
    for table in try subgraph.tables(0, "tensor", limit: 1 << 16) {
      let index = Int(try table.integer(2, default: UInt32(0)))
      guard index < buffers.count || index == 0 else {
        throw table.buffer.failure(table.place, "buffer \(index) of \(buffers.count)")
      }
      let data = index == 0 ? nil : buffers[index].data
      let quantization = try table.table(4, "quantization")
      result.append(
        Tensor(
          name: try table.string(3, "name"),
          shape: try table.integers(0, "shape", of: Int32.self, limit: ConversionLimits.sourceRank),
          type: try table.integer(1, default: Int8(0)),
          data: data.flatMap { $0.isEmpty ? nil : $0 },
          scales: try quantization?.floats(2, "scale", limit: 1 << 20) ?? [],
          zeroPoints: try quantization?.integers(3, "zero_point", of: Int64.self, limit: 1 << 20) ?? [],
          quantizedDimension: Int(try quantization?.integer(6, default: Int32(0)) ?? 0),
          isVariable: try table.bool(5),
          isSparse: try table.has(6),
          hasOtherQuantization: try quantization?.integer(4, default: UInt8(0)) ?? 0 != 0,
          isExternal: try table.integer(10, default: UInt32(0)) != 0 || (index != 0 && buffers[index].external)))
    }
    return result
  }

  private static func operators(of subgraph: FlatTable, codes: [Code]) throws(ConversionError) -> [Operator] {
    var result: [Operator] = []
    for table in try subgraph.tables(3, "operator", limit: ConversionLimits.operators) {
      let index = Int(try table.integer(0, default: UInt32(0)))
      guard index < codes.count else {
        throw table.buffer.failure(table.place, "operator code \(index) of \(codes.count)")
      }
      let limit = ConversionLimits.operandsPerOperator
      result.append(
        Operator(
          code: codes[index].code, version: codes[index].version, customName: codes[index].custom,
          inputs: try table.integers(1, "inputs", of: Int32.self, limit: limit),
          outputs: try table.integers(2, "outputs", of: Int32.self, limit: limit),
          optionsType: try table.integer(3, default: UInt8(0)),
          options: try table.table(4, "options")))
    }
    return result
  }
}
