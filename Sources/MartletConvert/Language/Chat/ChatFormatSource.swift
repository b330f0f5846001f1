import Martlet

/// A model's chat format, ready to be written as the section `chat`.
public struct ChatFormatSource: Sendable {
  public enum Family: String, CaseIterable, Sendable {
    case chatml, llama2, llama3, mistral, gemma, zephyr, deepseek, none
  }

  public let family: Family
  /// Texts of tokens that end an answer, such as `<|im_end|>`.
  public let stops: [String]
  /// What looks like a token in the format's texts, and in its template: for a call of tools, too, which we never
  /// write.
  let markers: [String]
  /// Those of the markers that conversations are made of.
  let written: [String]
  /// What a person should know.
  public let notes: [String]
  private let bytes: [UInt8]

  /// The choices of `--chat-format`.
  public static var choices: String { Family.allCases.map(\.rawValue).joined(separator: ", ") }

  /// Compiles the template that came with a model. It must be of a known family, and the device's code must give its
  /// very text.
  /// - Parameters:
  ///   - template: the Jinja text; nil: the model has none.
  ///   - beginning: text of the beginning-of-sequence token, empty if there is none.
  ///   - end: text of the end-of-sequence token.
  ///   - isToken: whether a text is one token of the vocabulary. Where a format's markers are none, as `<|user|>` in
  ///     TinyLlama, they are tokenized together with the text beside them.
  public init(
    template: String?, beginning: String, end: String, isToken: (@Sendable (String) -> Bool)? = nil
  ) throws(ConversionError) {
    let advice = "name one with --chat-format (\(ChatFormatSource.choices))"
    guard let template else {
      throw ConversionError(.badRequest, "the model has no chat template; \(advice)")
    }
    do throws(JinjaError) {
      let parsed = try ChatTemplate(template, beginning: beginning, end: end)
      guard let found = try ChatFormatDerivation(parsed, isToken: isToken),
        let family = Family(of: found.pieces, end: end)
      else { throw .unsupported("not of a known family") }
      try self.init(found, family, template, end: end)
    } catch {
      throw ConversionError(.unsupported, "the chat template: \(error.reason); \(advice)")
    }
  }

  /// A format by its name, for models whose template is missing or unknown.
  public init(
    named name: String, beginning: String, end: String, isToken: (@Sendable (String) -> Bool)? = nil
  ) throws(ConversionError) {
    guard let family = Family(rawValue: name) else {
      throw ConversionError(
        .badRequest, "--chat-format \(printable(name)): there is no such format, only \(ChatFormatSource.choices)")
    }
    do throws(JinjaError) {
      guard let template = family.template else {
        var pieces = ChatPieces()
        if !beginning.isEmpty { pieces.flags = .startsWithBeginning }
        pieces[.systemSuffix] = Array("\n\n".utf8)
        self.init(family: .none, stops: end.isEmpty ? [] : [end], notes: [], bytes: pieces.section ?? [])
        return
      }
      let parsed = try ChatTemplate(template, beginning: beginning, end: end.isEmpty ? "</s>" : end)
      guard let found = try ChatFormatDerivation(parsed, isToken: isToken) else { throw .tooLong }
      try self.init(found, family, template, end: end)
    } catch {
      throw ConversionError(.badRequest, "--chat-format \(name): \(error.reason)")
    }
  }

  private init(
    family: Family, stops: [String], markers: [String] = [], written: [String] = [], notes: [String], bytes: [UInt8]
  ) {
    self.family = family
    self.stops = stops
    self.markers = markers
    self.written = written
    self.notes = notes
    self.bytes = bytes
  }

  private init(
    _ found: ChatFormatDerivation, _ family: Family, _ template: String, end: String
  ) throws(JinjaError) {
    var pieces = found.pieces
    if !end.isEmpty, !pieces.stops.contains(Array(end.utf8)) { pieces.stops.append(Array(end.utf8)) }
    guard let section = pieces.section else { throw .tooLong }
    var notes: [String] = []
    if found.lacksSystem {
      notes.append("the chat format has no place for a system text; one is put before the first user's text")
    }
    if pieces[.start].range(of: Array("26 Jul 2024".utf8)) {
      notes.append("the chat format tells the model a date; it is always the template's own, 26 Jul 2024")
    }
    let written = pieces.texts.flatMap { ChatTokenTexts.all(in: $0) }
    self.init(
      family: family, stops: pieces.stops.map { String(decoding: $0, as: UTF8.self) },
      markers: written + ChatTokenTexts.all(in: Array(template.utf8)), written: written, notes: notes, bytes: section)
  }

  /// The section's bytes.
  public func section() -> [UInt8] { bytes }
}

extension JinjaError {
  var reason: String {
    switch self {
    case .unsupported(let what): what
    case .raised(let message): "it refuses a plain conversation: \(printable(message))"
    case .tooLong: "it is too long, or takes too long"
    }
  }
}

extension [UInt8] {
  /// Whether the bytes occur.
  fileprivate func range(of part: [UInt8]) -> Bool {
    !JinjaText.ranges(
      of: String(decoding: part, as: UTF8.self), in: String(decoding: self, as: UTF8.self), limit: 1
    ).isEmpty
  }
}
