import Foundation
import Testing

@testable import MartletConvert

/// Random pictures' worth of numbers.
private struct NoiseSamples: SampleSource {
  var count: Int
  var size: Int

  func sample(_ index: Int) -> [Float] {
    var random = Random(seed: UInt64(index) + 11)
    return (0..<size).map { _ in random.real() }
  }
}

@Suite struct QuantizerTests {
  private func run(_ graph: Graph, _ input: [Float]) throws -> [Float] { try FloatExecutor(graph).run([input])[0] }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    #expect(a.count == b.count)
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  @Test func passesKeepTheFunction() throws {
    let plain = try ONNXBuilder.classifier().graph()
    let passed = try ONNXBuilder.classifier().graph(passes: true)
    // Batch normalization is in the weights, and hard-swish is one function.
    #expect(passed.nodes.count < plain.nodes.count - 4)
    let samples = NoiseSamples(count: 3, size: 768)
    for index in 0..<3 {
      #expect(largestDifference(try run(plain, samples.sample(index)), try run(passed, samples.sample(index))) < 1e-4)
    }
  }

  @Test func equalizationKeepsTheFunction() throws {
    var b = ONNXBuilder()
    var random = Random(seed: 5)
    b.input("x", [1, 3, 8, 8])
    b.constant("w1", [8, 3, 3, 3], (0..<216).map { random.real() * Float($0 / 27 + 1) })
    b.node("Conv", ["x", "w1"], ["a"])
    b.node("Relu", ["a"], ["b"])
    b.constant("w2", [4, 8, 1, 1], (0..<32).map { _ in random.real() })
    b.node("Conv", ["b", "w2"], ["y"])
    b.output("y")
    let plain = try b.graph(passes: true)
    var equal = plain
    try Equalization.weights.run(&equal, NoiseSamples(count: 1, size: 192))
    let input = NoiseSamples(count: 1, size: 192).sample(0)
    #expect(largestDifference(try run(plain, input), try run(equal, input)) < 1e-3)
    let ranges = equal.nodes.filter(\.operation.hasWeights).map { equal.weightRanges($0) }
    // The rows of the first are the columns of the second, and both have one range now.
    #expect((ranges[0].max() ?? 0) / (ranges[0].min() ?? 1) < 6)
    var even = plain
    try Equalization.activations.run(&even, NoiseSamples(count: 8, size: 192))
    #expect(largestDifference(try run(plain, input), try run(even, input)) < 1e-3)
  }

  private func quantized(_ samples: NoiseSamples) throws -> (float: Graph, int8: Conversion) {
    var graph = try ONNXBuilder.classifier().graph(passes: true)
    let float = graph
    let calibration = try Calibration(FloatExecutor(graph), samples) { _ in }
    let plan = try QuantizationPlan(&graph, distributions: calibration.distributions, method: .squaredError)
    let sweep = try LayerSweep(
      graph, quantizations: plan.quantizations, source: samples, indices: Array(0..<samples.count),
      options: LayerSweep.Options(correctsBias: true, refines: true))
    var model = try SourceModel(
      ONNXBuilder.classifier().bytes, name: "m.onnx", directory: nil, options: ConversionOptions())
    model.graph = try QuantizedGraph.make(graph, quantizations: plan.quantizations, weights: sweep.weights)
    return (float, try Converter.finish(model, options: ConversionOptions()))
  }

  @Test func deviceFollowsFloat() throws {
    let samples = NoiseSamples(count: 24, size: 768)
    let (float, int8) = try quantized(samples)
    let runner = ModelRunner(file: int8.bytes)
    var statistics = ErrorStatistics()
    for index in 0..<samples.count {
      let input = samples.sample(index)
      let bytes = try runner.run([input.withUnsafeBytes { Array($0) }])[0]
      let scores = ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
      for (x, y) in zip(try run(float, input), scores) { statistics.add(Double(x), Double(y)) }
    }
    #expect(statistics.signalToNoise > 25, "\(statistics.signalToNoise)")
  }

  @Test func sameInputsGiveTheSameFile() throws {
    let samples = NoiseSamples(count: 9, size: 768)
    #expect(try quantized(samples).int8.bytes == quantized(samples).int8.bytes)
  }

  /// An operator that keeps its quantization, where the model has another on each side, is followed by a table from one
  /// to the other.
  @Test(arguments: ["MaxPool", "Flatten", "Softmax", "AveragePool"]) func quantizationThatDiffers(_ type: String) throws
  {
    var b = ONNXBuilder()
    b.input("x", [1, 2, 4, 4])
    b.constant("s1", [], [0.02])
    b.constant("s2", [], [0.05])
    b.constant("z", [], integers: [0], type: 3)
    b.node("QuantizeLinear", ["x", "s1", "z"], ["q1"])
    b.node("DequantizeLinear", ["q1", "s1", "z"], ["d1"])
    b.node(type, ["d1"], ["o"], integers: type.hasSuffix("Pool") ? ["kernel_shape": [2, 2]] : [:])
    b.node("QuantizeLinear", ["o", "s2", "z"], ["q2"])
    b.node("DequantizeLinear", ["q2", "s2", "z"], ["y"])
    b.output("y")
    let conversion = try Converter.convert(b.bytes, name: "m.onnx")
    let input = NoiseSamples(count: 1, size: 32).sample(0)
    let bytes = try ModelRunner(file: conversion.bytes).run([input.withUnsafeBytes { Array($0) }])[0]
    let scores = ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
    for (x, y) in zip(try run(b.graph(), input), scores) { #expect(abs(x - y) <= 0.061, "\(x) \(y)") }
  }

  /// A sum before a rectifier, without a scale of its own: its range follows from its operands.
  @Test func rangesAreInferred() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 4])
    b.constant("s", [], [0.02])
    b.constant("z", [], integers: [0], type: 3)
    b.constant("c", [4], [1, -1, 2, 0.5])
    b.node("QuantizeLinear", ["x", "s", "z"], ["q"])
    b.node("DequantizeLinear", ["q", "s", "z"], ["d"])
    b.node("Add", ["d", "c"], ["a"])
    b.node("Relu", ["a"], ["y"])
    b.output("y")
    let conversion = try Converter.convert(b.bytes, name: "m.onnx")
    let input: [Float] = [-0.5, 2, 1, -2]
    let bytes = try ModelRunner(file: conversion.bytes).run([input.withUnsafeBytes { Array($0) }])[0]
    let scores = ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
    for (x, y) in zip([0.5, 1, 3, 0] as [Float], scores) { #expect(abs(x - y) <= 0.03, "\(x) \(y)") }
  }

  /// A rectifier whose quantization it shares with negative values, through a concatenation: the sweep computes what
  /// the device does.
  @Test func sweepClampsAsTheDeviceDoes() throws {
    var b = ONNXBuilder()
    var random = Random(seed: 9)
    b.input("x", [1, 3, 8, 8])
    for name in ["w1", "w2"] { b.constant(name, [4, 3, 1, 1], (0..<12).map { _ in random.real() }) }
    b.node("Conv", ["x", "w1"], ["a"])
    b.node("Relu", ["a"], ["r"])
    b.node("Conv", ["x", "w2"], ["n"])
    b.node("Concat", ["r", "n"], ["c"], integers: ["axis": [1]])
    b.node("GlobalAveragePool", ["c"], ["g"])
    b.node("Flatten", ["g"], ["y"])
    b.output("y")
    var graph = try b.graph(passes: true)
    let samples = NoiseSamples(count: 6, size: 192)
    let calibration = try Calibration(FloatExecutor(graph), samples) { _ in }
    let plan = try QuantizationPlan(&graph, distributions: calibration.distributions)
    let sweep = try LayerSweep(
      graph, quantizations: plan.quantizations, source: samples, indices: Array(0..<6),
      options: LayerSweep.Options(correctsBias: false, refines: false))
    var model = try SourceModel(b.bytes, name: "m.onnx", directory: nil, options: ConversionOptions())
    model.graph = try QuantizedGraph.make(graph, quantizations: plan.quantizations, weights: sweep.weights)
    let runner = ModelRunner(file: try Converter.finish(model, options: ConversionOptions()).bytes)
    let step = try #require(plan.quantizations[graph.outputs[0].value]).scale
    for index in 0..<6 {
      let input = samples.sample(index)
      let bytes = try runner.run([input.withUnsafeBytes { Array($0) }])[0]
      let scores = ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
      for (x, y) in zip(sweep.outputs[index][0], scores) { #expect(abs(x - y) <= step * 1.01, "\(x) \(y)") }
    }
  }

  /// A clamp behind a convolution stays with it; what follows is a function of what the clamp leaves.
  @Test func clampsStayWithTheirLayer() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3, 4, 4])
    b.constant("w", [2, 3, 1, 1], [1, 2, 3, 4, 5, 6])
    b.node("Conv", ["x", "w"], ["c"])
    b.node("Relu", ["c"], ["r"])
    b.node("Tanh", ["r"], ["y"])
    b.output("y")
    let graph = try b.graph(passes: true)
    let functions = graph.nodes.compactMap { node -> ScalarFunction? in
      if case .unary(let function) = node.operation { function.scalar } else { nil }
    }
    #expect(functions.count == 2 && functions[0].clampBounds == 0 ... .infinity)
    #expect(functions.last == .unary(.tanh))
  }

  @Test func rangeCoversZero() {
    for range: ClosedRange<Float> in [0...6, -1...1, -0.3...7.2, 2...3, -9 ... -4, 0...0] {
      let quantization = TensorQuantization(covering: range)
      #expect(quantization.real(quantization.quantize(0)) == 0)
      #expect((-128...127).contains(quantization.zeroPoint))
      for real in [range.lowerBound, range.upperBound] {
        #expect(abs(quantization.real(quantization.quantize(real)) - real) <= quantization.scale * 0.51)
      }
    }
  }

  @Test func rareValuesAreCutOff() {
    var seen = Distribution()
    var random = Random(seed: 1)
    var values = (0..<100_000).map { _ in random.real() }
    values += [40]
    seen.extend(values)
    seen.count(values)
    #expect(RangeMethod.minMax.range(of: seen).upperBound == 40)
    // With N values in steps of (u + 1) / 255, N (u + 1)^2 / (12 * 255^2) + (40 - u)^2 is least at u = 35.6.
    #expect(abs(RangeMethod.squaredError.range(of: seen).upperBound - 35.6) < 1)
  }

  @Test func refinementNeverIncreasesTheLayersError() throws {
    var graph = try ONNXBuilder.classifier().graph(passes: true)
    let samples = NoiseSamples(count: 12, size: 768)
    let calibration = try Calibration(FloatExecutor(graph), samples) { _ in }
    let plan = try QuantizationPlan(&graph, distributions: calibration.distributions)
    func noise(_ refines: Bool) throws -> Double {
      let sweep = try LayerSweep(
        graph, quantizations: plan.quantizations, source: samples, indices: Array(0..<12),
        options: LayerSweep.Options(correctsBias: true, refines: refines))
      return sweep.errors[0].statistics.noise
    }
    #expect(try noise(true) <= noise(false) * 1.02)
  }

  /// FULLY_CONNECTED with a fused RELU, in real numbers.
  @Test func floatTFLite() throws {
    func floats(_ values: [Float]) -> [UInt8] { values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } } }
    var model = TestModel.unary(19)
    model.tensors = [
      TestModel.Tensor(shape: [1, 2], type: 0, scales: []),
      TestModel.Tensor(shape: [3, 2], type: 0, scales: [], data: floats([1, 2, -1, 0.5, 0, -3])),
      TestModel.Tensor(shape: [3], type: 0, scales: [], data: floats([0.5, 0, 1])),
      TestModel.Tensor(shape: [1, 3], type: 0, scales: []),
    ]
    model.operators = [
      TestModel.Operator(code: 9, inputs: [0, 1, 2], outputs: [3], options: (8, [0: .int8(1)]))
    ]
    model.outputs = [3]
    let source = try SourceModel(model.bytes(), name: "m", directory: nil, options: ConversionOptions())
    #expect(source.isFloat)
    #expect(try run(source.graph, [1, -1]) == [0, 0, 4])
    #expect(try run(source.graph, [2, 1]) == [4.5, 0, 0])
    // Without pictures there is nothing to quantize it by.
    #expect(throws: ConversionError.self) { try Converter.convert(model.bytes(), name: "m") }
    let blind = try Quantizer.quantizeBlindly(model.bytes(), name: "m")
    let bytes = try ModelRunner(file: blind.bytes).run([floats([2, 1])])[0]
    let scores = ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
    for (x, y) in zip([4, 0, 0] as [Float], scores) { #expect(abs(x - y) < 0.1) }
  }

  @Test func scalarFunctions() {
    let cases: [(ScalarFunction, (Double) -> Double)] = [
      (.hardSwish, { $0 * min(max($0 / 6 + 0.5, 0), 1) }), (.gelu, { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
      (.swish(1), { $0 / (1 + exp(-$0)) }), (.leakyRelu(0.1), { $0 > 0 ? $0 : 0.1 * $0 }),
      (.elu(alpha: 1), { $0 > 0 ? $0 : exp($0) - 1 }), (.mish, { $0 * tanh(log1p(exp($0))) }),
    ]
    for (function, wanted) in cases {
      for x in stride(from: -6.0, through: 6, by: 0.37) { #expect(abs(function(x) - wanted(x)) < 1e-5) }
    }
    #expect(ScalarFunction.clamp(0, 6).clampBounds == 0...6)
    #expect(ScalarFunction.hardSwish.clampBounds == nil)
  }
}

@Suite struct LabelTableTests {
  @Test func reads() throws {
    let (files, labels) = try LabelTable.read(Array("file,label\na.jpg,3\n\nb,c.png, 0\n".utf8), name: "l.csv")
    #expect(files == ["a.jpg", "b,c.png"] && labels == [3, 0])
  }

  @Test(arguments: ["", "a.jpg\n", "a.jpg,3\nb.jpg,cat\n", "\u{0}"]) func refuses(_ text: String) {
    #expect(throws: ConversionError.self) { try LabelTable.read(Array(text.utf8), name: "l.csv") }
  }
}
