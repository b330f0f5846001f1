@testable import MartletConvert

/// GGUF files in a few lines, wrong ones too.
struct GGUFBuilder {
  struct Tensor {
    var name: String
    var dimensions: [UInt64]
    var type: UInt32 = 0
    /// Nil: behind the tensors before it.
    var offset: UInt64?
    var data: [UInt8] = []
    var rank: UInt32?
  }

  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  /// Nil: as many as there are.
  var tensorCount: UInt64?
  var keyCount: UInt64?
  /// Key, code of the value's type, the value's bytes.
  var pairs: [(key: String, code: UInt32, value: [UInt8])] = []
  var tensors: [Tensor] = []
  var alignment = 32

  static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

  static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { little($0.bitPattern) } }

  mutating func set(_ key: String, _ value: UInt32) { replace(key, 4, Self.little(value)) }
  mutating func set(_ key: String, _ value: Float) { replace(key, 6, Self.little(value.bitPattern)) }
  mutating func set(_ key: String, _ value: String) { replace(key, 8, Self.string(value)) }

  mutating func replace(_ key: String, _ code: UInt32, _ value: [UInt8]) {
    pairs.removeAll { $0.key == key }
    pairs.append((key, code, value))
  }

  mutating func remove(_ key: String) { pairs.removeAll { $0.key == key } }

  mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
    for index in tensors.indices where tensors[index].name == name { body(&tensors[index]) }
  }

  var bytes: [UInt8] {
    var result = magic + Self.little(version) + Self.little(tensorCount ?? UInt64(tensors.count))
    result += Self.little(keyCount ?? UInt64(pairs.count))
    for (key, code, value) in pairs { result += Self.string(key) + Self.little(code) + value }
    var data: [UInt8] = []
    for tensor in tensors {
      while data.count % alignment != 0 { data.append(0) }
      result += Self.string(tensor.name) + Self.little(tensor.rank ?? UInt32(tensor.dimensions.count))
      for size in tensor.dimensions { result += Self.little(size) }
      result += Self.little(tensor.type) + Self.little(tensor.offset ?? UInt64(data.count))
      data += tensor.data
    }
    while result.count % alignment != 0 { result.append(0) }
    return result + data
  }

  /// A sound model of one layer: vocabulary 5, hidden 8, two heads of 4 over one, feed-forward 6.
  static func model(_ architecture: String = "llama") -> GGUFBuilder {
    var builder = GGUFBuilder()
    builder.set("general.architecture", architecture)
    for (key, value) in [
      ("block_count", 1), ("context_length", 32), ("embedding_length", 8), ("feed_forward_length", 6),
      ("attention.head_count", 2), ("attention.head_count_kv", 1),
    ] { builder.set("\(architecture).\(key)", UInt32(value)) }
    builder.set("\(architecture).attention.layer_norm_rms_epsilon", Float(1e-5))
    var shapes: [(String, [UInt64])] = [
      ("token_embd", [8, 5]), ("blk.0.attn_norm", [8]), ("blk.0.attn_q", [8, 8]), ("blk.0.attn_k", [8, 4]),
      ("blk.0.attn_v", [8, 4]), ("blk.0.attn_output", [8, 8]), ("blk.0.ffn_norm", [8]), ("blk.0.ffn_gate", [8, 6]),
      ("blk.0.ffn_up", [8, 6]), ("blk.0.ffn_down", [6, 8]), ("output_norm", [8]),
    ]
    let traits = LanguageFamily.allCases.map(\.traits).first { $0.gguf.architecture == architecture }
    if traits?.hasPostNorms == true { shapes += [("blk.0.post_attention_norm", [8]), ("blk.0.post_ffw_norm", [8])] }
    if traits?.hasQueryKeyNorm == true { shapes += [("blk.0.attn_q_norm", [4]), ("blk.0.attn_k_norm", [4])] }
    for (name, dimensions) in shapes {
      let count = Int(dimensions.reduce(1, *))
      let data = floats((0..<count).map { Float($0) / 8 })
      builder.tensors.append(Tensor(name: "\(name).weight", dimensions: dimensions, data: data))
    }
    return builder
  }
}
