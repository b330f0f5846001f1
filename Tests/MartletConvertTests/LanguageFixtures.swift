import Foundation
import Testing

@testable import MartletConvert

/// What Tests/Fixtures/make_language_files.py wrote.
enum LanguageFixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/language-files").path

  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// expected.json under the given keys.
  static func expected(_ keys: String...) throws -> [String: Any] {
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(try bytes("expected.json"))) as? [String: Any])
    for key in keys { object = try #require(object[key] as? [String: Any]) }
    return object
  }

  /// The first digits of the SHA-256 of the values, as expected.json has them.
  static func digest(_ values: [Float]) -> String {
    String(values.withUnsafeBytes { SHA256.hexDigest(of: $0) }.prefix(16))
  }

  /// "embedding", "1.query": the names in expected.json.
  static func key(_ tensor: LanguageTensor) -> String {
    if case .layer(let layer, let kind) = tensor { return "\(layer).\(kind)" }
    return "\(tensor)"
  }

  /// A new folder with the files of a fixture, for a test that changes them; the test removes it.
  static func copy(_ name: String) throws -> String {
    let target = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)").path
    try FileManager.default.copyItem(atPath: path(name), toPath: target)
    return target
  }
}

/// The lines with which `body` is refused; each must be one line that begins with `name`.
func languageRefusal<Result>(
  _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws(ConversionError) -> Result
) -> String {
  do throws(ConversionError) {
    _ = try body()
    return ""
  } catch {
    #expect(error.lines.count == 1, sourceLocation: sourceLocation)
    let line = error.lines.first ?? ""
    #expect(line.hasPrefix("\(name): ") && !line.contains("\n"), "\(line)", sourceLocation: sourceLocation)
    return line
  }
}
