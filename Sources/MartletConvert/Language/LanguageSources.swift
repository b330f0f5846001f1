import Foundation

/// Opens language models of every format that Martlet converts, told apart by their content.
public enum LanguageSources {
  /// Opens a GGUF file, a Hugging Face folder, or a llama2.c checkpoint whose tokenizer is the file `tokenizer`.
  ///
  /// Throws one line that names what is wrong where the source is damaged, or holds what Martlet does not run.
  public static func open(_ path: String, tokenizer: String?) throws(ConversionError) -> any LanguageSource {
    if isFolder(path) {
      try refuseTokenizer(tokenizer, path)
      guard FileManager.default.fileExists(atPath: "\(path)/config.json") else {
        throw ConversionError(.missingFile, "\(printable(path)): is a folder without config.json")
      }
      return try HuggingFaceSource(folder: path)
    }
    let file = try MappedFile(path)
    if GGUFFile.matches(file.bytes) {
      try refuseTokenizer(tokenizer, path)
      return try GGUFSource(GGUFFile(file))
    }
    do throws(ConversionError) {
      return try Llama2CSource(file, tokenizer: tokenizer)
    } catch {
      guard looksLikeLlama2C(file.bytes) || error.lines.first?.hasPrefix("\(file.name): ") != true else {
        throw .badData("\(file.name): is neither GGUF, nor a folder with config.json, nor llama2.c version 0")
      }
      throw error
    }
  }

  /// Whether `path` looks like a language model, from a few bytes of it: it may still be refused when it is opened.
  public static func isLanguageModel(_ path: String) -> Bool {
    if isFolder(path) { return FileManager.default.fileExists(atPath: "\(path)/config.json") }
    guard let file = try? MappedFile(path) else { return false }
    return GGUFFile.matches(file.bytes) || isLlama2C(file.bytes)
  }

  private static func isFolder(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  private static func refuseTokenizer(_ tokenizer: String?, _ path: String) throws(ConversionError) {
    guard tokenizer != nil else { return }
    throw ConversionError(.badRequest, "\(printable(path)): brings its own tokenizer; another cannot be given")
  }

  /// The header and the exact length.
  private static func isLlama2C(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let header = UnsafeRawBufferPointer(rebasing: bytes.prefix(Llama2CFile.headerBytes))
    return (try? Llama2CFile(header: header, fileBytes: bytes.count)) != nil
  }

  /// Sizes that some model could have, so that the file's length is what is worth a message.
  private static func looksLikeLlama2C(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var cursor = ByteCursor(bytes)
    for _ in 0..<7 {
      guard let field = try? cursor.integer(Int32.self, ""), field.magnitude <= UInt32(LanguageLimits.vocabulary),
        field != 0
      else { return false }
    }
    return true
  }
}
