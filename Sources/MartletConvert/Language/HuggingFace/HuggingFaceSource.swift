import Foundation

/// A language model from a Hugging Face folder.
struct HuggingFaceSource: LanguageSource {
  let configuration: LanguageConfiguration
  let name: String
  let tokenizer: TokenizerSource?
  let chatTemplate: String?
  let notes: [String]
  private let weights: SafetensorsSet
  private let names: HuggingFaceNames
  private let addsOneToNorms: Bool

  var formatName: String { "safetensors" }
  var sha256: String { weights.sha256 }

  init(folder: String) throws(ConversionError) {
    let name = printable((folder as NSString).standardizingPath.split(separator: "/").last.map(String.init) ?? folder)
    self.name = name
    let opened = try named(name) { () throws(ConversionError) in try Opened(folder: folder) }
    configuration = opened.configuration
    tokenizer = opened.extras.tokenizer
    chatTemplate = opened.extras.chatTemplate
    notes = opened.notes
    weights = opened.weights
    names = opened.names
    addsOneToNorms = opened.model.traits.huggingFace.addsOneToNorms
  }

  /// What `init` finds before the source is whole.
  private struct Opened {
    let model: HuggingFaceModel
    let configuration: LanguageConfiguration
    let extras: HuggingFaceExtras
    let weights: SafetensorsSet
    let names: HuggingFaceNames
    let notes: [String]

    init(folder: String) throws(ConversionError) {
      let file = try MappedFile("\(folder)/config.json")
      let json = try JSONObject(file.content(limit: LanguageLimits.jsonBytes), place: file.name)
      model = try HuggingFaceModel(json)
      var configuration = try HuggingFaceConfiguration(model).configuration()
      weights = try SafetensorsSet(folder: folder)
      names = try HuggingFaceNames(weights, layerNames: model.traits.huggingFace.tensorNames)
      var notes: [String] = []
      // As transformers does it: a head that is there and is another matrix is taken, whatever the configuration says.
      if configuration.isHeadTied, weights.tensor(names.head) != nil,
        !weights.areSame(names.head, names.name(of: .embedding))
      {
        configuration.isHeadTied = false
        notes.append("tie_word_embeddings is set, but \(names.head) is another matrix than the embedding; it is used")
      }
      notes += try names.check(weights, configuration, otherTensors: model.otherTensors)
      self.configuration = configuration
      extras = try HuggingFaceExtras(folder: folder, config: json, vocabularySize: configuration.vocabularySize)
      try checkVocabulary(configuration, extras.tokenizer)
      self.notes = notes + extras.notes + vocabularyNotes(configuration, extras.tokenizer)
    }
  }

  func values(_ tensor: LanguageTensor) throws(ConversionError) -> [Float] {
    try named(name) { () throws(ConversionError) in
      let key = names.name(of: tensor)
      guard configuration.shape(of: tensor) != nil else { throw .badData("tensor \(key) is missing") }
      var values = try weights.values(key)
      if addsOneToNorms, tensor.isNorm { for index in values.indices { values[index] += 1 } }
      return values
    }
  }
}
