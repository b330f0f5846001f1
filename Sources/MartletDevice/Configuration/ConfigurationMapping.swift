/// The mappings that a configuration is made of. Each has an enum of its keys, which is its table.
public enum ConfigurationMapping: Int, CaseIterable {
  case root, model, line, camera, trigger, rule, action, log, frames

  /// A row of the table, from 0; nil behind the last one.
  subscript(index: Int) -> ConfigurationKey? {
    switch self {
    case .root: RootKey(rawValue: index)?.row
    case .model: ModelKey(rawValue: index)?.row
    case .line: LineKey(rawValue: index)?.row
    case .camera: CameraKey(rawValue: index)?.row
    case .trigger: TriggerKey(rawValue: index)?.row
    case .rule: RuleKey(rawValue: index)?.row
    case .action: ActionKey(rawValue: index)?.row
    case .log: LogKey(rawValue: index)?.row
    case .frames: FramesKey(rawValue: index)?.row
    }
  }

  /// What messages call it.
  var name: StaticString {
    switch self {
    case .root: "a configuration"
    case .model: "a model"
    case .line: "a line"
    case .camera: "a camera"
    case .trigger: "a trigger"
    case .rule: "a rule"
    case .action: "an action"
    case .log: "log"
    case .frames: "frames"
    }
  }

  /// The message about a key that is missing, where %s is the key and %v the mapping's name, if it has one: the message
  /// belongs to that then.
  var missing: (template: StaticString, isNamed: Bool) {
    switch self {
    case .model: ("model %v: %s is missing", true)
    case .line: ("line %v: %s is missing", true)
    case .camera: ("camera %v: %s is missing", true)
    case .rule: ("a rule needs %s", false)
    case .action: ("a pulse needs %s", false)
    case .log: ("log: %s is missing", false)
    case .frames: ("frames: %s is missing", false)
    case .root, .trigger: ("%s is missing", false)
    }
  }

  /// Every mapping with its place, like `cameras.NAME.rules.N`; those inside one follow it.
  public static func visit(_ body: (_ place: String, ConfigurationMapping) -> Void) {
    root.visit("", body)
  }

  private func visit(_ place: String, _ body: (_ place: String, ConfigurationMapping) -> Void) {
    body(place, self)
    for (_, key) in rows {
      guard let inner = key.kind.inner else { continue }
      var path = place
      if !path.isEmpty { path.add(".") }
      path.add(key.name.text)
      path.add(inner.suffix.text)
      inner.mapping.visit(path, body)
    }
  }
}

// MARK: - Rows

extension ConfigurationMapping {
  /// The table from its first row to its last.
  public struct Rows: Sequence, IteratorProtocol {
    private let mapping: ConfigurationMapping
    private var index = 0

    init(_ mapping: ConfigurationMapping) {
      self.mapping = mapping
    }

    public mutating func next() -> (index: Int, key: ConfigurationKey)? {
      guard let key = mapping[index] else { return nil }
      index += 1
      return (index - 1, key)
    }
  }

  public var rows: Rows { Rows(self) }

  func index(of name: UnsafeRawBufferPointer) -> Int? {
    for (index, key) in rows where name.isSame(as: key.name) { return index }
    return nil
  }

  /// The key that somebody may have meant.
  func nearest(to name: UnsafeRawBufferPointer) -> String? {
    var nearest = Nearest(to: name)
    for (_, key) in rows { nearest.offer(key.name.bytes) }
    return nearest.text
  }

  /// "a, b, c"
  @inline(never)
  var list: String {
    var list = ""
    for (index, key) in rows {
      if index > 0 { list.add(", ") }
      list.add(key.name.text)
    }
    return list
  }
}

/// The keys of a mapping, in the order in which they are listed, numbered from 0.
protocol MappingKey: RawRepresentable<Int>, CaseIterable {
  static var mapping: ConfigurationMapping { get }
  var row: ConfigurationKey { get }
}
