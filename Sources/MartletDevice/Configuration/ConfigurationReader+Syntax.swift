import CMartletLinux

// What is not YAML, or YAML that is not read.

extension ConfigurationReader {
  func sentence(_ error: martlet_error) -> String {
    switch Int(error) {
    case MARTLET_YAML_SYNTAX: return syntaxSentence
    case MARTLET_YAML_TOO_LARGE: return "too large: a configuration has at most 256 KiB"
    case MARTLET_YAML_TOO_MANY_NODES: return "too much: a configuration has at most 4096 values"
    case MARTLET_YAML_TOO_DEEP: return "too deep: at most 16 levels"
    case MARTLET_YAML_ANCHOR: return "anchors and aliases (& and *) are not read: write the value out"
    case MARTLET_YAML_TAG: return "tags (!) are not read: leave it out"
    case MARTLET_YAML_SECOND_DOCUMENT: return "a second document begins here: one is allowed"
    case MARTLET_YAML_KEY_NOT_TEXT: return "a key must be a plain word"
    case MARTLET_YAML_ZERO_BYTE: return "a text with a zero byte"
    default: return "no memory for reading it"
    }
  }

  private var syntaxSentence: String {
    var sentence = "not YAML: "
    switch Int(yaml.reason) {
    case MARTLET_YAML_NOT_UTF8: sentence.add("not UTF-8: save the file in that encoding")
    case MARTLET_YAML_TAB: sentence.add("a tab: indent with blanks")
    case MARTLET_YAML_LEFT_OPEN:
      sentence.add("this is not closed, or a comma is missing behind it; noticed in line ")
      sentence.add(String(yaml.end_line))
    case MARTLET_YAML_COLON:
      sentence.add(
        "a second colon with a blank behind it: write the text without the blank (gpiochip0:17) or in quotes")
      sentence.add(", or put a comma in front of the key")
    case MARTLET_YAML_DASH: sentence.add("a list begins in a line of its own, or is written in brackets: [a, b]")
    case MARTLET_YAML_NO_COLON: sentence.add("a key needs a colon with a blank behind it")
    case MARTLET_YAML_INDENT:
      sentence.add("this is indented like no line above it, or stands behind a value that is complete")
    case MARTLET_YAML_CHARACTER: sentence.add("a text that begins with this character needs quotes")
    default:
      var problem = yaml.problem
      sentence.add(withUnsafeBytes(of: &problem) { FixedText.string($0) })
    }
    return sentence
  }
}
