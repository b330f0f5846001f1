import Foundation
import SwiftProtobuf

/// An ONNX file: its messages, and where the tensors are that it keeps in other files.
struct ONNXModel {
  var message: ONNXProtoModel
  var external: ONNXExternalData
  /// The newest version that the model asks for of ONNX's own operators.
  var opset: Int

  /// Operators below this version differ in ways that nobody exports any more.
  static let oldestOpset = 7

  /// - Parameters:
  ///   - bytes: untrusted.
  ///   - directory: where external data may lie; nil refuses it.
  init(_ bytes: [UInt8], name: String, directory: String?) throws(ConversionError) {
    do {
      message = try ONNXProtoModel(serializedBytes: bytes)
    } catch {
      throw .badData("\(name): not an ONNX model: the message is damaged or truncated")
    }
    guard message.hasGraph, !message.graph.node.isEmpty || !message.graph.output.isEmpty else {
      throw .badData("\(name): not an ONNX model: it has no graph")
    }
    guard message.functions.isEmpty else {
      throw .unsupported(
        "\(name): the model defines \(message.functions.count) functions of its own; inline them first")
    }
    guard message.graph.sparseInitializer.isEmpty else {
      throw .unsupported("\(name): sparse initializers are not supported")
    }
    guard message.graph.node.count <= ConversionLimits.operators else {
      throw .unsupported("\(name): \(message.graph.node.count) nodes, at most \(ConversionLimits.operators)")
    }
    let version = message.opsetImport.filter { $0.domain.isEmpty || $0.domain == "ai.onnx" }.map(\.version).max()
    opset = Int(clamping: version ?? 1)
    guard opset >= Self.oldestOpset else {
      throw .unsupported("\(name): operator set \(opset), expected \(Self.oldestOpset) or newer")
    }
    external = ONNXExternalData(directory: directory)
  }

  /// Whether bytes look like an ONNX model: `ir_version` first, as every exporter writes it. A TensorFlow Lite model,
  /// which has its identifier in bytes 4 to 7, may begin in the same way.
  static func matches(_ bytes: [UInt8]) -> Bool {
    bytes.count > 8 && bytes[0] == 0x08 && bytes[1] < 64 && Array(bytes[4..<8]) != Array("TFL3".utf8)
  }
}

/// Tensors beside the model, only inside the folder in which it lies.
struct ONNXExternalData {
  var directory: String?

  func bytes(of tensor: ONNXProtoTensor, name: String, expected: Int) throws(ConversionError) -> Data {
    var entries: [String: String] = [:]
    for entry in tensor.externalData { entries[entry.key] = entry.value }
    guard let location = entries["location"], !location.isEmpty else {
      throw .badData("\(name) lies in another file that is not named")
    }
    let shown = printable(location)
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.contains("\0"), !location.contains("\\"), !parts.contains("..") else {
      throw .badData("\(name): external data '\(shown)' lies outside the model's folder")
    }
    guard let directory else { throw .unsupported("\(name) lies in another file, '\(shown)', which is not at hand") }
    guard let offset = Int(entries["offset"] ?? "0"), let length = Int(entries["length"] ?? "\(expected)"),
      offset >= 0, length == expected
    else { throw .badData("\(name): external data '\(shown)' has an offset or length that is not valid") }
    let folder = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
    let path = URL(fileURLWithPath: directory).appendingPathComponent(location).resolvingSymlinksInPath().path
    guard path.hasPrefix(folder == "/" ? "/" : folder + "/") else {
      throw .badData("\(name): external data '\(shown)' lies outside the model's folder")
    }
    guard FileManager.default.fileExists(atPath: path) else {
      throw ConversionError(.missingFile, "\(name): external data '\(shown)' is not there")
    }
    let bytes = length <= ConversionLimits.sourceBytes ? try FileAccess.read(path, at: offset, count: length) : []
    guard bytes.count == length else {
      throw .badData("\(name): external data '\(shown)' ends before byte \(offset) + \(length)")
    }
    return Data(bytes)
  }
}
