/// A language model from a llama2.c checkpoint, with its tokenizer from a file of its own.
struct Llama2CSource: LanguageSource {
  let configuration: LanguageConfiguration
  let tokenizer: TokenizerSource?
  let notes: [String]
  private let file: MappedFile
  private let layout: Llama2CFile

  var name: String { file.name }
  var formatName: String { "llama2.c" }
  var sha256: String { file.sha256 }
  var chatTemplate: String? { nil }

  init(_ file: MappedFile, tokenizer path: String?) throws(ConversionError) {
    self.file = file
    let bytes = file.bytes
    let layout = try named(file.name) { () throws(ConversionError) in
      try Llama2CFile(
        header: UnsafeRawBufferPointer(rebasing: bytes.prefix(Llama2CFile.headerBytes)), fileBytes: bytes.count)
    }
    self.layout = layout
    configuration = layout.configuration
    tokenizer = try path.map { (path) throws(ConversionError) in
      let file = try MappedFile(path)
      return try named(file.name) { () throws(ConversionError) in
        try TokenizerSource(
          llama2c: file.content(limit: LanguageLimits.tokenizerBytes), vocabularySize: layout.vocabularySize)
      }
    }
    notes = vocabularyNotes(configuration, tokenizer)
  }

  func values(_ tensor: LanguageTensor) throws(ConversionError) -> [Float] {
    let shown = "\(name): tensor \(tensor)"
    guard let range = layout.range(of: tensor) else { throw .badData("\(shown) is missing") }
    let values = withExtendedLifetime(file) {
      GGUFDequantization.values(
        UnsafeRawBufferPointer(rebasing: file.bytes[range]), type: .f32, count: range.count / 4)
    }
    try requireFinite(values, shown)
    guard let heads = configuration.rotaryHeads(of: tensor) else { return values }
    return halvesFromInterleaved(values, heads: heads, headSize: configuration.headSize)
  }
}
