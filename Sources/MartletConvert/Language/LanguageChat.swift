/// The chat format of a model that is being converted, and what it asks of the tokenizer.
struct LanguageChat {
  /// The source's tokenizer, with the tokens that end an answer.
  private(set) var tokenizer: TokenizerSource?
  /// Nil: the model does not chat.
  private(set) var section: [UInt8]?
  private(set) var name: String?
  private(set) var notes: [String] = []

  /// - Parameters:
  ///   - template: the Jinja text that came with the model, if there is one.
  ///   - format: what the person named; nil takes what the template is recognised as.
  ///   - rows: of the model's embedding; nil: of the tokenizer alone nobody knows.
  init(
    _ tokenizer: TokenizerSource?, template: String?, named format: String?, rows: Int? = nil
  ) throws(ConversionError) {
    guard let tokenizer else {
      guard format == nil else { throw ConversionError(.badRequest, "--chat-format: the model has no tokenizer") }
      notes = ["no tokenizer: the device takes token ids only"]
      return
    }
    self.tokenizer = tokenizer
    let beginning = tokenizer.beginning.map { tokenizer.text(of: $0) } ?? ""
    let end = tokenizer.ends.first.map { tokenizer.text(of: $0) } ?? ""
    let isToken = { @Sendable (text: String) in tokenizer.hasSpecial(text) }
    let found: ChatFormatSource
    if let format {
      found = try ChatFormatSource(named: format, beginning: beginning, end: end, isToken: isToken)
    } else if let template {
      found = try ChatFormatSource(template: template, beginning: beginning, end: end, isToken: isToken)
    } else {
      notes = ["no chat template: martlet generate works, martlet chat needs --chat-format"]
      return
    }
    if let rows, let text = format == nil ? template : found.family.template {
      let markers = ChatMarkers(found, template: text, tokenizer: tokenizer, rows: rows)
      if format == nil, let refusal = markers.refusal(found.family) { throw refusal }
      if let note = markers.note { notes.append(note) }
    }
    for stop in found.stops {
      if let id = tokenizer.token(stop) { self.tokenizer?.addEnd(id) }
    }
    // Where another format is named, the model's own markers are still what it was trained with.
    self.tokenizer?.mark(found.markers + found.stops + ChatTokenTexts.all(in: Array((template ?? "").utf8)))
    section = found.section()
    name = found.family.rawValue
    notes += found.notes
  }
}
