import Testing

@testable import MartletConvert

/// What cannot be converted is named: which operator, which version, why.
@Suite struct RefusalTests {
  private func lines(_ model: TestModel, options: ConversionOptions = ConversionOptions()) -> [String] {
    do throws(ConversionError) {
      _ = try Converter.convert(model.bytes(), name: "m", options: options)
      return []
    } catch {
      return error.lines
    }
  }

  @Test func unknownOperator() {
    #expect(lines(.unary(47)) == ["m: operator 0 (EXP, version 1): this operator is not supported"])
    #expect(lines(.unary(119)) == ["m: operator 0 (WHILE, version 1): control flow is not supported"])
    #expect(lines(.unary(32)) == ["m: operator 0 (CUSTOM '', version 1): custom operators are not supported"])
    #expect(lines(.unary(9999)) == ["m: operator 0 (operator code 9999, version 1): this operator is not supported"])
  }

  @Test func newerVersion() {
    #expect(
      lines(.unary(117, version: 9)) == [
        "m: operator 0 (HARD_SWISH, version 9): version 9 is newer than 1, the newest supported"
      ])
  }

  @Test func allAtOnce() {
    var model = TestModel.unary(47)
    model.tensors.append(TestModel.Tensor(shape: [1, 4]))
    model.operators.append(TestModel.Operator(code: 73, inputs: [1], outputs: [2]))
    model.outputs = [2]
    #expect(lines(model).count == 2)
    #expect(lines(model).last == "m: operator 1 (LOG, version 1): this operator is not supported")
  }

  @Test func float() {
    var model = TestModel.convolution()
    model.tensors[0].type = 0
    #expect(
      lines(model) == [
        "m: operator 0 (CONV_2D, version 3): input 0 is float32, only int8 and uint8 are supported; quantize the model"
          + " to int8 first"
      ])
  }

  @Test func accumulatorThatCouldOverflow() {
    let model = TestModel.convolution(bias: [Int32.max, 0])
    let found = lines(model)
    #expect(found.count == 1)
    #expect(found[0].hasPrefix("m: operator 0 (CONV_2D, version 3): the accumulator of output channel 0 could reach"))
    #expect(found.first?.hasSuffix("past 32 bits") == true)
  }

  @Test func inconsistentShapes() {
    var model = TestModel.convolution()
    model.tensors[2].shape = [3]
    model.tensors[2].data = TestModel.little([1, 2, 3])
    #expect(lines(model) == ["m: operator 0 (CONV_2D, version 3): bias has 3 elements for 2 channels"])
    model = TestModel.convolution()
    model.tensors[1].data = [1, 2, 3]
    #expect(lines(model) == ["m: operator 0 (CONV_2D, version 3): weights has 3 bytes for shape [2, 3, 3, 2]"])
    model = TestModel.convolution()
    model.tensors[0].shape = [1, -1, 4, 2]
    #expect(lines(model) == ["m: input tensor 0: shape [1, -1, 4, 2] is empty or not fixed"])
  }

  @Test func wrongQuantization() {
    var model = TestModel.convolution()
    model.tensors[1].scales = [1, 2, 3]
    model.tensors[1].zeroPoints = [0, 0, 0]
    #expect(lines(model) == ["m: operator 0 (CONV_2D, version 3): weights have 3 scales for 2 channels"])
    model = TestModel.convolution()
    model.tensors[0].scales = [.nan]
    #expect(lines(model) == ["m: tensor 0: scale nan is not a finite number"])
    model = TestModel.convolution()
    model.tensors[3].scales = []
    #expect(lines(model) == ["m: operator 0 (CONV_2D, version 3): output 0 has no quantization parameters"])
    model = TestModel.convolution()
    model.tensors[1].zeroPoints = [4, 4]
    #expect(lines(model) == ["m: operator 0 (CONV_2D, version 3): int8 weights have zero point 4, expected 0"])
  }

  @Test func order() {
    var model = TestModel.unary(14)
    model.operators[0].inputs = [1]
    #expect(lines(model) == ["m: operator 0 (LOGISTIC, version 1): reads tensor 1, which nothing has computed yet"])
    model = TestModel.unary(14)
    model.outputs = [7]
    #expect(lines(model).first?.contains("output tensor 7 of 2") == true || lines(model).count == 1)
  }

  @Test func schemaVersion() {
    var model = TestModel.unary(14)
    model.schemaVersion = 4
    #expect(lines(model) == ["m: model: schema version 4, expected 3"])
  }

  @Test func requestsThatDoNotFit() {
    let model = TestModel.convolution()
    #expect(
      lines(model, options: ConversionOptions(labels: ["a"]))
        == ["m: labels are given, but the model is no classifier"])
    #expect(
      lines(model, options: ConversionOptions(mean: [1]))
        == ["m: mean, std or resize is given, but the model does not classify pictures"])
  }

  @Test func labelsThatDoNotFit() throws {
    let source = try ShippedModelTests.bytes("resnet8-cifar10/resnet8-cifar10.tflite")
    #expect(throws: ConversionError(.badData, "m: labels: 3 labels for 10 outputs")) {
      _ = try Converter.convert(source, name: "m", options: ConversionOptions(labels: ["a", "b", "c"]))
    }
  }
}
