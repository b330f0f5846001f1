import Foundation
import Testing

@testable import MartletConvert

/// Malformed, hostile and unsupported GGUF files: each is refused in one line that names the place.
@Suite struct LanguageGGUFRefusalTests {
  private func line(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> String {
    languageRefusal("m.gguf", sourceLocation: sourceLocation) { () throws(ConversionError) in
      let source = try GGUFSource(GGUFFile(MappedFile(bytes, name: "m.gguf")))
      for tensor in source.configuration.tensors { _ = try source.values(tensor) }
    }
  }

  private func expect(
    _ words: String, _ architecture: String = "llama", sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout GGUFBuilder) -> Void
  ) {
    var builder = GGUFBuilder.model(architecture)
    change(&builder)
    let line = line(builder.bytes, sourceLocation: sourceLocation)
    #expect(line.contains(words), "\(line)", sourceLocation: sourceLocation)
  }

  @Test(arguments: ["llama", "mistral3", "qwen2", "gemma2", "gemma3"]) func soundModels(architecture: String) {
    #expect(line(GGUFBuilder.model(architecture).bytes) == "")
  }

  @Test func header() {
    expect("does not begin with the letters GGUF") { $0.magic = Array("GGML".utf8) }
    expect("version 1 is not supported") { $0.version = 1 }
    expect("version 4 is not supported") { $0.version = 4 }
    expect("big-endian GGUF is not supported") { $0.version = UInt32(3).byteSwapped }
    expect("the number of tensors is 18446744073709551615; at most") { $0.tensorCount = .max }
    expect("the number of metadata keys is 1099511627776; at most") { $0.keyCount = 1 << 40 }
    expect("the number of tensors is 65000, but the file ends") { $0.tensorCount = 65000 }
    #expect(line(Array(GGUFBuilder.model().bytes[..<6])).contains("the file ends at byte 6, within the header"))
  }

  @Test func dimensions() {
    expect("token_embd.weight: has 4294967295 dimensions") { $0.change("token_embd.weight") { $0.rank = .max } }
    expect("token_embd.weight: has 0 dimensions") { $0.change("token_embd.weight") { $0.rank = 0 } }
    expect("token_embd.weight: a dimension of 0") { $0.change("token_embd.weight") { $0.dimensions = [8, 0] } }
    expect("a dimension of 18446744073709551615") { $0.change("token_embd.weight") { $0.dimensions = [8, .max] } }
    // 2^33 * 2^33 wraps to 4.
    expect("does not fit 63 bits") { $0.change("token_embd.weight") { $0.dimensions = [1 << 33, 1 << 33] } }
    expect("number of bytes does not fit 63 bits") { $0.change("token_embd.weight") { $0.dimensions = [8, 1 << 58] } }
    expect("end past the file's") { $0.change("token_embd.weight") { $0.dimensions = [8, 1 << 40] } }
    expect("rows of 8 are not whole blocks of Q8_0") { $0.change("token_embd.weight") { $0.type = 8 } }
  }

  @Test func offsets() {
    expect("past the end") { $0.change("output_norm.weight") { $0.offset = 1 << 20 } }
    expect("past the end") { $0.change("output_norm.weight") { $0.offset = UInt64.max - 31 } }
    expect("is not a multiple of the alignment 32") { $0.change("output_norm.weight") { $0.offset = 4 } }
    expect("overlap") { $0.change("output_norm.weight") { $0.offset = 0 } }
  }

  @Test func alignment() {
    for value in [0, 3, 48, 1 << 30] as [UInt32] {
      expect("general.alignment: is not a power of two") { $0.set("general.alignment", value) }
    }
    expect("general.alignment: is not a power of two") { $0.set("general.alignment", "32") }
    var builder = GGUFBuilder.model()
    builder.alignment = 128
    builder.set("general.alignment", UInt32(128))
    #expect(line(builder.bytes) == "")
  }

  @Test func values() {
    expect("key x: value type 13 is not known") { $0.replace("x", 13, []) }
    expect("key x: 2 is not a boolean") { $0.replace("x", 7, [2]) }
    expect("the length of key x is 1099511627776; at most") { $0.replace("x", 8, GGUFBuilder.little(UInt64(1 << 40))) }
    expect("the length of key x is 9000, but the file ends") { $0.replace("x", 8, GGUFBuilder.little(UInt64(9000))) }
    let nested = GGUFBuilder.little(UInt32(9)) + GGUFBuilder.little(UInt64(1))
    expect("key x: arrays of arrays are not supported") { $0.replace("x", 9, nested) }
    let huge = GGUFBuilder.little(UInt32(4)) + GGUFBuilder.little(UInt64(1 << 22))
    expect("key x: the number of elements is 4194304, but the file ends") { $0.replace("x", 9, huge) }
    let wide = GGUFBuilder.little(UInt32(10)) + GGUFBuilder.little(UInt64(1)) + GGUFBuilder.little(UInt64.max)
    expect("key x: an integer does not fit 63 bits") { $0.replace("x", 9, wide) }
    expect("key general.architecture: there are two") { $0.pairs.append($0.pairs[0]) }
    expect("key llama.block_count: is a string, not an integer") { $0.set("llama.block_count", "1") }
    expect("key llama.block_count: is a real number") { $0.set("llama.block_count", Float(1)) }
    expect("key llama.attention.layer_norm_rms_epsilon: is a string, not a number") {
      $0.set("llama.attention.layer_norm_rms_epsilon", "0")
    }
    expect("key general.architecture: is not a string") { $0.set("general.architecture", UInt32(1)) }
    expect("key tokenizer.chat_template: is an integer") { $0.set("tokenizer.chat_template", UInt32(1)) }
  }

  @Test func metadataThatIsTooLarge() {
    let text = GGUFBuilder.little(UInt64(1 << 24)) + Array(repeating: UInt8(32), count: 1 << 24)
    expect("key x3: the metadata has more than 67108864 bytes") {
      $0.pairs = (0..<4).map { ("x\($0)", 8, text) }
    }
  }

  @Test func missingAndSuperfluous() {
    expect("key general.architecture is missing") { $0.remove("general.architecture") }
    for key in ["block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count"] {
      expect("key llama.\(key) is missing") { $0.remove("llama.\(key)") }
    }
    for tensor in GGUFBuilder.model().tensors {
      expect("tensor \(tensor.name) is missing") { $0.tensors.removeAll { $0.name == tensor.name } }
    }
    expect("tensor output_norm.weight: there are two") { $0.tensors.append($0.tensors.last!) }
    expect("tensor blk.0.attn_output.bias is not known in a llama model") {
      $0.tensors.append(.init(name: "blk.0.attn_output.bias", dimensions: [8], data: Array(repeating: 0, count: 32)))
    }
  }

  @Test func shapesThatDoNotFit() {
    expect("blk.0.attn_q.weight: is [8, 8], but the configuration says [8, 16]") {
      $0.set("llama.attention.head_count", UInt32(4))
      $0.set("llama.attention.key_length", UInt32(4))
    }
    expect("blk.0.ffn_gate.weight: is [8, 6], but the configuration says [8, 7]") {
      $0.set("llama.feed_forward_length", UInt32(7))
    }
    expect("blk.1.attn_norm.weight is missing") { $0.set("llama.block_count", UInt32(2)) }
    expect("2 heads cannot share 3 key-value heads") { $0.set("llama.attention.head_count_kv", UInt32(3)) }
    expect("the hidden size 8 is not a multiple of the 3 heads") { $0.set("llama.attention.head_count", UInt32(3)) }
    expect("the number of heads is 0") { $0.set("llama.attention.head_count", UInt32(0)) }
    expect("the number of key-value heads is 0") { $0.set("llama.attention.head_count_kv", UInt32(0)) }
    expect("the head size 1 is odd") { $0.set("llama.attention.head_count", UInt32(8)) }
  }

  @Test func limits() {
    expect("the number of layers is 4000000000; 1 to 1024 are taken") {
      $0.set("llama.block_count", UInt32(4_000_000_000))
    }
    expect("the number of layers is 0") { $0.set("llama.block_count", UInt32(0)) }
    expect("the hidden size is 65538") { $0.set("llama.embedding_length", UInt32(65538)) }
    expect("the feed-forward size is 262145") { $0.set("llama.feed_forward_length", UInt32(262145)) }
    expect("the context length is 1048577") { $0.set("llama.context_length", UInt32(1_048_577)) }
    expect("the vocabulary size is 1048577") {
      $0.change("token_embd.weight") { $0.dimensions = [1, 1_048_577] }
      $0.change("token_embd.weight") { $0.data = Array(repeating: 0, count: 4 * 1_048_577) }
    }
    for number in [Int64.min, -1, .max] {
      for key in ["block_count", "embedding_length", "attention.head_count", "attention.key_length", "context_length"] {
        expect("is") { $0.replace("llama.\(key)", 11, GGUFBuilder.little(number)) }
      }
    }
    expect("epsilon is nan, not a positive number") { $0.set("llama.attention.layer_norm_rms_epsilon", Float.nan) }
    expect("rotary theta is 0.0") { $0.set("llama.rope.freq_base", Float(0)) }
  }

  @Test func whatIsNotRun() {
    expect("architecture phi3 is not supported") { $0.set("general.architecture", "phi3") }
    expect("is one of 3 shards") { $0.replace("split.count", 2, GGUFBuilder.little(UInt16(3))) }
    for (code, name) in [(10, "Q2_K"), (11, "Q3_K"), (20, "IQ4_NL"), (34, "TQ1_0"), (24, "I8"), (77, "type 77")] {
      expect("tensor blk.0.attn_q.weight: \(name) is not supported") {
        $0.change("blk.0.attn_q.weight") { $0.type = UInt32(code) }
      }
    }
    expect("rotary scaling yarn is not supported") { $0.set("llama.rope.scaling.type", "yarn") }
    expect("rotary embedding of 2 of a head's 4") { $0.set("llama.rope.dimension_count", UInt32(2)) }
    expect("key llama.expert_count is not supported") { $0.set("llama.expert_count", UInt32(8)) }
    expect("keys of 4 with values of 8") { $0.set("llama.attention.value_length", UInt32(8)) }
    let differing =
      GGUFBuilder.little(UInt32(4)) + GGUFBuilder.little(UInt64(2)) + [1, 2].flatMap { GGUFBuilder.little(UInt32($0)) }
    expect("differs between layers") { $0.replace("llama.attention.head_count_kv", 9, differing) }
  }

  @Test func valuesThatAreNotFinite() {
    expect("tensor blk.0.ffn_up.weight: value 3 is not a finite number") {
      $0.change("blk.0.ffn_up.weight") { $0.data.replaceSubrange(12..<16, with: GGUFBuilder.floats([.nan])) }
    }
    for (type, size, scale) in [
      (2, 18, 0), (3, 20, 2), (6, 22, 0), (7, 24, 2), (8, 34, 0), (12, 144, 2), (13, 176, 0), (14, 210, 208),
    ] {
      let elements = type >= 12 ? 256 : 32
      var builder = GGUFBuilder()
      for bits in [0x7e00, 0x7c00] as [UInt16] {
        var data = Array(repeating: UInt8(0), count: 2 * size)
        data.replaceSubrange(size + scale..<size + scale + 2, with: GGUFBuilder.little(bits))
        // An infinite scale shows where it is multiplied: infinity times zero is no number.
        builder.tensors = [
          .init(name: "w", dimensions: [UInt64(2 * elements)], type: UInt32(type), data: data)
        ]
        let line = languageRefusal("m") { () throws(ConversionError) in
          let file = try GGUFFile(MappedFile(builder.bytes, name: "m"))
          return try file.values(file.tensors[0])
        }
        #expect(line == "m: tensor w: value \(elements) is not a finite number", "type \(type)")
      }
    }
  }

  @Test func windowsAndScales() throws {
    func configuration(_ architecture: String, _ change: (inout GGUFBuilder) -> Void) throws -> LanguageConfiguration {
      var builder = GGUFBuilder.model(architecture)
      change(&builder)
      return try GGUFSource(GGUFFile(MappedFile(builder.bytes, name: "m"))).configuration
    }
    let plain = try configuration("gemma2") { _ in }
    #expect(plain.window == 4096 && plain.isWindowed == [true])
    #expect(plain.attentionSoftCap == 50 && plain.outputSoftCap == 30 && plain.localRopeTheta == nil)
    let gemma3 = try configuration("gemma3") { $0.set("gemma3.attention.sliding_window", UInt32(512)) }
    #expect(gemma3.window == 512 && gemma3.localRopeTheta == 10000 && gemma3.attentionSoftCap == nil)
    #expect(try configuration("gemma3") { _ in }.window == nil)
    #expect(GGUFMetadata.everyLast(of: 6, layerCount: 8) == [true, true, true, true, true, false, true, true])
    #expect(GGUFMetadata.everyLast(of: 2, layerCount: 3) == [true, false, true])
    let linear = try configuration("llama") { $0.set("llama.rope.scaling.factor", Float(4)) }
    #expect(linear.ropeScaling == .linear(factor: 4))
  }

  @Test func everyPrefixAndManyFlips() {
    var bytes = GGUFBuilder.model("gemma3").bytes
    let dataStart = bytes.count - 1600
    for count in stride(from: 0, to: dataStart, by: 3) { #expect(line(Array(bytes[..<count])) != "") }
    var random = Random(seed: 5)
    for _ in 0..<2000 {
      let place = Int(random.next() % UInt64(dataStart))
      let old = bytes[place]
      bytes[place] = UInt8(truncatingIfNeeded: random.next())
      _ = line(bytes)
      bytes[place] = old
    }
  }
}
