import Foundation
import Martlet
import Testing

@testable import MartletDevice

/// A key as the manual or the example tells of it.
private struct ToldKey {
  /// `cameras.NAME.rules.N.votes`
  var place: String
  /// What stands in front of the text: the value's form or an example of it.
  var value: String
  var text: String
}

private struct TableRow {
  var place: String
  var key: ConfigurationKey
}

private func table() -> [TableRow] {
  var rows: [TableRow] = []
  ConfigurationMapping.visit { place, mapping in
    rows += mapping.rows.map { TableRow(place: (place.isEmpty ? "" : place + ".") + $0.key.name.text, key: $0.key) }
  }
  return rows
}

private func lines(of file: String) throws -> [String] {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Firmware")
  return try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
    .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

/// The keys that martlet.yaml(5) has: a section (.Ss) for each mapping, an item (.It Ic) for each key.
private func manual() throws -> [ToldKey] {
  var keys: [ToldKey] = []
  var section: String?
  var isItem = false
  for line in try lines(of: "package/man/martlet.yaml.5") {
    if line.hasPrefix(".Ss ") {
      section = line == ".Ss Top level" ? "" : line.dropFirst(4) + "."
    } else if line.hasPrefix(".Sh ") {
      section = nil
    } else if line.hasPrefix(".It Ic "), let section {
      let parts = line.dropFirst(7).components(separatedBy: " Ns \\&: ")
      try #require(parts.count >= 2, "\(line)")
      keys.append(
        ToldKey(place: section + parts[0], value: parts[1...].joined(separator: ":"), text: ""))
      isItem = true
    } else if line == ".El" {
      isItem = false
    } else if isItem, line != ".Bl -tag -width Ds" {
      let words = line.split(separator: " ").drop { $0.first == "." }.joined(separator: " ")
      keys[keys.count - 1].text += words + " "
    }
  }
  return keys
}

/// The keys that the commented example has; one that is commented out stands where it would, behind "# ".
private func example() throws -> [ToldKey] {
  var keys: [ToldKey] = []
  // Of the mappings that are open: where their keys begin, and their place with its point.
  var open: [(column: Int, place: String)] = [(0, "")]
  let named = ["models", "lines", "cameras"]
  for line in try lines(of: "martlet.yaml") {
    guard let match = line.wholeMatch(of: /( *)(# )?(- )?([a-z][a-z-]*):(?: +([^#]*?))? *(#.*)?/),
      match.output.2 == nil || open.contains(where: { $0.column == match.output.1.count })
    else {
      if !keys.isEmpty, line.contains("#") { keys[keys.count - 1].text += line.drop { $0 == " " || $0 == "#" } + " " }
      continue
    }
    let column = match.output.1.count + (match.output.3 == nil ? 0 : 2)
    while open.last!.column > column { open.removeLast() }
    try #require(open.last!.column == column, "\(line)")
    let place = open.last!.place + match.output.4
    let isName = named.contains { $0 + "." == open.last!.place } || place.hasPrefix("cameras.NAME.controls.")
    let value = String(match.output.5 ?? "")
    if !isName { keys.append(ToldKey(place: place, value: value, text: String(match.output.6 ?? "") + " ")) }
    if value.isEmpty {
      let isList = place.hasSuffix(".rules") || place.hasSuffix(".then")
      open.append((column + (isList ? 4 : 2), isName ? open.last!.place + "NAME." : place + (isList ? ".N." : ".")))
    }
  }
  return keys
}

/// What is wrong with keys that are told of.
private func differences(_ told: [ToldKey], default format: (String) -> String) -> [String] {
  let rows = table()
  var wrong = Set(told.map(\.place)).subtracting(rows.map(\.place)).map { "\($0): is not in the table" }
  for row in rows {
    let own = told.filter { $0.place == row.place }
    if own.isEmpty { wrong.append("\(row.place): is missing") }
    let hasDefault = own.contains { $0.text.contains(format("")) }
    if row.key.defaultText.isEmpty {
      if hasDefault { wrong.append("\(row.place): has a default, and is \(row.key.presenceText)") }
    } else if !own.contains(where: { $0.text.contains(format(row.key.defaultText)) }) {
      wrong.append("\(row.place): the default is \(row.key.defaultText)")
    }
  }
  return wrong.sorted()
}

@Suite struct ConfigurationKeyTests {
  /// The case of an enum that has this word: "pull-up", pullUp.
  private static func camel(_ word: String) -> String {
    let parts = word.split(separator: "-")
    return parts[0] + parts.dropFirst().map(\.capitalized).joined()
  }

  @Test func theManualHasTheTable() throws {
    let told = try manual()
    #expect(told.count == table().count)
    let wrong = differences(told) { $0.isEmpty ? "Default:" : "Default: \($0). " }
    #expect(wrong == [])
    for row in table() {
      let own = told.first { $0.place == row.place }
      guard let own else { continue }
      switch row.key.kind {
      case .integer, .number, .time, .size, .socketPath, .named, .list, .form(_, limit: 1..., _, _):
        #expect(own.text.contains(row.key.rangeText), "\(row.place): \(row.key.rangeText)")
      case .choice(let words):
        #expect(own.value == "Cm " + words.list.replacingOccurrences(of: ", ", with: " | "), "\(row.place)")
      case .flag: #expect(own.value == "Cm true | false", "\(row.place)")
      case .text, .path, .name, .mapping, .either, .form: break
      }
      #expect(own.text.contains("Required") == (row.key.presenceText == "required"), "\(row.place)")
    }
  }

  @Test func theExampleHasTheTable() throws {
    let wrong = differences(try example()) { $0.isEmpty ? "(default:" : "(default: \($0)) " }
    #expect(wrong == [])
  }

  @Test func everyMappingHasItsPlace() {
    var reached: [Int] = []
    ConfigurationMapping.visit { reached.append($1.rawValue) }
    #expect(reached.sorted() == ConfigurationMapping.allCases.map(\.rawValue))
    for mapping in ConfigurationMapping.allCases {
      let names = mapping.rows.map(\.key.name.text)
      #expect(Set(names).count == names.count && !names.isEmpty, "\(mapping)")
    }
    #expect(CameraKey.allCases.count == ConfigurationMapping.camera.rows.map(\.index).count)
  }

  /// Written out, defaults change nothing; so each is a value of its kind.
  @Test func defaultsAreValues() throws {
    func mapping(_ mapping: ConfigurationMapping, _ told: String, _ owners: [ConfigurationKey.Owner], _ isFull: Bool)
      -> String
    {
      var text = "{" + told
      for (_, key) in mapping.rows where isFull {
        guard case .value(let value) = key.absence, !told.contains("\(key.name.text): ") else { continue }
        if let owner = key.owner, !owners.contains(owner) { continue }
        text += ", \(key.name.text): \(value.text)"
      }
      return text + "}"
    }
    func configuration(_ isFull: Bool) -> String {
      let rule = mapping(.rule, "name: a, class: x, threshold: 1, then: [save]", [.label], isFull)
      let trigger = mapping(.trigger, "line: eye", [.edge], isFull)
      return """
        models: {net: \(mapping(.model, "file: net", [], isFull))}
        lines: {eye: \(mapping(.line, "line: x, direction: input", [.input], isFull)),
          up: \(mapping(.line, "line: y, direction: output", [.output], isFull))}
        log: \(mapping(.log, "file: log", [.file], isFull))
        frames: \(mapping(.frames, "folder: frames", [], isFull))
        cameras: {a: \(mapping(.camera, "device: /dev/v, model: net, rules: [\(rule)]", [.device], isFull)),
          b: \(mapping(.camera, "pictures: x, model: net, trigger: \(trigger)", [.pictures], isFull))}
        """
    }
    func read(_ text: String) -> (Configuration, [String]) {
      let (told, messages) = Array(text.utf8).withUnsafeBytes {
        Configuration.read($0, path: "/c", checksFiles: false)
      }
      return (told, messages.list.filter { !$0.isWarning }.map(\.sentence))
    }
    var (nothing, first) = read(configuration(false))
    var (everything, second) = read(configuration(true))
    // The file's text, which does differ.
    (nothing.fixedParts, everything.fixedParts) = ([], [])
    #expect(first == [] && second == [])
    #expect(String(describing: nothing) == String(describing: everything))
    let camera = nothing.cameras[0]
    #expect(nothing.log?.keep == 5 && nothing.models[0].threads == 1 && camera.timeoutNs == 2_000_000_000)
    #expect(camera.rules[0].votes == 1 && camera.rules[0].window == 1)
  }

  /// A key that is in the table and that nobody reads would be taken in silence: what cannot be right is reported where
  /// it stands, whatever the key.
  @Test func everyKeyIsRead() {
    for mapping in ConfigurationMapping.allCases {
      for (_, key) in mapping.rows {
        // Controls have any names.
        let value = mapping == .camera && key.name.text == "controls" ? "[[1]]" : "{nonsense: 1}"
        let text = document(mapping, key, value)
        let (_, messages) = Array(text.utf8).withUnsafeBytes {
          Configuration.read($0, path: "/c", checksFiles: false)
        }
        let line = text.components(separatedBy: "\n").firstIndex { $0.hasPrefix(key.name.text + ": " + value) }!
        let own = messages.list.filter { !$0.isWarning }
        #expect(own.contains { $0.line == line + 1 }, "\(mapping) \(key.name): \(own) in\n\(text)")
      }
    }
  }

  /// A configuration that is right but for one key of one mapping, which is at the beginning of a line.
  private func document(_ target: ConfigurationMapping, _ wrong: ConfigurationKey, _ value: String) -> String {
    let isAlternative = wrong.presenceText == "one is required"
    func mapping(_ mapping: ConfigurationMapping, _ told: [String]) -> String {
      guard mapping == target else { return "{" + told.joined(separator: ", ") + "}" }
      let name = wrong.name.text + ": "
      return "{" + (told.filter { !$0.hasPrefix(name) } + ["\n" + name + value]).joined(separator: ", ") + "\n}"
    }
    var action = ["pulse: up", "for: 5ms"]
    if target == .action, isAlternative { action = wrong.name.text == "pulse" ? ["for: 5ms"] : [] }
    let source = wrong.owner == .pictures ? "pictures: x" : "device: /dev/v"
    let camera = target == .camera && isAlternative ? [] : [source]
    let trigger = mapping(.trigger, target == .trigger && isAlternative ? [] : ["line: eye"])
    let rule = mapping(.rule, ["name: a", "class: x", "threshold: 1", "then: [\(mapping(.action, action))]"])
    // Of the two lines the one that may have the key.
    let isInput = wrong.owner != .output
    var root = [
      "models: {net: \(mapping(.model, ["file: net"]))}",
      "lines: {eye: \(isInput ? mapping(.line, ["line: x", "direction: input"]) : "{line: x, direction: input}"), "
        + "up: \(isInput ? "{line: y, direction: output}" : mapping(.line, ["line: y", "direction: output"]))}",
      "log: \(mapping(.log, ["file: log"]))",
      "frames: \(mapping(.frames, ["folder: frames"]))",
      "status: s",
      "cameras: {c: \(mapping(.camera, camera + ["model: net", "trigger: \(trigger)", "rules: [\(rule)]"]))}",
    ]
    if target == .root {
      root = root.map { $0.hasPrefix(wrong.name.text + ": ") ? wrong.name.text + ": " + value : $0 }
    }
    return root.joined(separator: "\n")
  }

  /// The words of a choice are the cases of its enum, in their order.
  @Test func wordsAreCases() {
    func check<Value: RawRepresentable>(_ key: some MappingKey, _: Value.Type) where Value.RawValue: BinaryInteger {
      guard case .choice(let words) = key.row.kind else {
        Issue.record("\(key)")
        return
      }
      for (index, word) in words.list.components(separatedBy: ", ").enumerated() {
        let value = Value(rawValue: Value.RawValue(index))
        #expect(value.map { "\($0)" } == ConfigurationKeyTests.camel(word))
      }
    }
    check(LineKey.direction, LineConfiguration.Direction.self)
    check(LineKey.bias, LineConfiguration.Bias.self)
    check(LineKey.drive, LineConfiguration.Drive.self)
    check(LineKey.edge, LineConfiguration.Edge.self)
    check(LogKey.every, LogConfiguration.Every.self)
    check(LogKey.sync, LogConfiguration.Sync.self)
    check(RuleKey.fire, RuleConfiguration.Fire.self)
    check(CameraKey.resize, ResizePolicy.self)
  }
}
