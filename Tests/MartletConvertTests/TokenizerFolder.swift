import Foundation
import Martlet
import SwiftProtobuf
import Testing

@testable import MartletConvert

/// A folder of a model with twelve rows, with the tokenizer that a test gives it.
struct TokenizerFolder {
  let path: String

  /// Nine pieces: `</s>` is token 2, a line feed's byte 7.
  static let pieces: [(text: String, type: TokenType)] = [
    ("<unk>", .unknown), ("<s>", .control), ("</s>", .control), ("▁", .normal), ("a", .normal), ("b", .normal),
    ("ab", .normal), ("<0x0A>", .byte), ("▁ab", .normal),
  ]

  init() throws { path = try LanguageFixtures.copy("llama") }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  /// tokenizer.model: byte-pair encoding without a normalizer.
  func writePieces(_ pieces: [(text: String, type: TokenType)] = Self.pieces, prefix: Bool = true) throws {
    var model = SentencePieceProtoModel()
    for (rank, piece) in pieces.enumerated() {
      var record = SentencePieceProtoPiece()
      record.piece = Data(piece.text.utf8)
      record.score = piece.type == .normal ? -Float(20 - rank) : 0
      record.type = Int32(piece.type.rawValue)
      model.pieces.append(record)
    }
    model.trainerSpec.modelType = 2
    model.trainerSpec.byteFallback = true
    (model.trainerSpec.unkID, model.trainerSpec.bosID, model.trainerSpec.eosID) = (0, 1, 2)
    model.normalizerSpec.addDummyPrefix = prefix
    model.normalizerSpec.removeExtraWhitespaces = false
    model.normalizerSpec.escapeWhitespaces = true
    try Data(try model.serializedBytes() as [UInt8]).write(to: URL(fileURLWithPath: "\(path)/tokenizer.model"))
  }

  /// tokenizer.json with the same vocabulary, and these added tokens behind it.
  func writeJSON(added: String = "[]") throws {
    let vocabulary = Self.pieces.enumerated().map { "\"\($0.element.text)\":\($0.offset)" }.joined(separator: ",")
    try write(
      """
      {"added_tokens":\(added),"normalizer":null,
       "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false},
       "model":{"type":"BPE","vocab":{\(vocabulary)},"merges":[["a","b"],["▁","ab"]],"byte_fallback":true,
        "fuse_unk":true,"unk_token":"<unk>"}}
      """, "tokenizer.json")
  }

  func source() throws(ConversionError) -> any LanguageSource { try LanguageSources.open(path, tokenizer: nil) }

  func tokenizer() throws -> TokenizerSource { try source().tokenizer! }

  /// The line with which the folder is refused, without its name; empty if it is not.
  func refusal() -> String {
    let name = (path as NSString).lastPathComponent
    let line = languageRefusal(name) { () throws(ConversionError) in try source() }
    return String(line.dropFirst(line.isEmpty ? 0 : name.count + 2))
  }
}

extension TokenizerSource {
  /// By the device's code, without a beginning.
  func ids(_ text: String, parsesSpecial: Bool = true) throws -> [Int] {
    let section = try section(), bytes = Array(text.utf8)
    return try section.withUnsafeBytes { raw in
      let tokenizer = try Tokenizer(raw)
      let work = UnsafeMutableRawBufferPointer.allocate(
        byteCount: tokenizer.workBytes(textBytes: bytes.count), alignment: 16)
      let output = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 3 * bytes.count + 8)
      defer {
        work.deallocate()
        output.deallocate()
      }
      let count = try bytes.withUnsafeBytes {
        try tokenizer.encode(
          $0, parsesSpecial: parsesSpecial, isStart: true, addsBeginning: false, work: work, into: output)
      }
      return output[..<count].map(Int.init)
    }
  }
}
