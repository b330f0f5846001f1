import Foundation
import Testing

@testable import MartletConvert

/// Sound models of every format and family, against what the packages `transformers` and `gguf` read.
@Suite struct LanguageImportTests {
  static let folders = [
    "llama", "llama3", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3-vision",
  ]
  static let files = ["llama", "llama3", "qwen2", "qwen3", "gemma", "gemma2", "gemma3"]

  private func compare(_ source: any LanguageSource, _ expected: [String: Any]) throws {
    let configuration = source.configuration
    let tensors = try #require(expected["tensors"] as? [String: String])
    #expect(Set(configuration.tensors.map(LanguageFixtures.key)) == Set(tensors.keys))
    for tensor in configuration.tensors {
      let values = try source.values(tensor)
      #expect(values.count == configuration.shape(of: tensor)?.reduce(1, *))
      #expect(LanguageFixtures.digest(values) == tensors[LanguageFixtures.key(tensor)], "\(tensor)")
    }
    func integer(_ key: String) -> Int? { (expected[key] as? NSNumber)?.intValue }
    func real(_ key: String) -> Float? { (expected[key] as? NSNumber).map { Float($0.doubleValue) } }
    #expect(configuration.family.rawValue == expected["family"] as? String)
    #expect(configuration.vocabularySize == integer("vocabularySize"))
    #expect(configuration.hiddenSize == integer("hiddenSize"))
    #expect(configuration.layerCount == integer("layerCount"))
    #expect(configuration.headCount == integer("headCount"))
    #expect(configuration.keyValueHeadCount == integer("keyValueHeadCount"))
    #expect(configuration.headSize == integer("headSize"))
    #expect(configuration.feedForwardSize == integer("feedForwardSize"))
    #expect(configuration.contextLength == integer("contextLength"))
    #expect(configuration.normEpsilon == real("normEpsilon"))
    #expect(configuration.attentionSoftCap == real("attentionSoftCap"))
    #expect(configuration.outputSoftCap == real("outputSoftCap"))
    #expect(configuration.embeddingScale == real("embeddingScale"))
    #expect(configuration.isHeadTied == (expected["isHeadTied"] as? Bool))
    try compareFrequencies(configuration, expected)
  }

  private func compareFrequencies(_ configuration: LanguageConfiguration, _ expected: [String: Any]) throws {
    for (key, isLocal) in [("inverseFrequencies", false), ("localInverseFrequencies", true)] {
      guard let frequencies = expected[key] as? [NSNumber] else { continue }
      let ours = configuration.inverseFrequencies(isLocal: isLocal)
      #expect(ours.count == frequencies.count)
      for (one, other) in zip(ours, frequencies.map(\.doubleValue)) {
        #expect(abs(Double(one) - other) <= 3e-7 * other, "\(key): \(one), \(other)")
      }
    }
  }

  @Test(arguments: folders) func foldersAreWhatTransformersReads(name: String) throws {
    let source = try LanguageSources.open(LanguageFixtures.path(name), tokenizer: nil)
    let expected = try LanguageFixtures.expected("models", name)
    try compare(source, expected)
    #expect(source.formatName == "safetensors" && source.name == name && source.tokenizer == nil)
    #expect(source.sha256.count == 64)
    #expect(source.configuration.window == (expected["window"] as? NSNumber)?.intValue)
    #expect(source.configuration.isWindowed == expected["isWindowed"] as? [Bool])
    let scale = try #require(expected["attentionScale"] as? NSNumber).doubleValue
    #expect(source.configuration.attentionScale == Float(scale))
    #expect(source.notes.contains { $0.contains("vision") } == (name == "gemma3-vision"))
  }

  @Test(arguments: files) func filesHoldTheSame(name: String) throws {
    let source = try LanguageSources.open(LanguageFixtures.path("\(name).gguf"), tokenizer: nil)
    let expected = try LanguageFixtures.expected("models", name)
    try compare(source, expected)
    #expect(source.formatName == "GGUF v3")
    if name.hasPrefix("gemma") {
      #expect(source.configuration.window == (expected["window"] as? NSNumber)?.intValue)
      #expect(source.configuration.isWindowed == expected["isWindowed"] as? [Bool])
    }
    if case .factors(let factors) = source.configuration.ropeScaling {
      #expect(name == "llama3" && factors.count == 4)
    } else {
      #expect(name != "llama3")
    }
  }

  @Test(arguments: ["llama2c", "llama2c-head"]) func llama2c(name: String) throws {
    let source = try LanguageSources.open(LanguageFixtures.path("\(name).bin"), tokenizer: nil)
    let tensors = try #require(try LanguageFixtures.expected(name) as? [String: String])
    let configuration = source.configuration
    #expect(Set(configuration.tensors.map(LanguageFixtures.key)) == Set(tensors.keys))
    for tensor in configuration.tensors {
      #expect(
        LanguageFixtures.digest(try source.values(tensor)) == tensors[LanguageFixtures.key(tensor)], "\(tensor)")
    }
    #expect(configuration.isHeadTied == (name == "llama2c"))
    #expect(configuration.headSize == 4 && configuration.contextLength == 8 && configuration.normEpsilon == 1e-5)
  }

  @Test func blocksOfEveryType() throws {
    let file = try GGUFFile(LanguageFixtures.path("types.gguf"))
    let expected = try SafetensorsFile(MappedFile(LanguageFixtures.path("types.safetensors")))
    #expect(file.tensors.count == 11 && expected.tensors.count == 11)
    for tensor in file.tensors {
      let reference = try #require(expected.tensors[tensor.name])
      #expect(Array(reference.shape.reversed()) == tensor.dimensions)
      #expect(tensor.type.name == tensor.name)
      let ours = try file.values(tensor).map(\.bitPattern)
      #expect(ours == (try expected.values(reference)).map(\.bitPattern), "\(tensor.name)")
    }
  }

  @Test func metadataOfEveryType() throws {
    let metadata = try GGUFFile(LanguageFixtures.path("metadata.gguf")).metadata
    #expect(metadata["a.u8"] == .unsigned(200) && metadata["a.i8"] == .signed(-3))
    #expect(metadata["a.u16"] == .unsigned(60000) && metadata["a.i16"] == .signed(-30000))
    #expect(metadata["a.u32"] == .unsigned(4_000_000_000) && metadata["a.i32"] == .signed(-2_000_000_000))
    #expect(metadata["a.u64"] == .unsigned(.max) && metadata["a.i64"] == .signed(.min))
    #expect(metadata["a.f32"] == .real(Double(Float(0.1))) && metadata["a.f64"] == .real(0.1))
    #expect(metadata["a.bool"] == .boolean(true) && metadata["a.string"] == .string(Array("käse".utf8)))
    #expect(metadata["a.integers"] == .integers([3, -4]) && metadata["a.reals"] == .reals([0.5, -1.5]))
    #expect(metadata["a.booleans"] == .booleans([true, false]))
    #expect(metadata["a.strings"] == .strings([[], Array("b c".utf8)]))
  }

  @Test func versionTwoIsReadToo() throws {
    var builder = GGUFBuilder.model()
    builder.version = 2
    let source = try GGUFSource(GGUFFile(MappedFile(builder.bytes, name: "m")))
    #expect(source.formatName == "GGUF v2")
    // Row 1 of a head's half layout is row 2 of the interleaved one.
    let query = try source.values(.layer(0, .query))
    #expect(query[8] == 2 && query[16] == 1)
    #expect(source.sha256 == SHA256.hexDigest(of: builder.bytes))
  }

  @Test func formatsAreToldApart() throws {
    for name in ["llama", "llama.gguf", "llama2c.bin"] {
      #expect(LanguageSources.isLanguageModel(LanguageFixtures.path(name)))
    }
    for name in ["expected.json", "types.safetensors", "none"] {
      #expect(!LanguageSources.isLanguageModel(LanguageFixtures.path(name)))
    }
    #expect(!LanguageSources.isLanguageModel(LanguageFixtures.folder))
  }

  /// A test model whose weights are public; the sizes are those of its training command.
  @Test(.enabled(if: Corpus.isThere)) func stories() throws {
    let path = try #require(Corpus.directory).appendingPathComponent("lm/stories260K.bin").path
    let source = try LanguageSources.open(path, tokenizer: nil)
    let configuration = source.configuration
    #expect(configuration.vocabularySize == 512 && configuration.hiddenSize == 64 && configuration.layerCount == 5)
    #expect(configuration.headCount == 8 && configuration.keyValueHeadCount == 4 && configuration.isHeadTied)
    #expect(configuration.contextLength == 512)
    // A trained norm lies around 1; a wrong offset would show noise around 0.
    for layer in 0..<5 {
      let norm = try source.values(.layer(layer, .feedForwardNorm))
      #expect(norm.reduce(0, +) / Float(norm.count) > 0.3)
    }
    #expect(try source.values(.outputNorm).allSatisfy { $0 > 0 })
  }
}
