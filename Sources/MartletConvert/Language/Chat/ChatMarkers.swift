import Martlet

/// Whether a vocabulary lacks markers of a chat format that are control tokens in the model.
///
/// That `<|im_end|>` is no token can mean two things: the model was trained with it as letters, as Llama 2 with
/// `[INST]` or TinyLlama with `<|user|>`, or its name got lost on the way, as when `added_tokens.json` was not copied.
/// The second is taken to be so if all of this holds:
/// - the model has rows that no token names;
/// - the template writes the marker out itself, in what every conversation consists of. What it takes from `eos_token`,
///   puts together from a role's name or keeps for calls of tools does not count;
/// - it has the form of a control token: `<` to `>` with a bar or an underscore;
/// - it ends an answer, or another marker of the same template is a token. A model whose markers are letters has none
///   that is a token, and ends its answers with EOS.
struct ChatMarkers {
  /// As the template writes them.
  let missing: [String]
  /// Rows of the model's that no token names.
  let rows: Int

  /// - Parameters:
  ///   - rows: of the model's embedding.
  ///   - template: the Jinja text.
  init(_ format: ChatFormatSource, template: String, tokenizer: TokenizerSource, rows: Int) {
    // GGUF has a token without a name for a row that has none.
    self.rows = rows - tokenizer.tokens.count { $0.type != .unused }
    let literal = Set(ChatTokenTexts.all(in: Array(template.utf8)))
    var seen: Set<String> = []
    let markers = format.written.filter { literal.contains($0) && Self.isOfControl($0) && seen.insert($0).inserted }
    let lost = markers.filter { tokenizer.token($0) == nil }
    let isMixed = lost.count < markers.count
    let losesEnd = format.stops.first.map(lost.contains) ?? false
    missing = isMixed || losesEnd ? lost : []
  }

  private static func isOfControl(_ marker: String) -> Bool {
    marker.hasPrefix("<") && marker.contains { $0 == "|" || $0 == "｜" || $0 == "_" }
  }

  private var list: String { missing.map(printable).joined(separator: ", ") }

  /// Nil if nothing is missing.
  func refusal(_ family: ChatFormatSource.Family) -> ConversionError? {
    guard !missing.isEmpty, rows > 0 else { return nil }
    return .badData(
      "the chat template writes \(list), which the tokenizer does not have, though \(rows) of the model's rows "
        + "belong to no token: give it the tokens (\(TokenizerSettings.addedName), or "
        + "\(TokenizerSettings.configurationName)'s added_tokens_decoder); or, where they are ordinary text, "
        + "--chat-format \(family.rawValue)")
  }

  /// The same where the person has decided.
  var note: String? {
    guard !missing.isEmpty, rows > 0 else { return nil }
    return "\(list) of the chat format \(missing.count == 1 ? "is" : "are") no tokens, but spelled out as text"
  }
}
