import Foundation
import Testing

@testable import MartletConvert

/// ONNX's own conformance tests, one node each, through the importer and the float executor.
@Suite struct ONNXNodeTests {
  enum Outcome {
    case passed
    /// The importer says in one line what it does not take.
    case refused(String)
    case failed(String)
  }

  static func tensor(_ url: URL) throws -> ONNXTensor {
    let message = try ONNXProtoTensor(serializedBytes: Data(contentsOf: url))
    return try ONNXTensor(message, name: url.lastPathComponent, external: ONNXExternalData(directory: nil))
  }

  /// The first real input is given at run time; all others are constants, as they are in real models.
  static func run(_ directory: URL) throws -> Outcome {
    let bytes = [UInt8](try Data(contentsOf: directory.appendingPathComponent("model.onnx")))
    let data = directory.appendingPathComponent("test_data_set_0")
    do {
      let model = try ONNXModel(bytes, name: "model.onnx", directory: nil)
      let inputs = model.message.graph.input
      var given: ONNXTensor?
      var bindings: [String: ONNXTensor] = [:]
      for (index, input) in inputs.enumerated() {
        let url = data.appendingPathComponent("input_\(index).pb")
        guard FileManager.default.fileExists(atPath: url.path) else { continue }
        let value = try tensor(url)
        if given == nil, value.isReal || value.type == .uint8 || value.type == .int8 {
          given = value
        } else {
          bindings[input.name] = value
        }
      }
      guard let input = given else { return try constants(model, bindings, data) }
      let (graph, _) = try ONNXImporter.graph(from: model, name: "model.onnx", layout: .nhwc, bindings: bindings)
      let results = try FloatExecutor(graph).run([try dequantized(input, graph.values[graph.inputs[0].value])])
      for (index, result) in results.enumerated() {
        let wanted = try tensor(data.appendingPathComponent("output_\(index).pb"))
        let value = graph.values[graph.outputs[index].value]
        if value.shape != wanted.shape, !(value.shape == [1] && wanted.shape.isEmpty) {
          return .failed("shape \(value.shape), expected \(wanted.shape)")
        }
        let expected = try dequantized(wanted, value)
        let isQuantized = !wanted.isReal && value.quantization != nil
        let step = isQuantized ? value.quantization?.scales[0] ?? 0 : 0
        let quantization = value.quantization.map { TensorQuantization($0) }
        // The float executor does not saturate.
        let bounded = isQuantized ? result.map { quantization?.range.clamping($0) ?? $0 } : result
        for (a, b) in zip(bounded, expected) where !(a == b || a.isNaN && b.isNaN) {
          // A quantized result may round the other way.
          guard abs(a - b) <= max(1e-5 + 1e-3 * abs(b), step * 1.01) else { return .failed("\(a), expected \(b)") }
        }
      }
      return .passed
    } catch let error as ConversionError {
      guard error.kind == .unsupported, !error.lines.isEmpty else { return .failed(error.description) }
      return .refused(error.lines[0])
    }
  }

  /// A node of constants only, which the importer folds.
  private static func constants(_ model: ONNXModel, _ bindings: [String: ONNXTensor], _ data: URL) throws -> Outcome {
    for (index, found) in try ONNXImporter.constants(of: model, name: "model.onnx", bindings: bindings).enumerated() {
      guard let found else { return .refused("model.onnx: is not folded") }
      let wanted = try tensor(data.appendingPathComponent("output_\(index).pb"))
      guard found.shape == wanted.shape else { return .failed("shape \(found.shape), expected \(wanted.shape)") }
      for (a, b) in zip(found.reals, wanted.reals) where abs(a - b) > 1e-5 * max(1, abs(b)) {
        return .failed("\(a), expected \(b)")
      }
    }
    return .passed
  }

  private static func dequantized(_ tensor: ONNXTensor, _ value: Value) throws -> [Float] {
    guard !tensor.isReal, let quantization = value.quantization else { return tensor.reals }
    let offset: Int64 = tensor.type == .uint8 ? 128 : 0
    return tensor.integers.map { Float($0 - offset - Int64(quantization.zeroPoints[0])) * quantization.scales[0] }
  }

  /// Their expected values wrap around where int8 ends; ONNX Runtime 1.32 saturates there, as we do.
  static let wraps: Set<String> = ["test_qlinearmatmul_2D_int8_float16", "test_qlinearmatmul_2D_int8_float32"]

  @Test(.enabled(if: Corpus.isThere)) func conformance() throws {
    let root = try #require(Corpus.directory).appendingPathComponent("onnx_node")
    let names = try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
    var passed = 0
    var refused: [String] = []
    for name in names where !Self.wraps.contains(name) {
      switch try Self.run(root.appendingPathComponent(name)) {
      case .passed: passed += 1
      case .refused(let line): refused.append("\(name): \(line)")
      case .failed(let line): Issue.record("\(name): \(line)")
      }
    }
    print(
      "onnx_node: \(passed) of \(names.count) passed, \(refused.count) refused by name, \(Self.wraps.count) left out")
    if let path = ProcessInfo.processInfo.environment["MARTLET_REFUSED"] {
      try refused.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(passed >= 250)
  }
}
