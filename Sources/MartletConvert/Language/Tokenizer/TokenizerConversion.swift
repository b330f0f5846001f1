import Foundation
import Martlet

/// A tokenizer alone as a `.martlet` file: for `martlet tokenize`, and for comparing it with others. With it goes the
/// chat format, where the model has one.
public struct TokenizerConversion: Sendable {
  public let bytes: [UInt8]
  public let tokenizer: TokenizerSource
  /// The chat format's name.
  public let chatFormat: String?
  /// What a person should know.
  public let notes: [String]

  /// Reads any of the files that hold a tokenizer: `.gguf`, `tokenizer.json`, `tokenizer.model` (or another `.model`),
  /// or llama2.c's `tokenizer.bin`. What lies beside a Hugging Face file is read too.
  ///
  /// - Parameters:
  ///   - vocabularySize: for llama2.c, whose file does not say it.
  ///   - format: a chat format by name; nil: what the template is recognised as, and none if it is not.
  public init(path: String, vocabularySize: Int? = nil, chatFormat format: String? = nil) throws(ConversionError) {
    do {
      let source = try TokenizerConversion.source(path, vocabularySize)
      let (chat, notes) = try TokenizerConversion.chat(source, path, named: format)
      tokenizer = chat?.tokenizer ?? source
      chatFormat = chat?.name
      self.notes = source.notes + notes
      let provenance = [
        "source: \(printable((path as NSString).lastPathComponent))", "tokenizer: \(tokenizer.summary)",
      ]
      var sections: [(SectionKind, [UInt8])] = [(.tokenizer, try tokenizer.section())]
      if let section = chat?.section { sections.append((.chat, section)) }
      sections.append((.provenance, SectionFile.lines(provenance)))
      bytes = SectionFile.bytes(sections)
    } catch {
      guard error.kind == .badData || error.kind == .unsupported else { throw error }
      throw ConversionError(error.kind, lines: error.lines.map { "\(path): \($0)" })
    }
  }

  private static func chat(
    _ source: TokenizerSource, _ path: String, named format: String?
  ) throws(ConversionError) -> (chat: LanguageChat?, notes: [String]) {
    do throws(ConversionError) {
      let (template, notes) = try template(path)
      guard template != nil || format != nil else { return (nil, notes) }
      let chat = try LanguageChat(source, template: template, named: format)
      return (chat, notes + chat.notes)
    } catch {
      // It is the tokenizer that is asked for.
      guard format == nil else { throw error }
      return (nil, error.lines)
    }
  }

  private static func template(_ path: String) throws(ConversionError) -> (text: String?, notes: [String]) {
    let url = URL(fileURLWithPath: path)
    switch url.pathExtension {
    case "gguf": return (try GGUFSource.template(GGUFFile(path)), [])
    case "json", "model": return try HuggingFaceExtras.template(folder: url.deletingLastPathComponent().path)
    default: return (nil, [])
    }
  }

  private static func source(_ path: String, _ vocabularySize: Int?) throws(ConversionError) -> TokenizerSource {
    let url = URL(fileURLWithPath: path)
    if url.pathExtension == "gguf" { return try TokenizerSource(gguf: GGUFFile(path).metadata) }
    func settings() throws(ConversionError) -> TokenizerSettings {
      try TokenizerSettings(folder: url.deletingLastPathComponent().path)
    }
    switch url.pathExtension {
    case "json": return try TokenizerSource(huggingFace: FileAccess.read(path), settings: settings())
    case "model": return try TokenizerSource(sentencePiece: FileAccess.read(path), settings: settings())
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
