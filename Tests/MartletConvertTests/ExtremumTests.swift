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

  // MARK: - ONNX

  /// A quantization of a test's tensor, int8.
  private struct Grid {
    var scale: Float
    var zero: Int64

    /// From zero on.
    static func positive(_ scale: Float) -> Grid { Grid(scale: scale, zero: -128) }
  }

  private func real(_ name: String, _ grid: Grid, _ b: inout ONNXBuilder) -> String {
    b.constant("\(name)_s", [], [grid.scale])
    b.constant("\(name)_z", [], integers: [grid.zero], type: 3)
    b.node("QuantizeLinear", [name, "\(name)_s", "\(name)_z"], ["\(name)_q"])
    b.node("DequantizeLinear", ["\(name)_q", "\(name)_s", "\(name)_z"], ["\(name)_d"])
    return "\(name)_d"
  }

  private func run(_ b: ONNXBuilder, _ inputs: [[Float]], output: Int = 0) throws -> [Float] {
    let file = try Converter.convert(b.bytes, name: "m.onnx").bytes
    let bytes = try ModelRunner(file: file).run(inputs.map { $0.withUnsafeBytes { Array($0) } })[output]
    return ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
  }

  private func expect(_ found: [Float], _ wanted: [Float], within tolerance: Float, _ what: String = "") {
    #expect(found.count == wanted.count)
    for (index, (x, y)) in zip(found, wanted).enumerated() {
      #expect(abs(x - y) <= tolerance * 1.001, "\(what) \(index): \(x), expected \(y)")
    }
  }

  /// Three scales and zero points: what is largest in real numbers is what comes out, rounded once, and nothing is cut
  /// off on the way.
  @Test(arguments: ["Max", "Min"], [false, true])
  func threeScales(operation: String, isConstant: Bool) throws {
    var b = ONNXBuilder()
    b.input("x", [1, 4])
    let x = real("x", Grid(scale: 0.01, zero: 0), &b)
    b.constant("ks", [], [0.1])
    b.constant("kz", [], integers: [4], type: 3)
    b.constant("k", [1, 4], integers: [100, -100, 3, 0], type: 3)
    b.node("DequantizeLinear", ["k", "ks", "kz"], ["kd"])
    var other = "kd"
    if !isConstant {
      b.node("Add", [x, "kd"], ["s"])
      other = real("s", Grid(scale: 0.1, zero: 4), &b)
    }
    b.node(operation, [x, other], ["m"])
    b.output(real("m", Grid(scale: 0.09, zero: -3), &b))
    let reals: [Float] = [1.2, -0.5, 0.42, 0]
    let others = zip(reals, [9.6, -10.4, -0.1, -0.4] as [Float]).map { isConstant ? $1 : $0 + $1 }
    // Half a step of the result; the sum has one of its own.
    expect(
      try run(b, [reals]), zip(reals, others).map { operation == "Max" ? max($0, $1) : min($0, $1) },
      within: isConstant ? 0.045 : 0.095)
  }

  private struct Case {
    var operation: String
    var constant: [Float]
    var input: [Float]
    var grid: Grid
    var wanted: [Float]
  }

  private static let far: [Case] = [
    Case(
      operation: "Min", constant: [0.5, 0.5, 1000], input: [0.2, 0.9, 0.9], grid: .positive(0.004),
      wanted: [0.2, 0.5, 0.9]),
    Case(
      operation: "Min", constant: [6, 6, .infinity], input: [5, 9, 9], grid: .positive(0.05), wanted: [5, 6, 9]),
    Case(
      operation: "Max", constant: [-.infinity, 0, 0.25], input: [-0.5, -0.5, -0.5], grid: Grid(scale: 0.01, zero: 0),
      wanted: [-0.5, 0, 0.25]),
    Case(
      operation: "Max", constant: [-1e30, 0.5, -1], input: [0.2, 0.2, 0.9], grid: .positive(0.004),
      wanted: [0.2, 0.5, 0.9]),
  ]

  /// A constant that reaches further than the result does, with the result's quantization stated or inferred.
  @Test(arguments: [false, true]) func constantsFarOut(isInferred: Bool) throws {
    for each in Self.far {
      var b = ONNXBuilder()
      b.input("x", [1, 3])
      let x = real("x", each.grid, &b)
      b.constant("k", [1, 3], each.constant)
      b.node(each.operation, [x, "k"], ["m"])
      let grid = Grid(scale: each.grid.scale * 1.25, zero: each.grid.zero + (each.grid.zero < 0 ? 0 : 7))
      b.output(isInferred ? "m" : real("m", grid, &b))
      expect(try run(b, [each.input]), each.wanted, within: grid.scale / 2, "\(each.operation) \(each.constant)")
    }
  }

  /// Another reader has the same constant in a range of its own.
  @Test func sharedConstant() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3])
    let x = real("x", .positive(0.004), &b)
    b.constant("k", [1, 3], [0.5, 0.5, 1000])
    b.node("Add", [x, "k"], ["a"])
    b.node("Min", ["k", x], ["m"])
    b.output(real("a", .positive(4), &b))
    b.output(real("m", .positive(0.005), &b))
    expect(try run(b, [[0.2, 0.9, 0.9]]), [0, 0, 1000], within: 2)
    expect(try run(b, [[0.2, 0.9, 0.9]], output: 1), [0.2, 0.5, 0.9], within: 0.0025)
  }

  // MARK: - Ranges

  /// min and max of the bounds, each for itself.
  @Test func inferredRange() throws {
    for (operation, wanted) in [("Min", -2...1), ("Max", 0...4)] as [(String, ClosedRange<Float>)] {
      var b = ONNXBuilder()
      b.input("x", [1, 3])
      b.input("y", [1, 3])
      let (x, y) = (real("x", .positive(4 / 255), &b), real("y", Grid(scale: 3 / 255, zero: 42), &b))
      b.node(operation, [x, y], ["m"])
      b.output("m")
      var graph = try b.graph(passes: true)
      let plan = try QuantizationPlan(&graph)
      let range = try #require(plan.quantizations[graph.outputs[0].value]).range
      #expect(abs(range.lowerBound - wanted.lowerBound) < 0.03 && abs(range.upperBound - wanted.upperBound) < 0.03)
    }
  }

  /// Not numbers are refused by their constant's name, infinite ranges by their node's.
  @Test(
    arguments: [
      ("Add", [.nan, 1], false, "constant 'k' holds NaN"), ("Add", [1, .nan], false, "constant 'k' holds NaN"),
      ("Max", [.nan, 1], false, "constant 'k' holds NaN"), ("Max", [1, .nan], true, "constant 'k' holds NaN"),
      ("Max", [.infinity, 1], false, "its result has no finite range, as that of an operand is too large"),
      ("Add", [-.infinity, .infinity], false, "its result has no finite range, as that of an operand is too large"),
      ("Mul", [.infinity, 1], false, "its result has no finite range, as that of an operand is too large"),
    ] as [(String, [Float], Bool, String)])
  func refusals(operation: String, constant: [Float], isStated: Bool, line: String) {
    var b = ONNXBuilder()
    b.input("x", [1, 2, 3])
    let x = real("x", .positive(0.004), &b)
    b.constant("k", [1, 2, 1], constant)
    b.node(operation, [x, "k"], ["m"])
    b.output(isStated ? real("m", .positive(0.004), &b) : "m")
    #expect {
      try Converter.convert(b.bytes, name: "m.onnx")
    } throws: {
      ($0 as? ConversionError)?.lines == ["m.onnx: node 2 'n2' (\(operation)): \(line)"]
    }
  }

  /// Not a number if one of the two is none, on either side and where both are constant.
  @Test(arguments: ["Max", "Min"]) func notANumber(operation: String) throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3])
    b.constant("a", [1, 3], [.nan, 1, 2])
    b.constant("c", [1, 3], [1, .nan, 3])
    b.node(operation, ["a", "c"], ["k"])
    b.node(operation, ["x", "c"], ["m"])
    b.node(operation, ["c", "x"], ["n"])
    b.node("Add", ["x", "k"], ["s"])
    for name in ["m", "n", "s"] { b.output(name) }
    let found = try FloatExecutor(b.graph()).run([[.nan, 2, 3]])
    #expect(found.map { $0.map(\.isNaN) } == Array(repeating: [true, true, false], count: 3))
  }

  // MARK: - Names and weights

  private func lowered(_ b: ONNXBuilder) throws -> Lowering {
    var graph = try b.graph(passes: true)
    let plan = try QuantizationPlan(&graph)
    graph = try QuantizedGraph.make(graph, quantizations: plan.quantizations)
    var lowering = Lowering(graph)
    for node in graph.nodes { try lowering.lower(node) }
    return lowering
  }

  /// Where results are compared by their names, an operand that is requantized counts once: what stands for it has the
  /// scale and zero point of the result, and a name of its own, whatever names the model has.
  @Test(arguments: ["Max", "Concat"]) func namesOfTemporaries(operation: String) throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3])
    b.input("x'", [1, 3])
    let (x, y) = (real("x", Grid(scale: 0.01, zero: 2), &b), real("x'", Grid(scale: 0.02, zero: 3), &b))
    b.node(operation, [x, y], ["m"], integers: operation == "Concat" ? ["axis": [1]] : [:])
    b.output(real("m", Grid(scale: 0.03, zero: 4), &b))
    let lowering = try lowered(b)
    let names = Set(lowering.graph.values.map(\.name))
    let temporaries = lowering.program.operators.filter { $0.opcode == .table }.map {
      lowering.program.tensors[$0.output]
    }
    #expect(temporaries.count == 2)
    for tensor in temporaries {
      #expect(!names.contains(tensor.name))
      #expect(tensor.scale == 0.03 && tensor.zeroPoint == 4)
    }
  }

  /// A result that several operators write is shown when it is whole.
  @Test func resultsAreObservedOnce() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3])
    b.input("y", [1, 3])
    let (x, y) = (real("x", Grid(scale: 0.01, zero: 2), &b), real("y", Grid(scale: 0.02, zero: 3), &b))
    b.node("Concat", [x, y], ["m"], integers: ["axis": [1]])
    b.output(real("m", Grid(scale: 0.03, zero: 4), &b))
    var seen: [String] = []
    try DeviceModel(Converter.convert(b.bytes, name: "m.onnx").bytes, name: "m").runObserved { seen.append($0.name) }
    #expect(seen.sorted() == ["m", "x'", "y'"])
  }

  /// A mean over axes that are apart moves its operand first: the same numbers in another order.
  @Test func namesOfMovedOperands() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 2, 5, 4])
    let x = real("x", Grid(scale: 0.01, zero: 2), &b)
    b.node("ReduceMean", [x], ["m"], integers: ["axes": [1, 3]])
    b.output(real("m", Grid(scale: 0.01, zero: 2), &b))
    let program = try lowered(b).program
    let moved = program.tensors[try #require(program.operators.first { $0.opcode == .copy }).output]
    #expect(moved.name == "x'" && moved.scale == 0.01 && moved.zeroPoint == 2)
  }

  /// A copy of a constant for each quantization, not for each node; it counts among the weights.
  @Test func copiesOfConstants() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 5])
    let x = real("x", .positive(0.004), &b)
    b.constant("k", [1, 5], [0.1, 0.2, 0.3, 0.4, 0.5])
    for (index, scale) in [0.004, 0.008, 0.004, 0.008, 0.004].enumerated() {
      b.node(index < 2 ? "Min" : "Max", [x, "k"], ["m\(index)"])
      b.output(real("m\(index)", .positive(Float(scale)), &b))
    }
    let lowering = try lowered(b)
    let (operators, tensors) = (lowering.program.operators, lowering.program.tensors)
    let copies = Set(operators.flatMap { $0.inputs.filter { tensors[$0].constant != nil } })
    #expect(copies.count == 2)
    #expect(Set(copies.map { tensors[$0].scale }) == [0.004, 0.008])
    #expect(!copies.contains { index in lowering.graph.values.contains { $0.name == tensors[index].name } })
    // A table brings x to the other scale, once for each of two nodes.
    #expect(lowering.weightsBytes == 2 * 5 + 2 * 256)
  }
}
