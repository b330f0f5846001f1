/// The normalizers of a `tokenizer.json`, reduced to what they do together.
struct HuggingFaceNormalizer {
  private(set) var composes = false
  private(set) var prepends = false
  private(set) var marksSpaces = false

  var changesText: Bool { composes || prepends || marksSpaces }

  init(_ value: JSONValue?) throws(ConversionError) {
    guard let value else { return }
    let parts = value["type"]?.text == "Sequence" ? value["normalizers"]?.array ?? [] : [value]
    for part in parts { try add(part) }
  }

  private mutating func add(_ part: JSONValue) throws(ConversionError) {
    let type = part["type"]?.text ?? "without a type"
    switch type {
    case "NFC": composes = true
    case "Prepend" where part["prepend"]?.bytes == SpaceMark.bytes && !marksSpaces: prepends = true
    case "Replace"
    where part["pattern"]?["String"]?.text == " " && part["content"]?.bytes == SpaceMark.bytes:
      marksSpaces = true
    case "Precompiled" where part["precompiled_charsmap"]?.bytes?.isEmpty != false: break
    default:
      throw .unsupported("tokenizer.json: the normalizer \(printable(type)), as it is set, is not supported")
    }
  }
}
