/// Writes JSON in the order in which it is told, indented by two spaces.
///
/// The caller keeps it well-formed: one `begin`, then fields inside objects and elements inside arrays, each closed again.
public struct JSONWriter {
  public private(set) var text = ""
  private var depth = 0
  private var isFirst = true
  /// Inside an array that stays on one line.
  private var isInline = false

  public init() {}

  /// The whole document is one object.
  public mutating func begin() { open("{") }

  public mutating func end() {
    close("}")
    text += "\n"
  }

  /// An object inside an object.
  public mutating func beginObject(_ key: String) {
    begin(key)
    open("{")
  }

  /// An object inside an array.
  public mutating func beginObject() {
    separate()
    open("{")
  }

  public mutating func endObject() { close("}") }

  /// - Parameter inline: all elements on one line; only for numbers.
  public mutating func beginArray(_ key: String, inline: Bool = false) {
    begin(key)
    open("[")
    isInline = inline
  }

  public mutating func endArray() { close("]") }

  public mutating func field(_ key: String, _ value: Int) {
    begin(key)
    text += String(value)
  }

  public mutating func field(_ key: String, _ value: Double, places: Int) {
    begin(key)
    text += NumberText.decimal(value, places: places)
  }

  public mutating func field(_ key: String, _ value: String) {
    begin(key)
    quote(value)
  }

  public mutating func element(_ value: Int) {
    separate()
    text += String(value)
  }

  public mutating func element(_ value: String) {
    separate()
    quote(value)
  }

  // MARK: Parts

  private mutating func open(_ bracket: String) {
    text += bracket
    depth += 1
    isFirst = true
  }

  private mutating func close(_ bracket: String) {
    depth -= 1
    if !isFirst { newLine() }
    isFirst = false
    isInline = false
    text += bracket
  }

  private mutating func begin(_ key: String) {
    separate()
    quote(key)
    text += ": "
  }

  private mutating func separate() {
    if !isFirst { text += isInline ? ", " : "," }
    isFirst = false
    newLine()
  }

  private mutating func newLine() {
    if isInline { return }
    text += "\n"
    for _ in 0..<depth { text += "  " }
  }

  private mutating func quote(_ value: String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      default:
        if scalar.value < 0x20 {
          text += scalar.value < 0x10 ? "\\u000" : "\\u00"
          text += String(scalar.value, radix: 16)
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }
}
