import Foundation
import Martlet

/// A tokenizer alone as a `.martlet` file: for `martlet tokenize`, and for comparing it with others.
public struct TokenizerConversion: Sendable {
  public let bytes: [UInt8]
  public let tokenizer: TokenizerSource

  /// Reads any of the files that hold a tokenizer: `.gguf`, `tokenizer.json`, `tokenizer.model` (or another `.model`),
  /// or llama2.c's `tokenizer.bin`. `tokenizer_config.json` beside it is read too.
  ///
  /// - Parameter vocabularySize: for llama2.c, whose file does not say it.
  public init(path: String, vocabularySize: Int? = nil) throws(ConversionError) {
    do {
      tokenizer = try TokenizerConversion.source(path, vocabularySize)
      let provenance = [
        "source: \(printable((path as NSString).lastPathComponent))", "tokenizer: \(tokenizer.summary)",
      ]
      bytes = SectionFile.bytes([
        (.tokenizer, try tokenizer.section()), (.provenance, Array((provenance.joined(separator: "\n") + "\n").utf8)),
      ])
    } catch {
      guard error.kind == .badData || error.kind == .unsupported else { throw error }
      throw ConversionError(error.kind, lines: error.lines.map { "\(path): \($0)" })
    }
  }

  private static func source(_ path: String, _ vocabularySize: Int?) throws(ConversionError) -> TokenizerSource {
    let url = URL(fileURLWithPath: path)
    if url.pathExtension == "gguf" { return try TokenizerSource(gguf: GGUFFile(path).metadata) }
    let configuration = url.deletingLastPathComponent().appendingPathComponent("tokenizer_config.json").path
    func settings() throws(ConversionError) -> [UInt8]? {
      FileManager.default.fileExists(atPath: configuration) ? try FileAccess.read(configuration) : nil
    }
    switch url.pathExtension {
    case "json": return try TokenizerSource(huggingFace: FileAccess.read(path), configuration: settings())
    case "model": return try TokenizerSource(sentencePiece: FileAccess.read(path), configuration: settings())
    case "bin":
      let bytes = try FileAccess.read(path)
      guard let size = vocabularySize else {
        throw ConversionError(.badRequest, "\(path): the number of tokens is not in this file and must be given")
      }
      return try TokenizerSource(llama2c: bytes, vocabularySize: size)
    default:
      throw ConversionError(
        .badRequest, "\(path): holds no tokenizer; .gguf, tokenizer.json, tokenizer.model and tokenizer.bin do")
    }
  }
}
