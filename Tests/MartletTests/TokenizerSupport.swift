import Foundation
import Testing

@testable import Martlet

/// A vocabulary of Tests/Fixtures/tokenizers, with the ids that somebody else's tokenizer gives for some texts.
struct TokenizerFixture: Decodable, CustomTestStringConvertible, Sendable {
  struct Text: Decodable, Sendable {
    var text: String
    var special: Bool
    var ids: [Int32]
    /// What the ids mean; nil where that is everybody's own matter.
    var back: String?

    /// Hexadecimal in the file, since it need not be UTF-8.
    var bytes: [UInt8] {
      let digits = Array(text.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
      return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
    var parsesSpecial: Bool { special }
  }

  var name: String
  var cases: [Text]

  var testDescription: String { name }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/tokenizers")

  static let all: [TokenizerFixture] = {
    let file = folder.appendingPathComponent("expected.json")
    return (try? JSONDecoder().decode([TokenizerFixture].self, from: Data(contentsOf: file))) ?? []
  }()

  /// The section `tokenizer`.
  var section: [UInt8] {
    (try? Data(contentsOf: Self.folder.appendingPathComponent("\(name).section"))).map { [UInt8]($0) } ?? []
  }

  func withTokenizer(_ body: (Tokenizer) throws -> Void) throws {
    try section.withUnsafeBytes { section in
      let tokenizer = try Tokenizer(section)
      try tokenizer.validate()
      try body(tokenizer)
    }
  }
}

extension Tokenizer {
  /// Token ids of a text, in exactly the work space that is asked for.
  func ids(
    _ text: [UInt8], parsesSpecial: Bool = false, isStart: Bool = true, addsBeginning: Bool = true,
    room: Int? = nil, workBytes: Int? = nil
  ) throws(TokenizerError) -> [Int32] {
    let count = workBytes ?? self.workBytes(textBytes: text.count)
    let guardBytes = 64
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: count + guardBytes, alignment: 1)
    defer { region.deallocate() }
    for index in region.indices { region[index] = 0xA5 }
    var tokens = [Int32](repeating: -7, count: room ?? 3 * text.count + 2)
    let found = try text.withUnsafeBufferPointer { text throws(TokenizerError) in
      try tokens.withUnsafeMutableBufferPointer { tokens throws(TokenizerError) in
        try encode(
          UnsafeRawBufferPointer(text), parsesSpecial: parsesSpecial, isStart: isStart, addsBeginning: addsBeginning,
          work: UnsafeMutableRawBufferPointer(rebasing: region[..<count]), into: tokens)
      }
    }
    #expect(region[count...].allSatisfy { $0 == 0xA5 }, "written past the work space")
    #expect(tokens[found...].allSatisfy { $0 == -7 }, "written past the tokens")
    return Array(tokens.prefix(found))
  }

  /// What ids mean, from the start of a text: control tokens stand for nothing.
  func text(of ids: [Int32]) -> String {
    var assembler = UTF8Assembler()
    var bytes: [UInt8] = []
    func push(_ piece: UnsafeRawBufferPointer) {
      let room = UTF8Assembler.capacity(pushing: piece.count)
      bytes += [UInt8](unsafeUninitializedCapacity: room) { target, count in
        count = assembler.push(piece, into: UnsafeMutableRawBufferPointer(target))
      }
    }
    var isFirst = true
    for id in ids {
      var piece = self.bytes(of: id, special: false)
      if isFirst, id != beginning {
        isFirst = false
        if stripsLeadingSpace, piece.first == UInt8(ascii: " ") {
          piece = UnsafeRawBufferPointer(rebasing: piece.dropFirst())
        }
      }
      push(piece)
    }
    bytes += [UInt8](unsafeUninitializedCapacity: 3) { target, count in
      count = assembler.finish(into: UnsafeMutableRawBufferPointer(target))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
