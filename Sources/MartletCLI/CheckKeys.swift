import MartletDevice

/// `martlet check --keys`: what a configuration can say, from the table that it is read by. Written piece by piece,
/// which takes half the bytes of interpolations.
struct CheckKeys {
  private var text = ""

  /// A line of columns for each key, and one that says what it is.
  static func text() -> String {
    var keys = CheckKeys()
    keys.text.add(ConfigurationKey.unitsText)
    ConfigurationMapping.visit { place, mapping in
      keys.text.add("\n")
      if !place.isEmpty { keys.text.add(place + "\n") }
      for (_, key) in mapping.rows { keys.add(key) }
    }
    return keys.text
  }

  private mutating func add(_ key: ConfigurationKey) {
    column("", 0)
    column(key.name.text, 13)
    column(key.kindText, 15)
    column(key.rangeText, 36)
    let value = key.defaultText
    text.add(value.isEmpty ? key.presenceText : "default: ")
    text.add(value)
    text.add("\n")
    column("", 15)
    text.add(key.help.text)
    let owner = key.ownerText
    if !owner.isEmpty { text.add("; only for ") }
    text.add(owner)
    text.add("\n")
  }

  @inline(never)
  private mutating func column(_ word: String, _ width: Int) {
    text.add(word.padded(to: width + 2))
  }

  static func json() -> String {
    var json = JSONWriter()
    json.begin()
    json.beginArray("keys")
    ConfigurationMapping.visit { place, mapping in
      for (_, key) in mapping.rows {
        json.beginObject()
        json.field("mapping", place)
        json.field("key", key.name.text)
        json.field("kind", key.kindText)
        json.field("range", key.rangeText)
        json.field("unit", key.unitText)
        json.field("presence", key.presenceText)
        json.field("default", key.defaultText)
        json.field("only", key.ownerText)
        json.field("help", key.help.text)
        json.endObject()
      }
    }
    json.endArray()
    json.end()
    return json.text
  }
}
