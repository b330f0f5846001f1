import Foundation
import Testing

@testable import MartletConvert

/// Malformed and odd ONNX models: each is refused in one line that names the place, or taken with a note.
@Suite struct ONNXRefusalTests {
  /// The lines with which `builder` is refused.
  private func lines(_ change: (inout ONNXBuilder) -> Void) -> [String] {
    var builder = ONNXBuilder()
    change(&builder)
    return lines(builder.bytes)
  }

  private func lines(_ bytes: [UInt8], directory: String? = nil) -> [String] {
    do throws(ConversionError) {
      _ = try Converter.convert(bytes, name: "m.onnx", directory: directory)
      return []
    } catch {
      #expect(error.lines.allSatisfy { $0.hasPrefix("m.onnx: ") && !$0.contains("\n") })
      return error.lines
    }
  }

  private func expect(
    _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout ONNXBuilder) -> Void
  ) {
    let found = lines(change)
    #expect(found.count == 1, "\(found)", sourceLocation: sourceLocation)
    for word in words { #expect(found.first?.contains(word) == true, "\(found)", sourceLocation: sourceLocation) }
  }

  private func unary(_ b: inout ONNXBuilder, _ type: String = "Relu") {
    b.input("x", [1, 8])
    b.node(type, ["x"], ["y"])
    b.output("y")
  }

  @Test func truncatedMessage() {
    let bytes = ONNXBuilder.classifier().bytes
    for count in [5, 20, bytes.count / 2, bytes.count - 1] {
      #expect(lines(Array(bytes[..<count])).count == 1)
    }
  }

  @Test func everyPrefixAndManyFlips() {
    var bytes = ONNXBuilder.classifier().bytes
    for count in stride(from: 0, to: bytes.count, by: 7) { _ = lines(Array(bytes[..<count])) }
    var random = Random(seed: 3)
    for _ in 0..<300 {
      let place = Int(random.next() % UInt64(bytes.count))
      let old = bytes[place]
      bytes[place] = UInt8(truncatingIfNeeded: random.next())
      _ = lines(bytes)
      bytes[place] = old
    }
  }

  @Test func formatsAreToldApart() {
    #expect(ONNXModel.matches(ONNXBuilder.classifier().bytes))
    // A root offset of 8, as some writers of flat buffers have it.
    #expect(!ONNXModel.matches([8, 0, 0, 0] + Array("TFL3".utf8) + [0, 0, 0, 0]))
  }

  @Test func noGraph() {
    #expect(lines([0x08, 8, 0x12, 1, 0x41, 0x1A, 1, 0x41, 0x22, 1, 0x41]).first?.contains("no graph") == true)
  }

  @Test func cycle() {
    expect("'b'", "cycle") { b in
      b.input("x", [1, 8])
      b.node("Add", ["x", "b"], ["a"])
      b.node("Relu", ["a"], ["b"])
      b.output("b")
    }
  }

  @Test func missingInitializer() {
    expect("node 0 'n0' (Conv)", "'w'") { b in
      b.input("x", [1, 3, 8, 8])
      b.node("Conv", ["x", "w"], ["y"])
      b.output("y")
    }
  }

  @Test func outputNeverComputed() {
    expect("output 'z' is never computed") { b in
      b.input("x", [1, 8])
      b.node("Relu", ["x"], ["y"])
      b.output("z")
    }
  }

  @Test func writtenTwice() {
    expect("'y'", "already there") { b in
      unary(&b)
      b.node("Relu", ["x"], ["y"])
    }
  }

  @Test func negativeDimension() {
    expect("negative dimension, -3") { b in
      b.input("x", [1, -3, 8, 8])
      b.node("Relu", ["x"], ["y"])
      b.output("y")
    }
  }

  @Test func negativeInitializerDimension() {
    expect("'w'", "negative") { b in
      b.constant("w", [-1, 4], [])
      unary(&b)
    }
  }

  @Test func wrappingDimensions() {
    expect("'w'", "2^30") { b in
      b.constant("w", [1 << 40, 1 << 40, 1 << 40], [])
      unary(&b)
    }
  }

  @Test func dataOfAnotherSize() {
    expect("'w'", "3 elements") { b in
      b.constant("w", [2, 2], [1, 2, 3])
      unary(&b)
    }
  }

  @Test func dynamicHeight() {
    expect("--shape") { b in
      b.input("x", [1, 3, nil, 8])
      b.node("Relu", ["x"], ["y"])
      b.output("y")
    }
  }

  @Test func dynamicBatchBecomesOne() throws {
    var b = ONNXBuilder()
    b.input("x", [nil, 8])
    b.node("Relu", ["x"], ["y"])
    b.output("y")
    let model = try ONNXModel(b.bytes, name: "m.onnx", directory: nil)
    let (graph, notes) = try ONNXImporter.graph(from: model, name: "m.onnx")
    #expect(graph.values[graph.inputs[0].value].shape == [1, 8])
    #expect(notes.count == 1 && notes[0].contains("batch"))
  }

  @Test func wrongInputType() {
    expect("input 'x' is string") { b in
      b.input("x", [1, 8], type: 8)
      b.node("Relu", ["x"], ["y"])
      b.output("y")
    }
  }

  @Test func wrongWeightType() {
    expect("'w'", "complex64") { b in
      b.constant("w", [1], integers: [1], type: 14)
      unary(&b)
    }
  }

  @Test func allUnsupportedAtOnce() {
    let found = lines { b in
      b.input("x", [1, 8])
      b.node("Einsum", ["x"], ["a"])
      b.node("Relu", ["a"], ["b"])
      b.node("NonZero", ["x"], ["c"])
      b.node("MyOwn", ["b"], ["y"])
      b.output("y")
    }
    #expect(found.count == 2 || found.count == 3)
    #expect(found.contains { $0.contains("node 0 'n0' (Einsum)") } && found.contains { $0.contains("(NonZero)") })
  }

  @Test func foreignDomain() {
    expect("domain 'acme'") { b in
      unary(&b)
      b.message.graph.node[0].domain = "acme"
    }
  }

  @Test func oldOpset() {
    expect("operator set 6") { b in
      b.message.opsetImport[0].version = 6; unary(&b)
    }
  }

  @Test func weightsThatDoNotFit() {
    expect("node 0", "do not fit") { b in
      b.input("x", [1, 3, 8, 8])
      b.constant("w", [4, 5, 1, 1], Array(repeating: 1, count: 20))
      b.node("Conv", ["x", "w"], ["y"])
      b.output("y")
    }
  }

  @Test func badPads() {
    expect("pads") { b in
      b.input("x", [1, 3, 8, 8])
      b.constant("w", [4, 3, 1, 1], Array(repeating: 1, count: 12))
      b.node("Conv", ["x", "w"], ["y"], integers: ["pads": [-9, 0, 0, 0]])
      b.output("y")
    }
  }

  @Test func extremeNumbers() {
    for number in [Int64.min, Int64.max] {
      expect("pads") { b in
        b.input("x", [1, 8])
        b.constant("p", [4], integers: [0, number, 0, 0])
        b.node("Pad", ["x", "p"], ["y"])
        b.output("y")
      }
      let found = lines { b in
        b.input("x", [1, 8])
        b.constant("i", [1], integers: [number])
        b.node("Slice", ["x", "i", "i", "i", "i"], ["y"])
        b.output("y")
      }
      #expect(found.count == 1)
    }
  }

  @Test func badReshape() {
    expect("cannot become") { b in
      b.input("x", [1, 8])
      b.constant("s", [2], integers: [3, 3])
      b.node("Reshape", ["x", "s"], ["y"])
      b.output("y")
    }
  }

  @Test func scaleOfZero() {
    expect("scale") { b in
      b.input("x", [1, 8])
      b.constant("s", [], [0])
      b.constant("z", [], integers: [0], type: 3)
      b.node("QuantizeLinear", ["x", "s", "z"], ["q"])
      b.node("DequantizeLinear", ["q", "s", "z"], ["y"])
      b.output("y")
    }
  }

  @Test func blockwiseAndInt16() {
    expect("int16") { b in
      b.input("x", [1, 8])
      b.constant("s", [], [0.1])
      b.constant("z", [], integers: [0], type: 5)
      b.node("QuantizeLinear", ["x", "s", "z"], ["y"])
      b.output("y")
    }
  }

  @Test func floatModelIsSentToQuantize() { expect("martlet-tools quantize") { b in unary(&b) } }

  @Test func notANumberInWeights() throws {
    var b = ONNXBuilder()
    b.input("x", [1, 3, 8, 8])
    b.constant("w", [4, 3, 1, 1], Array(repeating: .nan, count: 12))
    b.node("Conv", ["x", "w"], ["y"])
    b.output("y")
    var graph = try b.graph()
    #expect(throws: ConversionError.self) {
      let plan = try QuantizationPlan(
        &graph, fixed: Dictionary(uniqueKeysWithValues: graph.values.indices.map { ($0, -1...1) }))
      _ = try QuantizedGraph.make(graph, quantizations: plan.quantizations)
    }
  }

  // MARK: - External data

  private func external(_ entries: [String: String]) -> [UInt8] {
    var b = ONNXBuilder()
    unary(&b)
    b.message.graph.initializer.append(
      .with {
        $0.name = "w"
        $0.dims = [2]
        $0.dataType = 1
        $0.dataLocation = 1
        $0.externalData = entries.map { entry in .with { ($0.key, $0.value) = (entry.key, entry.value) } }
      })
    return b.bytes
  }

  @Test func externalDataOutsideTheFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
    let inner = folder.appendingPathComponent("model")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(repeating: 0, count: 8).write(to: folder.appendingPathComponent("secret"))
    try Data(repeating: 0, count: 8).write(to: inner.appendingPathComponent("w.bin"))
    try FileManager.default.createSymbolicLink(
      at: inner.appendingPathComponent("link"), withDestinationURL: folder.appendingPathComponent("secret"))
    for location in ["../secret", folder.appendingPathComponent("secret").path, "a/../../secret", "link"] {
      let found = lines(external(["location": location]), directory: inner.path)
      #expect(found.count == 1 && found[0].contains("outside"), "\(location): \(found)")
    }
    #expect(lines(external(["location": "none.bin"]), directory: inner.path).first?.contains("not there") == true)
    #expect(
      lines(external(["location": "w.bin", "offset": "4"]), directory: inner.path).first?.contains("ends before")
        == true)
    #expect(
      lines(external(["location": "w.bin", "offset": "-4"]), directory: inner.path).first?.contains("not valid") == true
    )
    // The good case goes on to the next complaint.
    #expect(lines(external(["location": "w.bin"]), directory: inner.path).first?.contains("is float") == true)
  }
}
