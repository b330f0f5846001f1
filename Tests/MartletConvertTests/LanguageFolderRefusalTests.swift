import Foundation
import Testing

@testable import MartletConvert

/// Malformed, hostile and unsupported Hugging Face folders, and llama2.c files.
@Suite struct LanguageFolderRefusalTests {
  /// A safetensors file with this header, and this many bytes of data.
  private func safetensors(_ header: String, data: Int = 8, length: UInt64? = nil) -> [UInt8] {
    GGUFBuilder.little(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + Array(repeating: 0, count: data)
  }

  private func expect(_ words: String, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    let line = languageRefusal("s", sourceLocation: sourceLocation) { () throws(ConversionError) in
      let file = try SafetensorsFile(MappedFile(bytes, name: "s"))
      for tensor in file.tensors.values { _ = try file.values(tensor) }
    }
    #expect(line.contains(words), "\(line)", sourceLocation: sourceLocation)
  }

  private func record(_ type: String = "F32", _ shape: String = "[2]", _ offsets: String = "[0,8]") -> String {
    "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  @Test func headers() {
    #expect((try? SafetensorsFile(MappedFile(safetensors("{\"a\":\(record())}"), name: "s")))?.tensors.count == 1)
    expect("the file ends at byte 3", [1, 2, 3])
    expect("the header's length is 18446744073709551615; at most", safetensors("{}", length: .max))
    expect("the header's length is 4096, but the file ends", safetensors("{}", length: 4096))
    expect("header: is not JSON", safetensors("{\"a\":"))
    expect("header: is not a JSON object", safetensors("[]"))
    expect("header: is not JSON", safetensors(String(repeating: "[", count: 100_000)))
    expect("header: a is not an object", safetensors("{\"a\":3}"))
    expect("header: a: dtype is missing", safetensors("{\"a\":{}}"))
    expect("header: a: shape is not a list of integers", safetensors("{\"a\":\(record("F32", "[true]"))}"))
    expect("header: a: shape is not a list of integers", safetensors("{\"a\":\(record("F32", "[1e300]"))}"))
    expect(
      "header: a: shape is not a list of integers", safetensors("{\"a\":\(record("F32", "[18446744073709551618]"))}"))
    expect("the last 8 bytes belong to no tensor", safetensors("{}"))
  }

  @Test func ranges() {
    expect("data_offsets [8, 0] are not a range", safetensors("{\"a\":\(record("F32", "[2]", "[8,0]"))}"))
    expect("data_offsets [-8, 0] are not a range", safetensors("{\"a\":\(record("F32", "[2]", "[-8,0]"))}"))
    expect("data_offsets [8, 16] are not a range", safetensors("{\"a\":\(record("F32", "[2]", "[8,16]"))}"))
    expect("data_offsets [0] are not a range", safetensors("{\"a\":\(record("F32", "[2]", "[0]"))}"))
    expect("8 bytes for 3 values of F32", safetensors("{\"a\":\(record("F32", "[3]"))}"))
    expect("8 bytes for 2 values of BF16", safetensors("{\"a\":\(record("BF16"))}"))
    expect("is not possible", safetensors("{\"a\":\(record("F32", "[4294967296,4294967296]"))}"))
    expect("is not possible", safetensors("{\"a\":\(record("F32", "[-1]"))}"))
    expect("8 bytes for 4611686018427387904 values", safetensors("{\"a\":\(record("F32", "[4611686018427387904]"))}"))
    expect("has 9 dimensions", safetensors("{\"a\":\(record("F32", "[1,1,1,1,1,1,1,1,2]"))}"))
    expect("tensor b: overlaps another", safetensors("{\"a\":\(record()),\"b\":\(record())}"))
    expect(
      "tensor b: there is a gap before it",
      safetensors("{\"a\":\(record()),\"b\":\(record("F32", "[2]", "[16,24]"))}", data: 24))
    // A name that comes twice leaves the bytes of one of the two to nobody.
    let twice = "{\"a\":\(record()),\"a\":\(record("F32", "[2]", "[8,16]"))}"
    #expect((try? SafetensorsFile(MappedFile(safetensors(twice, data: 16), name: "s"))) == nil)
    expect("tensor a: I64 is not supported", safetensors("{\"a\":\(record("I64", "[1]"))}"))
    expect("tensor a: F8_E4M3 is not supported", safetensors("{\"a\":\(record("F8_E4M3", "[8]"))}"))
  }

  @Test func valuesThatAreNotFinite() {
    let header = "{\"a\":\(record())}"
    let bytes = Array(safetensors(header).dropLast(4)) + GGUFBuilder.floats([-.infinity])
    expect("tensor a: value 1 is not a finite number", bytes)
  }

  /// The line with which a fixture's folder is refused after a change.
  private func line(
    _ fixture: String, sourceLocation: SourceLocation = #_sourceLocation, _ change: (String) throws -> Void
  ) throws -> String {
    let folder = try LanguageFixtures.copy(fixture)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try change(folder)
    let name = (folder as NSString).lastPathComponent
    return languageRefusal(name, sourceLocation: sourceLocation) { () throws(ConversionError) in
      try LanguageSources.open(folder, tokenizer: nil)
    }
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func editIndex(_ folder: String, _ from: String, _ to: String) throws {
    let path = "\(folder)/model.safetensors.index.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(from))
    try write(text.replacingOccurrences(of: from, with: to), path)
  }

  @Test func shards() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: LanguageFixtures.path("qwen3")).sorted()
    let shard = try #require(files.first { $0.hasSuffix(".safetensors") })
    for hostile in ["../\(shard)", "/etc/passwd", "a/b.safetensors", "config.json", ".."] {
      #expect(
        try line("qwen3") { try editIndex($0, shard, hostile) }.contains(
          "\(hostile) is not the name of a safetensors file in the folder"))
    }
    #expect(try line("qwen3") { try editIndex($0, shard, "none.safetensors") }.contains("none.safetensors"))
    #expect(
      try line("qwen3") { try editIndex($0, "model.norm.weight", "model.other.weight") }.contains(
        "tensor model.other.weight is missing"))
    #expect(
      try line("qwen3") { try write("{}", "\($0)/model.safetensors.index.json") }.contains("weight_map is missing"))
    // One shard on its own, where the whole model should be.
    #expect(
      try line("qwen3") { folder in
        try FileManager.default.copyItem(atPath: "\(folder)/\(shard)", toPath: "\(folder)/model.safetensors")
      }.contains("is missing"))
  }

  @Test func foldersThatAreNotWhole() throws {
    #expect(
      try line("llama") { try FileManager.default.removeItem(atPath: "\($0)/model.safetensors") }.contains(
        "neither model.safetensors nor model.safetensors.index.json"))
    #expect(try line("llama") { try write("{", "\($0)/config.json") }.contains("config.json: is not JSON"))
    #expect(
      try line("llama") { try write("{\"eos_token_id\":[1,12]}", "\($0)/generation_config.json") }.contains(
        "eos_token_id 12 is outside the vocabulary of 12"))
    #expect(
      try line("qwen2") { folder in
        try FileManager.default.removeItem(atPath: "\(folder)/model.safetensors")
        let other = LanguageFixtures.path("llama/model.safetensors")
        try FileManager.default.copyItem(atPath: other, toPath: "\(folder)/model.safetensors")
      }.contains("tensor model.layers.0.self_attn.q_proj.bias is missing"))
    #expect(
      languageRefusal("none") { () throws(ConversionError) in try LanguageSources.open("none", tokenizer: nil) }
        .contains("no such file"))
  }

  @Test func templates() throws {
    func template(_ change: (String) throws -> Void) throws -> String? {
      let folder = try LanguageFixtures.copy("llama")
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try change(folder)
      return try LanguageSources.open(folder, tokenizer: nil).chatTemplate
    }
    let file = "tokenizer_config.json"
    #expect(try template { _ in } == nil)
    #expect(try template { try write("{\"chat_template\":\"a\"}", "\($0)/\(file)") } == "a")
    let named = "{\"chat_template\":[{\"name\":\"x\",\"template\":\"a\"},{\"name\":\"default\",\"template\":\"b\"}]}"
    #expect(try template { try write(named, "\($0)/\(file)") } == "b")
    #expect(
      try template {
        try write(named, "\($0)/\(file)")
        try write("c", "\($0)/chat_template.jinja")
      } == "c")
  }

  private func llama2c(_ fields: [Int32], extra: Int = 0) -> String {
    let header = fields.flatMap { GGUFBuilder.little($0) }
    return languageRefusal("l.bin") { () throws(ConversionError) in
      try Llama2CSource(MappedFile(header + Array(repeating: 0, count: extra), name: "l.bin"), tokenizer: nil)
    }
  }

  @Test func llama2cHeaders() throws {
    let bytes = try LanguageFixtures.bytes("llama2c.bin")
    for change in [Array(bytes.dropLast(1)), bytes + [0]] {
      let line = languageRefusal("l.bin") { () throws(ConversionError) in
        try Llama2CSource(MappedFile(change, name: "l.bin"), tokenizer: nil)
      }
      #expect(line.contains("has \(bytes.count) bytes, this one \(change.count)"))
    }
    #expect(llama2c([8, 12]).contains("the file ends at byte 8"))
    #expect(llama2c([8, 12, 2, 0, 1, 12, 8]).contains("not a multiple of the 0 heads"))
    #expect(llama2c([8, 12, 2, -1, 1, 12, 8]).contains("not a multiple of the -1 heads"))
    #expect(llama2c([8, 12, 2, 2, 0, 12, 8]).contains("the number of key-value heads is 0"))
    #expect(llama2c([8, 12, .max, 2, 1, 12, 8]).contains("the number of layers is 2147483647"))
    #expect(llama2c([8, 12, -5, 2, 1, 12, 8]).contains("the number of layers is -5"))
    #expect(llama2c([8, 12, 2, 2, 1, .min, 8]).contains("the vocabulary size is 2147483648"))
    #expect(llama2c([65536, 262144, 1024, 1024, 1024, -1_048_576, 1_048_576]).contains("of these sizes has"))
    let unknown = languageRefusal("expected.json") { () throws(ConversionError) in
      try LanguageSources.open(LanguageFixtures.path("expected.json"), tokenizer: nil)
    }
    #expect(unknown.contains("is neither GGUF, nor a folder with config.json, nor llama2.c"))
    let path = LanguageFixtures.path("llama.gguf")
    #expect(
      languageRefusal(path) { () throws(ConversionError) in try LanguageSources.open(path, tokenizer: "t.bin") }
        .contains("brings its own tokenizer"))
  }
}
