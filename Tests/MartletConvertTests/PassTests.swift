import Martlet
import Testing

@testable import MartletConvert

/// What the passes take away, and that the results stay.
@Suite struct PassTests {
  private typealias Tensor = TestModel.Tensor
  private typealias Operator = TestModel.Operator

  private func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
  }

  private func signed(_ bytes: [UInt8]) -> [Int8] { bytes.map { Int8(bitPattern: $0) } }

  @Test func floatEdgesAreStripped() throws {
    var model = TestModel.unary(19)
    model.tensors = [
      Tensor(shape: [1, 4], type: 0, scales: []), Tensor(shape: [1, 4]), Tensor(shape: [1, 4]),
      Tensor(shape: [1, 4], type: 0, scales: []),
    ]
    model.operators = [
      Operator(code: 114, inputs: [0], outputs: [1]), Operator(code: 19, inputs: [1], outputs: [2]),
      Operator(code: 6, inputs: [2], outputs: [3]),
    ]
    model.outputs = [3]
    let conversion = try Converter.convert(model.bytes(), name: "m")
    #expect(conversion.summary.operators == 1)
    #expect(conversion.summary.inputs[0].type == "float32" && conversion.summary.outputs[0].type == "float32")
    let outputs = try ModelRunner(file: conversion.bytes).run([floats([-3, 0.3, 1.24, 500])])
    #expect(outputs[0] == floats([0, 0.5, 1, 63.5]))
  }

  @Test func openBatchReshapeIsFolded() throws {
    // SHAPE, STRIDED_SLICE [0:1] and PACK [batch, -1] give the shape of a RESHAPE.
    let int = { (shape: [Int32], values: [Int32]) in
      Tensor(shape: shape, type: 2, scales: [], data: TestModel.little(values))
    }
    let computed = { (shape: [Int32]) in Tensor(shape: shape, type: 2, scales: []) }
    let model = TestModel(
      tensors: [
        Tensor(shape: [2, 3, 4]), computed([3]), int([1], [0]), int([1], [1]), int([1], [1]), computed([]),
        int([], [-1]), computed([2]), Tensor(shape: [2, 12]),
      ],
      operators: [
        Operator(code: 77, inputs: [0], outputs: [1]),
        Operator(code: 45, inputs: [1, 2, 3, 4], outputs: [5], options: (32, [4: .int32(1)])),
        Operator(code: 83, inputs: [5, 6], outputs: [7], options: (59, [0: .int32(2), 1: .int32(0)])),
        Operator(code: 22, inputs: [0, 7], outputs: [8]),
      ], outputs: [8])
    let conversion = try Converter.convert(model.bytes(), name: "m")
    #expect(conversion.summary.outputs[0].shape == [2, 12])
    let input = (0..<24).map { UInt8($0) }
    #expect(try ModelRunner(file: conversion.bytes).run([input])[0] == input)
  }

  @Test func padBecomesPadding() throws {
    var model = TestModel.convolution()
    let options: (type: UInt8, fields: [Int: FlatWriter.Field]) = (1, [0: .int8(1), 1: .int32(1), 2: .int32(1)])
    model.tensors[0].shape = [1, 4, 4, 2]
    model.tensors += [
      Tensor(shape: [1, 6, 6, 2], zeroPoints: [3]),
      Tensor(shape: [4, 2], type: 2, scales: [], data: TestModel.little([0, 0, 1, 1, 1, 1, 0, 0])),
    ]
    model.operators = [
      Operator(code: 34, inputs: [0, 5], outputs: [4]),
      Operator(code: 3, version: 3, inputs: [4, 1, 2], outputs: [3], options: options),
    ]
    let padded = try Converter.convert(model.bytes(), name: "m")
    #expect(padded.summary.operators == 1)

    var same = TestModel.convolution()
    same.operators[0].options?.fields[3] = .int8(0)
    let plain = try Converter.convert(same.bytes(), name: "m")
    let input = (0..<32).map { UInt8(truncatingIfNeeded: $0 * 37) }
    #expect(try ModelRunner(file: padded.bytes).run([input]) == ModelRunner(file: plain.bytes).run([input]))
  }

  @Test func rectifierJoinsTheConvolution() throws {
    var model = TestModel.convolution()
    model.operators[0].options?.fields[3] = .int8(0)
    model.tensors.append(Tensor(shape: [1, 4, 4, 2], zeroPoints: [-5]))
    model.operators.append(Operator(code: 21, inputs: [3], outputs: [4]))
    model.outputs = [4]
    let fused = try Converter.convert(model.bytes(), name: "m")
    #expect(fused.summary.operators == 1)
    model.tensors[4].scales = [0.25]
    let apart = try Converter.convert(model.bytes(), name: "m")
    #expect(apart.summary.operators == 2)
    let input = (0..<32).map { UInt8(truncatingIfNeeded: $0 * 91) }
    let results = signed(try ModelRunner(file: fused.bytes).run([input])[0])
    #expect(results.allSatisfy { (-5...7).contains($0) } && Set(results).count > 1)
  }

  @Test func tablesAreComposed() throws {
    var model = TestModel.unary(19)
    model.tensors = [
      Tensor(shape: [1, 256]), Tensor(shape: [1, 256], scales: [0.3]),
      Tensor(shape: [1, 256], scales: [1 / 256], zeroPoints: [-128]), Tensor(shape: [1, 256], scales: [0.01]),
    ]
    model.operators = [
      Operator(code: 19, inputs: [0], outputs: [1]), Operator(code: 14, inputs: [1], outputs: [2]),
      Operator(code: 114, inputs: [2], outputs: [3]),
    ]
    model.outputs = [3]
    let conversion = try Converter.convert(model.bytes(), name: "m")
    #expect(conversion.summary.operators == 1)
    #expect(conversion.summary.plannedPeakBytes == 256)
    let input = (0..<256).map { UInt8($0) }
    let found = signed(try ModelRunner(file: conversion.bytes).run([input])[0])
    let parts = try [
      Tables.bytes(.relu, input: (0.5, 0), output: (0.3, 0)),
      Tables.bytes(.logistic, input: (0.3, 0), output: (1 / 256, -128)),
      Tables.bytes(.requantize, input: (1 / 256, -128), output: (0.01, 0)),
    ]
    let expected = input.map { q in parts.reduce(q) { $1[Int($0 ^ 0x80)] } }
    #expect(found == signed(expected))
  }

  @Test func weightsMayComeOutOfConstants() throws {
    // Weights given as float, quantized by the model itself, transposed from [out, in].
    var model = TestModel.unary(9)
    model.tensors = [
      Tensor(shape: [1, 3], scales: [1]),
      Tensor(shape: [3, 2], type: 0, scales: [], data: floats([1, 2, 3, 4, 5, 6])),
      Tensor(shape: [3, 2], scales: [1]), Tensor(shape: [2], type: 2, scales: [], data: TestModel.little([1, 0])),
      Tensor(shape: [2, 3], scales: [1]), Tensor(shape: [1, 2], scales: [1]),
    ]
    model.operators = [
      Operator(code: 114, inputs: [1], outputs: [2]), Operator(code: 39, inputs: [2, 3], outputs: [4]),
      Operator(code: 9, version: 4, inputs: [0, 4, -1], outputs: [5], options: (8, [:])),
    ]
    model.outputs = [5]
    let conversion = try Converter.convert(model.bytes(), name: "m")
    #expect(conversion.summary.operators == 1)
    #expect(try ModelRunner(file: conversion.bytes).run([[1, 1, 2]])[0] == [14, 18])
  }

  @Test func constantOutput() throws {
    var model = TestModel.unary(19)
    model.tensors.append(Tensor(shape: [1, 4], data: [1, 2, 3, 4]))
    model.outputs = [1, 2]
    let outputs = try ModelRunner(file: Converter.convert(model.bytes(), name: "m").bytes).run([[5, 6, 250, 0]])
    #expect(outputs == [[5, 6, 0, 0], [1, 2, 3, 4]])
  }

  @Test func deadOperatorsVanish() throws {
    var model = TestModel.unary(19)
    model.tensors.append(Tensor(shape: [1, 4]))
    model.operators.append(Operator(code: 28, inputs: [0], outputs: [2]))
    #expect(try Converter.convert(model.bytes(), name: "m").summary.operators == 1)
  }

  @Test func unsignedIsExact() throws {
    var model = TestModel.unary(98, options: (75, [0: .float(0.25)]))
    for index in 0..<2 { (model.tensors[index].type, model.tensors[index].zeroPoints) = (3, [128]) }
    let conversion = try Converter.convert(model.bytes(), name: "m")
    #expect(conversion.summary.inputs[0].type == "uint8")
    #expect(try ModelRunner(file: conversion.bytes).run([[0, 124, 128, 255]])[0] == [96, 127, 128, 255])
  }
}
