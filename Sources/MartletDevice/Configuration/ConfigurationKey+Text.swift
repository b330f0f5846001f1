// A row of the table for people.

extension ConfigurationKey {
  /// What the kinds of values have in common that have units.
  public static var unitsText: String {
    var text = "Times have a unit ("
    text.add(WordList.timeUnits.list)
    text.add("), sizes too (")
    text.add(WordList.sizeUnits.list)
    text.add(").\n")
    return text
  }

  public var kindText: String { kind.name.text }
  /// With the unit of numbers that have none in a configuration: "0 to 1000 frames per second".
  public var rangeText: String {
    var text = kind.range
    switch kind {
    case .number(_, _, let unit), .form(_, _, let unit, _):
      if unit.utf8CodeUnitCount > 0 { text.add(" ") }
      text.add(unit.text)
    case .text, .path, .socketPath, .flag, .integer, .time, .size, .choice, .name, .mapping, .named, .list, .either:
      break
    }
    return text
  }
  public var unitText: String { kind.unit }
  /// What alone can have it; empty: everything.
  public var ownerText: String { owner?.name.text ?? "" }

  /// What counts without it; empty if something is wrong then.
  public var defaultText: String {
    switch absence {
    case .value(let text), .meaning(let text): text.text
    case .required, .conditional, .alternative: ""
    }
  }

  /// Whether it has to be there; "one is required": of all keys of its mapping that have this.
  public var presenceText: String {
    switch absence {
    case .value, .meaning: "optional"
    case .required, .conditional: "required"
    case .alternative: "one is required"
    }
  }
}

extension ConfigurationKey.Kind {
  var name: StaticString {
    switch self {
    case .text: "text"
    case .path, .socketPath: "path"
    case .flag: "true or false"
    case .integer: "whole number"
    case .number: "number"
    case .time: "time"
    case .size: "size"
    case .choice: "one of"
    case .name: "name"
    case .mapping: "mapping"
    case .named: "names"
    case .list: "list"
    case .either: "word or mapping"
    case .form(let form, _, _, _): form
    }
  }

  /// "1 to 64"
  var range: String {
    switch self {
    case .text(let limit): ConfigurationReader.range(1, limit, " bytes")
    case .path: ConfigurationReader.range(1, ConfigurationReader.maxPath, " bytes")
    case .socketPath: atMost(ConfigurationReader.maxSocketPath, " bytes")
    case .integer(let low, let high), .number(let low, let high, _): ConfigurationReader.range(low, high)
    case .time(let low, let high), .size(let low, let high): joined(low, " to ", high)
    case .choice(let words): words.list
    case .name(let what): joined("of a ", what, "")
    case .named(_, let limit), .list(_, let limit): atMost(limit, "")
    case .form(_, let limit, _, _): limit > 0 ? atMost(limit, "") : ""
    case .either(let word, _, _): word.text
    case .flag, .mapping: ""
    }
  }

  @inline(never)
  private func atMost(_ limit: Int, _ unit: StaticString) -> String {
    var text = "at most "
    text.add(String(limit))
    text.add(unit.text)
    return text
  }

  @inline(never)
  private func joined(_ first: StaticString, _ second: StaticString, _ third: StaticString) -> String {
    var text = first.text
    text.add(second.text)
    text.add(third.text)
    return text
  }

  var unit: String {
    switch self {
    case .time: WordList.timeUnits.list
    case .size: WordList.sizeUnits.list
    case .number(_, _, let unit), .form(_, _, let unit, _): unit.text
    case .text, .path, .socketPath, .flag, .integer, .choice, .name, .mapping, .named, .list, .either: ""
    }
  }

  /// What messages say of a value that is wrong; %s is the range.
  var must: StaticString {
    switch self {
    case .text, .path, .socketPath: "a text of %s without control characters"
    case .flag: "true or false"
    case .integer: "a whole number from %s"
    case .number: "a number from %s"
    case .time: "a time with its unit from %s, like 50ms (us, ms, s, min, h, d)"
    case .size: "a size with its unit from %s, like 10MB (kB, MB, GB, KiB, MiB, GiB)"
    case .choice: "one of %s"
    case .name: "a name"
    case .mapping: "a mapping"
    case .named: "a mapping of names"
    case .list: "a list"
    case .either(_, _, let must), .form(_, _, _, let must): must
    }
  }

  /// The mapping in the value, and what stands for the names or places between.
  var inner: (mapping: ConfigurationMapping, suffix: StaticString)? {
    switch self {
    case .mapping(let mapping), .either(_, let mapping, _): (mapping, "")
    case .named(let mapping, _): (mapping, ".NAME")
    case .list(let mapping, _): (mapping, ".N")
    case .text, .path, .socketPath, .flag, .integer, .number, .time, .size, .choice, .name, .form: nil
    }
  }
}
