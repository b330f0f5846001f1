/// What the post-processor of a `tokenizer.json` puts around a text.
struct HuggingFaceTemplate {
  /// The text of the token before it.
  private(set) var beginning: String?
  /// Whether there is a token after it.
  private(set) var hasEnd = false

  init(_ value: JSONValue?) throws(ConversionError) {
    guard let value else { return }
    let parts = value["type"]?.text == "Sequence" ? value["processors"]?.array ?? [] : [value]
    for part in parts {
      let type = part["type"]?.text ?? "without a type"
      switch type {
      case "ByteLevel": break
      case "TemplateProcessing": try read(part)
      default: throw .unsupported("tokenizer.json: the post-processor \(printable(type)) is not supported")
      }
    }
  }

  private mutating func read(_ part: JSONValue) throws(ConversionError) {
    guard let items = part["single"]?.array,
      let place = items.firstIndex(where: { $0["Sequence"] != nil }), place <= 1
    else {
      throw .unsupported("tokenizer.json: the post-processor's template is not supported")
    }
    hasEnd = place + 1 < items.count
    guard place == 1 else { return }
    guard let id = items[0]["SpecialToken"]?["id"]?.text else {
      throw .badData("tokenizer.json: the post-processor's template has a token without a name")
    }
    beginning = id
  }
}
