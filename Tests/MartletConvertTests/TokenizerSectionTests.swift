import Foundation
import Testing

@testable import MartletConvert

/// The vocabularies of Tests/Fixtures/tokenizers: what the importers make of them is what tests of the core read.
@Suite struct TokenizerSectionTests {
  private struct Fixture: Decodable {
    var name: String
    /// tokenizer.json or tokenizer.model, in Tests/Fixtures.
    var source: String
  }

  /// After a change of the section, make_tokenizer_cases.py has to be run again.
  @Test func sectionsAreAsTheImportersMakeThem() throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures")
    let folder = fixtures.appendingPathComponent("tokenizers")
    let expected = try JSONDecoder().decode(
      [Fixture].self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
    #expect(expected.count == 8)
    for fixture in expected {
      let source = fixtures.appendingPathComponent(fixture.source).path
      let section = try TokenizerConversion(path: source).tokenizer.section()
      let wanted = [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(fixture.name).section")))
      #expect(section == wanted, "\(fixture.name)")
    }
  }
}
