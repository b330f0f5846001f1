import Testing

@testable import MartletConvert

/// What a node says beyond what its importer reads is refused by name, and quantized values keep their meaning.
@Suite struct ONNXUnreadTests {
  private func lines(_ change: (inout ONNXBuilder) -> Void) -> [String] {
    var builder = ONNXBuilder()
    change(&builder)
    do throws(ConversionError) {
      _ = try Converter.convert(builder.bytes, name: "m.onnx")
      return []
    } catch {
      return error.lines
    }
  }

  private func quantized(_ b: inout ONNXBuilder, _ shape: [Int64?] = [1, 4, 8, 8]) {
    b.input("x", shape)
    b.constant("s", [], [0.1])
    b.constant("z", [], integers: [3], type: 3)
    b.node("QuantizeLinear", ["x", "s", "z"], ["q"])
  }

  private func finish(_ b: inout ONNXBuilder, _ name: String = "r", _ parameters: [String] = ["s", "z"]) {
    b.node("DequantizeLinear", [name] + parameters, ["y"])
    b.output("y")
  }

  @Test func unknownAttribute() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.node("Relu", ["x"], ["y"], integers: ["future": [1]])
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("attribute 'future' is not supported"), "\(found)")
  }

  @Test func attributeOfAnotherKind() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.node("Softmax", ["x"], ["y"], reals: ["axis": 1])
      b.message.graph.node[0].attribute[0].type = 1
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("'axis' is of kind 1"), "\(found)")
  }

  @Test func unreadInput() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.constant("c", [1], [1])
      b.node("Reshape", ["x", "shape", "c"], ["y"])
      b.constant("shape", [2], integers: [2, 4])
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("input 2 is not supported"), "\(found)")
  }

  @Test func castLikeAnInteger() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.constant("like", [1], integers: [1])
      b.node("CastLike", ["x", "like"], ["y"])
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("a cast from float32 to int64"), "\(found)")
  }

  @Test func dropoutInTraining() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.constant("on", [], integers: [1], type: 9)
      b.node("Dropout", ["x", "", "on"], ["y"])
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("training mode"), "\(found)")
  }

  @Test func otherGridThanItWasWrittenWith() {
    let found = lines { b in
      quantized(&b)
      b.constant("other", [], [0.2])
      finish(&b, "q", ["other", "z"])
    }
    #expect(found.count == 1 && found[0].contains("another scale or zero point"), "\(found)")
  }

  @Test func operatorInRealNumbersOnQuantizedValues() {
    let found = lines { b in
      quantized(&b)
      b.node("AveragePool", ["q"], ["r"], integers: ["kernel_shape": [2, 2]])
      finish(&b)
    }
    #expect(found.count == 1 && found[0].contains("real numbers only"), "\(found)")
  }

  @Test func quantizedValuesThatOnlyMove() throws {
    #expect(
      lines { b in
        quantized(&b)
        b.node("MaxPool", ["q"], ["p"], integers: ["kernel_shape": [2, 2], "storage_order": [1]])
        b.node("Resize", ["p", "", "sc"], ["r"])
        b.constant("sc", [4], [1, 1, 2, 2])
        finish(&b)
      } == [])
  }

  /// The pad's value is a quantized one: 3 is zero here, and 5 is 0.2.
  @Test func padOfQuantizedValues() throws {
    for (value, real) in [(Int64(3), Float(0)), (5, 0.2)] {
      var b = ONNXBuilder()
      quantized(&b, [1, 4])
      b.constant("pads", [4], integers: [0, 1, 0, 0])
      b.constant("v", [], integers: [value], type: 3)
      b.node("Pad", ["q", "pads", "v"], ["r"])
      finish(&b)
      let file = try Converter.convert(b.bytes, name: "m.onnx").bytes
      let given: [Float] = [1, 1, 1, 1]
      let output = try ModelRunner(file: file).run([given.withUnsafeBytes { Array($0) }])[0]
      let reals = ArraySlice(output).integers(of: UInt32.self).map { Float(bitPattern: $0) }
      #expect(abs(reals[0] - real) < 1e-6 && abs(reals[1] - 1) < 1e-6, "\(reals)")
    }
  }

  @Test func zeroPointLeftOut() throws {
    // int8 without a zero point has zero 0, whatever uint8's would be.
    var b = ONNXBuilder()
    b.input("x", [1, 2])
    b.constant("s", [], [0.5])
    b.constant("z", [], integers: [0], type: 3)
    b.node("QuantizeLinear", ["x", "s", "z"], ["q"])
    b.node("DequantizeLinear", ["q", "s"], ["y"])
    b.output("y")
    let file = try Converter.convert(b.bytes, name: "m.onnx").bytes
    let given: [Float] = [1, -1]
    let output = try ModelRunner(file: file).run([given.withUnsafeBytes { Array($0) }])[0]
    #expect(ArraySlice(output).integers(of: UInt32.self).map { Float(bitPattern: $0) } == given)
  }

  @Test func foldingHasABudget() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.constant("n", [1], integers: [1 << 20])
      for index in 0..<100 { b.node("ConstantOfShape", ["n"], ["c\(index)"]) }
      b.node("Relu", ["x"], ["y"])
      b.output("y")
    }
    #expect(found.count == 1 && found[0].contains("computes from constants"), "\(found)")
  }

  @Test func zeroBesideHugeDimensions() {
    for shape: [Int64] in [[0, 1 << 62, 1 << 62], [1 << 62, 0], [1 << 31, 0, 1 << 31]] {
      let found = lines { b in
        b.input("x", [1, 8])
        b.constant("a", shape, [])
        b.node("Transpose", ["a"], ["t"])
        b.node("Relu", ["x"], ["y"])
        b.output("y")
      }
      #expect(found.count == 1 && found[0].contains("more than 2^30"), "\(found)")
    }
  }
}
