/// Writes JSON in the order in which it is told, indented by two spaces.
///
/// The caller keeps it well-formed: one `begin`, then fields inside objects and elements inside arrays, each closed
/// again.
public struct JSONWriter {
  public private(set) var text = ""
  private var depth = 0
  private var isFirst = true
  /// Inside an array that stays on one line.
  private var isInline = false

  public init() {}

  /// The whole document is one object.
  @inline(never)
  public mutating func begin() { open("{") }

  @inline(never)
  public mutating func end() {
    close("}")
    text.add("\n")
  }

  /// An object inside an object.
  @inline(never)
  public mutating func beginObject(_ key: String) {
    begin(key)
    open("{")
  }

  /// An object inside an array.
  @inline(never)
  public mutating func beginObject() {
    separate()
    open("{")
  }

  @inline(never)
  public mutating func endObject() { close("}") }

  /// - Parameter inline: all elements on one line; only for numbers.
  @inline(never)
  public mutating func beginArray(_ key: String, inline: Bool = false) {
    begin(key)
    open("[")
    isInline = inline
  }

  @inline(never)
  public mutating func endArray() { close("]") }

  @inline(never)
  public mutating func field(_ key: String, _ value: Int) {
    begin(key)
    text.add(String(value))
  }

  @inline(never)
  public mutating func field(_ key: String, _ value: Double, places: Int) {
    begin(key)
    text.add(NumberText.decimal(value, places: places))
  }

  @inline(never)
  public mutating func field(_ key: String, _ value: String) {
    begin(key)
    quote(value)
  }

  @inline(never)
  public mutating func element(_ value: Int) {
    separate()
    text.add(String(value))
  }

  @inline(never)
  public mutating func element(_ value: String) {
    separate()
    quote(value)
  }

  /// An element that is JSON already.
  @inline(never)
  public mutating func element(json: UnsafeRawBufferPointer) {
    separate()
    text.add(String(utf8: json))
  }

  // MARK: Parts

  @inline(never)
  private mutating func open(_ bracket: String) {
    text.add(bracket)
    depth += 1
    isFirst = true
  }

  @inline(never)
  private mutating func close(_ bracket: String) {
    depth -= 1
    if !isFirst { newLine() }
    isFirst = false
    isInline = false
    text.add(bracket)
  }

  @inline(never)
  private mutating func begin(_ key: String) {
    separate()
    quote(key)
    text.add(": ")
  }

  @inline(never)
  private mutating func separate() {
    if !isFirst { text.add(isInline ? ", " : ",") }
    isFirst = false
    newLine()
  }

  @inline(never)
  private mutating func newLine() {
    if isInline { return }
    text.add("\n")
    for _ in 0..<depth { text.add("  ") }
  }

  @inline(never)
  private mutating func quote(_ value: String) {
    text.add("\"")
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text.add("\\\"")
      case "\\": text.add("\\\\")
      case "\n": text.add("\\n")
      case "\t": text.add("\\t")
      case "\r": text.add("\\r")
      default:
        if scalar.value < 0x20 {
          text.add(scalar.value < 0x10 ? "\\u000" : "\\u00")
          text.add(String(scalar.value, radix: 16))
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text.add("\"")
  }
}
