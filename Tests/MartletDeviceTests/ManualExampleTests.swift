import Foundation
import Testing

@testable import MartletDevice

/// What the manual shows as a configuration is one.
@Suite struct ManualExampleTests {
  /// The literal displays (.Bd -literal ... .Ed), with what the page's language needs taken out.
  private static func examples() throws -> [String] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Firmware")
    let page = try String(contentsOf: root.appendingPathComponent("package/man/martlet.yaml.5"), encoding: .utf8)
    return page.components(separatedBy: ".Bd -literal -offset indent\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n.Ed").first
    }.filter { $0.contains("cameras:") }
  }

  @Test func areGood() throws {
    let examples = try Self.examples()
    #expect(examples.count >= 2)
    for example in examples {
      let (_, messages) = Array(example.utf8).withUnsafeBytes {
        Configuration.read($0, path: "/etc/martlet/martlet.yaml", checksFiles: false)
      }
      #expect(messages.list.isEmpty, "\(messages.text(path: "martlet.yaml"))\n\(example)")
    }
  }

  /// And the words on YAML are what is read.
  @Test(arguments: [
    ("a: b: c", false), ("a: \"b: c\"", true), ("a: {b: c, d}", true), ("a: b #c", true), ("a: on", true),
    ("a: @b", false), ("a: `b", false), ("a: %b", false), ("a: |\n  b", true), ("a: > \n  b", true), ("a: &b c", false),
    ("a: *b", false), ("a: !b c", false), ("<<: {a: b}", true), ("? [a]\n: b", false), ("a: b\n---\na: b", false),
    ("\ta: b", false), ("a:\n\t- b", false), ("a: b\n c: d", false), ("a: b\r\nc: d\r\n", true),
  ]) func words(text: String, isRead: Bool) {
    let (_, messages) = Array(text.utf8).withUnsafeBytes { Configuration.read($0, path: "c", checksFiles: false) }
    // What is read is refused for its keys.
    let isRefused = messages.list.contains {
      ["not YAML", "anchors", "tags", "a key must", "a second document"].contains(where: $0.sentence.hasPrefix)
    }
    #expect(isRefused == !isRead, "\(messages.list.map(\.sentence))")
  }
}
