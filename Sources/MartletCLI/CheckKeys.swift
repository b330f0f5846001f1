import MartletDevice

/// `martlet check --keys`: what a configuration can say, from the table that it is read by.
enum CheckKeys {
  /// A line of columns for each key, and one that says what it is.
  static func text() -> String {
    var widths = (name: 0, kind: 0, range: 0)
    for (_, mapping) in ConfigurationMapping.places {
      for (_, key) in mapping.rows {
        widths.name = max(widths.name, key.name.text.utf8.count)
        widths.kind = max(widths.kind, key.kindText.utf8.count)
        widths.range = max(widths.range, key.rangeText.utf8.count)
      }
    }
    var text = ConfigurationKey.unitsText
    text.add("\n")
    for (place, mapping) in ConfigurationMapping.places {
      if !place.isEmpty {
        text.add("\n")
        text.add(place)
        text.add("\n")
      }
      for (_, key) in mapping.rows {
        text.add("  ")
        text.add(key.name.text.padded(to: widths.name))
        text.add("  ")
        text.add(key.kindText.padded(to: widths.kind))
        text.add("  ")
        text.add(key.rangeText.padded(to: widths.range))
        text.add("  ")
        text.add(absence(key))
        text.add("\n  ")
        text.add("".padded(to: widths.name))
        text.add("  ")
        text.add(key.help.text)
        if !key.ownerText.isEmpty {
          text.add("; only for ")
          text.add(key.ownerText)
        }
        text.add("\n")
      }
    }
    return text
  }

  private static func absence(_ key: ConfigurationKey) -> String {
    if !key.defaultText.isEmpty { return "default: " + key.defaultText }
    return key.presenceText
  }

  static func json() -> String {
    var json = JSONWriter()
    json.begin()
    json.beginArray("keys")
    for (place, mapping) in ConfigurationMapping.places {
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
