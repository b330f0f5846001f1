import Foundation
import SwiftProtobuf

@testable import MartletConvert

/// ONNX models in a few lines.
struct ONNXBuilder {
  var message = ONNXProtoModel()

  init(opset: Int64 = 17) {
    message.irVersion = 8
    message.opsetImport = [.with { $0.version = opset }]
  }

  mutating func input(_ name: String, _ shape: [Int64?], type: Int32 = 1) {
    message.graph.input.append(Self.info(name, shape, type))
  }

  mutating func output(_ name: String, _ shape: [Int64?] = []) {
    message.graph.output.append(Self.info(name, shape, 1))
  }

  private static func info(_ name: String, _ shape: [Int64?], _ type: Int32) -> ONNXProtoValueInfo {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = type
      $0.type.tensorType.shape.dim = shape.map { size in
        .with { if let size { $0.dimValue = size } else { $0.dimParam = "batch" } }
      }
    }
  }

  mutating func constant(_ name: String, _ shape: [Int64], _ values: [Float]) {
    message.graph.initializer.append(
      .with {
        $0.name = name
        $0.dims = shape
        $0.dataType = 1
        $0.floatData = values
      })
  }

  mutating func constant(_ name: String, _ shape: [Int64], integers: [Int64], type: Int32 = 7) {
    message.graph.initializer.append(
      .with {
        $0.name = name
        $0.dims = shape
        $0.dataType = type
        if type == 7 { $0.int64Data = integers } else { $0.int32Data = integers.map { Int32($0) } }
      })
  }

  mutating func node(
    _ type: String, _ inputs: [String], _ outputs: [String], integers: [String: [Int64]] = [:],
    reals: [String: Float] = [:]
  ) {
    message.graph.node.append(
      .with { node in
        node.opType = type
        node.name = "n\(message.graph.node.count)"
        node.input = inputs
        node.output = outputs
        for (name, values) in integers.sorted(by: { $0.key < $1.key }) {
          node.attribute.append(
            .with {
              $0.name = name
              if values.count == 1 { $0.i = values[0] }
              $0.ints = values
            })
        }
        for (name, value) in reals.sorted(by: { $0.key < $1.key }) {
          node.attribute.append(.with { ($0.name, $0.f) = (name, value) })
        }
      })
  }

  var bytes: [UInt8] { (try? message.serializedBytes()) ?? [] }

  /// The imported graph, in the model's own layout.
  func graph(passes: Bool = false) throws -> Graph {
    let model = try ONNXModel(bytes, name: "m.onnx", directory: nil)
    var graph = try ONNXImporter.graph(from: model, name: "m.onnx").graph
    if passes { FloatPasses.run(&graph) }
    return graph
  }

  /// A small classifier: convolutions with batch normalization, hard-swish written out, a residual sum, squeeze and
  /// excite, and a linear layer.
  static func classifier() -> ONNXBuilder {
    var b = ONNXBuilder()
    var random = Random(seed: 7)
    func values(_ count: Int, _ scale: Float = 0.5) -> [Float] { (0..<count).map { _ in random.real() * scale } }
    b.input("x", [1, 3, 16, 16])
    b.constant("w1", [8, 3, 3, 3], values(216))
    b.node("Conv", ["x", "w1"], ["c1"], integers: ["pads": [1, 1, 1, 1], "strides": [2, 2]])
    for (name, low) in [("scale", Float(0.5)), ("shift", -0.2), ("mean", -0.1), ("var", 0.5)] {
      b.constant(name, [8], values(8, 0.3).map { abs($0) + low })
    }
    b.node("BatchNormalization", ["c1", "scale", "shift", "mean", "var"], ["b1"])
    b.constant("three", [], [3])
    b.constant("zero", [], [0])
    b.constant("six", [], [6])
    b.node("Add", ["b1", "three"], ["p1"])
    b.node("Clip", ["p1", "zero", "six"], ["p2"])
    b.node("Mul", ["b1", "p2"], ["p3"])
    b.node("Div", ["p3", "six"], ["h1"])
    b.constant("w2", [8, 1, 3, 3], values(72))
    b.node("Conv", ["h1", "w2"], ["d1"], integers: ["pads": [1, 1, 1, 1], "group": [8]])
    b.node("GlobalAveragePool", ["d1"], ["s1"])
    b.constant("w3", [8, 8, 1, 1], values(64))
    b.node("Conv", ["s1", "w3"], ["s2"])
    b.node("Sigmoid", ["s2"], ["s3"])
    b.node("Mul", ["d1", "s3"], ["e1"])
    b.node("Add", ["e1", "h1"], ["r1"])
    b.node("Relu", ["r1"], ["r2"])
    b.node("MaxPool", ["r2"], ["m1"], integers: ["kernel_shape": [2, 2], "strides": [2, 2]])
    b.node("GlobalAveragePool", ["m1"], ["g1"])
    b.node("Flatten", ["g1"], ["f1"])
    b.constant("w4", [5, 8], values(40, 1))
    b.constant("b4", [5], values(5))
    b.node("Gemm", ["f1", "w4", "b4"], ["y"], integers: ["transB": [1]])
    b.output("y")
    return b
  }
}

/// A generator of its own, so that tests are the same everywhere.
struct Random {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// -1..<1
  mutating func real() -> Float { Float(next() >> 40) / Float(1 << 23) - 1 }
}
