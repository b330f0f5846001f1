import Foundation
import Testing

@testable import MartletConvert

/// The table of families: a name leads to one of them, and each is compared with transformers.
@Suite struct LanguageFamilyTests {
  private func repeated(_ names: [String]) -> [String] {
    Dictionary(grouping: names) { $0 }.filter { $1.count > 1 }.map(\.key).sorted()
  }

  @Test func aNameIsOneFamilys() {
    let names = LanguageFamily.allCases.flatMap(\.traits.huggingFace.names)
    #expect(repeated(names.map(\.architecture)) == [])
    #expect(repeated(names.map(\.modelType)) == [])
    #expect(repeated(LanguageFamily.allCases.map(\.traits.gguf.architecture)) == [])
    for family in LanguageFamily.allCases { #expect(!family.traits.huggingFace.names.isEmpty, "\(family)") }
  }

  @Test(arguments: LanguageFamily.allCases) func namesAreRead(family: LanguageFamily) throws {
    for name in family.traits.huggingFace.names {
      let sizes = #""hidden_size":64,"intermediate_size":96,"num_hidden_layers":2"#
      let heads = #""num_attention_heads":4,"num_key_value_heads":2,"vocab_size":9"#
      let numbers = name.isPart ? #""text_config":{\#(sizes),\#(heads)}"# : "\(sizes),\(heads)"
      for given in [#""architectures":["\#(name.architecture)"]"#, #""model_type":"\#(name.modelType)""#] {
        let json = try JSONObject(Array("{\(given),\(numbers)}".utf8), place: "config.json")
        #expect(try HuggingFaceConfiguration(HuggingFaceModel(json)).configuration().family == family)
      }
    }
    let file = GGUFBuilder.model(family.traits.gguf.architecture).bytes
    #expect(try GGUFSource(GGUFFile(MappedFile(file, name: "m"))).configuration.family == family)
  }

  /// A cap that a family does not have, or llama.cpp does not heed in it, is refused by name.
  @Test(arguments: LanguageFamily.allCases) func capsThatAreNotHeeded(family: LanguageFamily) throws {
    let traits = family.traits
    for (cap, key) in [(traits.attentionCap, "attn_logit_softcapping"), (traits.outputCap, "final_logit_softcapping")] {
      var builder = GGUFBuilder.model(traits.gguf.architecture)
      builder.set("\(traits.gguf.architecture).\(key)", Float(7))
      let line = languageRefusal("m") { () throws(ConversionError) in
        try GGUFSource(GGUFFile(MappedFile(builder.bytes, name: "m")))
      }
      var isHeeded = !traits.gguf.refused.contains(key)
      if case .never = cap { isHeeded = false }
      #expect(line == (isHeeded ? "" : "m: key \(traits.gguf.architecture).\(key) is not supported"))
    }
  }

  /// Tests/Fixtures/language is for the oracle, which compares logits and texts; language-files for
  /// LanguageImportTests.
  @Test(arguments: ["language", "language-files"]) func everyFamilyIsComparedWithTransformers(folder: String) throws {
    let fixtures = URL(fileURLWithPath: LanguageFixtures.folder).deletingLastPathComponent().appendingPathComponent(
      folder)
    var found: Set<LanguageFamily> = []
    for model in try FileManager.default.contentsOfDirectory(at: fixtures, includingPropertiesForKeys: nil) {
      guard let config = try? Data(contentsOf: model.appendingPathComponent("config.json")) else { continue }
      found.insert(try HuggingFaceModel(JSONObject([UInt8](config), place: "config.json")).family)
    }
    #expect(found == Set(LanguageFamily.allCases))
  }
}
