import Foundation
import Testing

@testable import MartletConvert

/// MAXIMUM and MINIMUM of two tensors, from the two formats to the device's results.
@Suite struct ExtremumTests {
  private static let first: [Int8] = [-128, 127, 0, 5, -7, 33]
  private static let second: [Int8] = [127, -128, 0, 4, -6, 34]

  private func model(_ code: Int32, secondScale: Float = 0.5) -> TestModel {
    let shape: [Int32] = [1, 6]
    return TestModel(
      tensors: [
        TestModel.Tensor(shape: shape, zeroPoints: [3]),
        TestModel.Tensor(shape: shape, scales: [secondScale], zeroPoints: [3]),
        TestModel.Tensor(shape: shape, zeroPoints: [3]),
      ],
      operators: [TestModel.Operator(code: code, version: 2, inputs: [0, 1], outputs: [2])], inputs: [0, 1],
      outputs: [2])
  }

  @Test func tensorFlowLite() throws {
    let inputs = [Self.first, Self.second].map { $0.map { UInt8(bitPattern: $0) } }
    let pairs = zip(Self.first, Self.second)
    for (code, wanted) in [(Int32(55), pairs.map(max)), (57, pairs.map(min))] {
      let file = try Converter.convert(model(code).bytes(), name: "m").bytes
      let found = try ModelRunner(file: file).run(inputs)[0].map { Int8(bitPattern: $0) }
      #expect(found == wanted)
    }
  }

  @Test func otherScalesAreRefused() {
    #expect {
      try Converter.convert(model(55, secondScale: 0.25).bytes(), name: "m")
    } throws: {
      ($0 as? ConversionError)?.lines == [
        "m: operator 0 (MAXIMUM, version 2): input and output have different scales or zero points"
      ]
    }
  }

  /// Three scales: what is largest in real numbers is what comes out, rounded once, and nothing is cut off on the way.
  @Test(arguments: ["Max", "Min"], [false, true])
  func onnx(operation: String, isConstant: Bool) throws {
    var b = ONNXBuilder()
    b.input("x", [1, 4])
    b.constant("xs", [], [0.01])
    b.constant("ys", [], [0.1])
    b.constant("zs", [], [0.1])
    b.constant("zero", [], integers: [0], type: 3)
    b.constant("k", [1, 4], integers: [100, -100, 3, 0], type: 3)
    b.node("QuantizeLinear", ["x", "xs", "zero"], ["xq"])
    b.node("DequantizeLinear", ["xq", "xs", "zero"], ["xd"])
    b.node("DequantizeLinear", ["k", "ys", "zero"], ["kd"])
    if !isConstant {
      b.node("Add", ["xd", "kd"], ["s"])
      b.node("QuantizeLinear", ["s", "ys", "zero"], ["sq"])
      b.node("DequantizeLinear", ["sq", "ys", "zero"], ["sd"])
    }
    b.node(operation, ["xd", isConstant ? "kd" : "sd"], ["m"])
    b.node("QuantizeLinear", ["m", "zs", "zero"], ["mq"])
    b.node("DequantizeLinear", ["mq", "zs", "zero"], ["y"])
    b.output("y")
    let reals: [Float] = [1.2, -0.5, 0.42, 0]
    let file = try Converter.convert(b.bytes, name: "m.onnx").bytes
    let input = reals.flatMap { real in withUnsafeBytes(of: real) { Array($0) } }
    let found = ArraySlice(try ModelRunner(file: file).run([input])[0]).integers(of: UInt32.self).map {
      Float(bitPattern: $0)
    }
    let others = zip(reals, [Float(10), -10, 0.3, 0]).map { isConstant ? $1 : $0 + $1 }
    for (index, value) in found.enumerated() {
      let wanted = operation == "Max" ? max(reals[index], others[index]) : min(reals[index], others[index])
      #expect(abs(value - wanted) <= (isConstant ? 0.05 : 0.1) + 1e-5, "\(index): \(value), expected \(wanted)")
    }
  }
}
