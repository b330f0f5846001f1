/// TensorFlow Lite models in a few lines.
struct TestModel {
  struct Tensor {
    var shape: [Int32]
    /// 0 float32, 2 int32, 3 uint8, 4 int64, 9 int8.
    var type: Int8 = 9
    var scales: [Float] = [0.5]
    var zeroPoints: [Int64] = [0]
    var data: [UInt8]?
    var name = "t"
  }

  struct Operator {
    var code: Int32
    var version: Int32 = 1
    var inputs: [Int32]
    var outputs: [Int32]
    var options: (type: UInt8, fields: [Int: FlatWriter.Field])?
  }

  var tensors: [Tensor]
  var operators: [Operator]
  var inputs: [Int32] = [0]
  var outputs: [Int32]
  var schemaVersion: UInt32 = 3

  func bytes() -> [UInt8] {
    var buffers: [[Int: FlatWriter.Field]] = [[:]]
    var tensorTables: [[Int: FlatWriter.Field]] = []
    for tensor in tensors {
      var fields: [Int: FlatWriter.Field] = [0: .ints(tensor.shape), 1: .int8(tensor.type), 3: .text(tensor.name)]
      if let data = tensor.data {
        fields[2] = .uint32(UInt32(buffers.count))
        buffers.append([0: .bytes(data)])
      }
      if !tensor.scales.isEmpty {
        fields[4] = .table([2: .floats(tensor.scales), 3: .longs(tensor.zeroPoints)])
      }
      tensorTables.append(fields)
    }
    var kinds: [[Int32]] = []
    for operation in operators where !kinds.contains([operation.code, operation.version]) {
      kinds.append([operation.code, operation.version])
    }
    let codes: [[Int: FlatWriter.Field]] = kinds.map {
      [0: .int8(Int8(min($0[0], 127))), 2: .int32($0[1]), 3: .int32($0[0])]
    }
    let operatorTables: [[Int: FlatWriter.Field]] = operators.map { operation in
      let index = kinds.firstIndex(of: [operation.code, operation.version]) ?? 0
      var fields: [Int: FlatWriter.Field] = [
        0: .uint32(UInt32(index)), 1: .ints(operation.inputs), 2: .ints(operation.outputs),
      ]
      if let options = operation.options {
        fields[3] = .uint8(options.type)
        fields[4] = .table(options.fields)
      }
      return fields
    }
    let subgraph: [Int: FlatWriter.Field] = [
      0: .tables(tensorTables), 1: .ints(inputs), 2: .ints(outputs), 3: .tables(operatorTables), 4: .text("main"),
    ]
    let model: [Int: FlatWriter.Field] = [
      0: .uint32(schemaVersion), 1: .tables(codes), 2: .tables([subgraph]), 4: .tables(buffers),
    ]
    return FlatWriter.file(model, identifier: "TFL3")
  }

  static func little(_ values: [Int32]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  }

  /// One unary operator on an int8 tensor.
  static func unary(_ code: Int32, version: Int32 = 1, options: (type: UInt8, fields: [Int: FlatWriter.Field])? = nil)
    -> TestModel
  {
    TestModel(
      tensors: [Tensor(shape: [1, 4]), Tensor(shape: [1, 4])],
      operators: [Operator(code: code, version: version, inputs: [0], outputs: [1], options: options)], outputs: [1])
  }

  /// A 3x3 convolution with `depth` channels in and two out, stride 1, SAME.
  static func convolution(depth: Int32 = 2, weights: [UInt8]? = nil, bias: [Int32] = [100, -100]) -> TestModel {
    let count = 2 * 9 * Int(depth)
    return TestModel(
      tensors: [
        Tensor(shape: [1, 4, 4, depth], zeroPoints: [3]),
        Tensor(
          shape: [2, 3, 3, depth], scales: [0.25, 0.125], zeroPoints: [0, 0],
          data: weights ?? (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }),
        Tensor(shape: [2], type: 2, scales: [], data: little(bias)),
        Tensor(shape: [1, 4, 4, 2], zeroPoints: [-5]),
      ],
      operators: [
        Operator(
          code: 3, version: 3, inputs: [0, 1, 2], outputs: [3],
          options: (1, [0: .int8(0), 1: .int32(1), 2: .int32(1), 3: .int8(1)]))
      ], outputs: [3])
  }
}
