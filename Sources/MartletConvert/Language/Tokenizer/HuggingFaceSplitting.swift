import Martlet

/// The pre-tokenizers of a `tokenizer.json`: recognized only as the exact sequences that published models have.
struct HuggingFaceSplitting {
  enum Prefix { case never, first, always }

  private(set) var isByteLevel = false
  private(set) var words: WordPattern = .none
  private(set) var prefix = Prefix.never
  /// U+2581 is put in place of spaces.
  private(set) var marksSpaces = false

  init(_ value: JSONValue?, hasSpaceMark: Bool) throws(ConversionError) {
    guard let value else { return }
    let parts = value["type"]?.text == "Sequence" ? value["pretokenizers"]?.array ?? [] : [value]
    // What SentencePiece models of the Gemma family have: after normalization there is nothing to split.
    if parts.count == 1, hasSpaceMark, parts[0]["type"]?.text == "Split", parts[0]["pattern"]?["String"]?.text == " " {
      return
    }
    if parts.count == 1, parts[0]["type"]?.text == "Metaspace" {
      try readMetaspace(parts[0])
      return
    }
    var names: [String] = []
    for part in parts {
      let name = try name(part)
      names.append(name)
      if part["type"]?.text == "ByteLevel" {
        isByteLevel = true
        if part["add_prefix_space"]?.boolean ?? true { prefix = .always }
      }
    }
    guard let known = HuggingFaceSplitting.known[names] else {
      throw .unsupported(
        "tokenizer.json: the pre-tokenizer \(printable(names.joined(separator: ", "))) is not supported")
    }
    words = known
  }

  private mutating func readMetaspace(_ part: JSONValue) throws(ConversionError) {
    guard part["replacement"]?.bytes == SpaceMark.bytes else {
      throw .unsupported("tokenizer.json: Metaspace with another mark than U+2581 is not supported")
    }
    marksSpaces = true
    let scheme = part["prepend_scheme"]?.text ?? ((part["add_prefix_space"]?.boolean ?? true) ? "always" : "never")
    switch scheme {
    case "always": prefix = .always
    case "first": prefix = .first
    case "never": prefix = .never
    default: throw .unsupported("tokenizer.json: Metaspace's prepend_scheme \(printable(scheme)) is not supported")
    }
    if part["split"]?.boolean ?? true { words = .spaces }
  }

  private func name(_ part: JSONValue) throws(ConversionError) -> String {
    let type = part["type"]?.text ?? "without a type"
    switch type {
    case "ByteLevel": return part["use_regex"]?.boolean ?? true ? "GPT-2" : "bytes"
    case "Digits": return part["individual_digits"]?.boolean == true ? "digit" : "digits"
    case "Split" where part["behavior"]?.text == "Isolated" && part["invert"]?.boolean != true:
      guard let pattern = part["pattern"]?["Regex"]?.text else { return "Split by a text" }
      // Files have line ends in the pattern, or their escapes. By scalars: CR LF is one character.
      return pattern.unicodeScalars.map { $0 == "\r" ? #"\r"# : $0 == "\n" ? #"\n"# : String($0) }.joined()
    default: return type
    }
  }

  private static let known: [[String]: WordPattern] = [
    ["GPT-2"]: .gpt2,
    [gpt2, "bytes"]: .gpt2,
    [cased(#"\p{N}{1,3}"#), "bytes"]: .llama3,
    [cased(#"\p{N}"#), "bytes"]: .qwen2,
    ["digit", "GPT-2"]: .smollm,
    [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, ideographs, "digit", "bytes"]: .deepseekCoder,
    [#"[\r\n]"#, casedLetters, #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#, ideographs, "digit", "bytes"]:
      .deepseekLLM,
    [tekken, "bytes"]: .tekken,
  ]

  private static let gpt2 =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static func cased(_ digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  private static let tekken =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
    + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"#
    + #" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  private static let ideographs = "[一-龥ࠀ-一가-\u{D7FF}]+"

  /// DeepSeek's list of cased letters, from its ranges: a literal would be at the mercy of every editor.
  private static let casedLetters: String = {
    let ranges: [(UInt32, UInt32)] = DeepSeekLetters.ranges
    var text = #"\s?["#
    for (first, last) in ranges {
      text.unicodeScalars.append(Unicode.Scalar(first)!)
      guard last > first else { continue }
      text += "-"
      text.unicodeScalars.append(Unicode.Scalar(last)!)
    }
    return text + "]+"
  }()
}
