// Mappings: what is there, what is missing, what does not belong there.

/// What a mapping has under each of its keys.
struct Fields<Key: MappingKey> {
  fileprivate let nodes: FieldNodes

  subscript(key: Key) -> Field { Field(node: nodes[key.rawValue], mapping: Key.mapping, index: key.rawValue) }
}

/// What a mapping has under one of its keys.
struct Field {
  /// -1: it is not there, or null; `nothing`: it must be there and is null, which was reported.
  let node: ConfigurationReader.Node
  let mapping: ConfigurationMapping
  let index: Int

  static let nothing: ConfigurationReader.Node = -2

  var isGiven: Bool { node >= 0 }
  /// It is not there, or null where that says nothing.
  var isMissing: Bool { node == -1 }

  var key: ConfigurationKey {
    guard let key = mapping[index] else { preconditionFailure("a field without a row in the table") }
    return key
  }
}

/// Room for the keys of every mapping.
private typealias FieldNodes = InlineArray<24, ConfigurationReader.Node>

extension ConfigurationReader {
  /// Reports keys that are not in the table, and those that are missing; nil: it is no mapping.
  @inline(always)
  mutating func fields<Key: MappingKey>(_ node: Node, _: Key.Type) -> Fields<Key>? {
    nodes(node, Key.mapping).map { Fields(nodes: $0) }
  }

  @inline(never)
  private mutating func nodes(_ node: Node, _ mapping: ConfigurationMapping) -> FieldNodes? {
    var values = FieldNodes(repeating: -1)
    guard isMapping(node) else {
      var sentence = mapping.name.text
      sentence.add(" is a mapping with the keys ")
      sentence.add(mapping.list)
      error(node, "%v: %s", sentence)
      return nil
    }
    var key = first(node)
    while key >= 0 {
      let value = next(key)
      if let index = mapping.index(of: bytes(key)) {
        // Of two the first, so that what is wrong with it is said.
        if values[index] == -1 { values[index] = isNull(value) ? empty(value, mapping, index) : value }
      } else {
        var sentence = mapping.name.text
        sentence.add(": there is no key ")
        sentence.add(quoted(key))
        if ConfigurationReader.integer(bytes(key)) != nil {
          // region: 0,0,640,480 in braces.
          sentence.add("; a value with commas needs quotes or brackets here")
        } else {
          suggest(mapping.nearest(to: bytes(key)), &sentence, else: mapping)
        }
        error(key, "%s", sentence)
      }
      key = next(value)
    }
    for (index, key) in mapping.rows where values[index] == -1 {
      if case .required = key.absence { reportMissing(Field(node: -1, mapping: mapping, index: index), in: node) }
    }
    return values
  }

  /// A null: of what may be absent it says nothing.
  private mutating func empty(_ node: Node, _ mapping: ConfigurationMapping, _ index: Int) -> Node {
    switch mapping[index]?.absence {
    case .value, .meaning, nil: return -1
    case .required, .conditional, .alternative: break
    }
    if bytes(node).isEmpty {
      error(node - 1, "%n: has no value")
    } else {
      error(node, "%k: %v: is no value; a text of this name needs quotes")
    }
    return Field.nothing
  }

  /// - Parameter node: the mapping.
  @inline(never)
  mutating func reportMissing(_ field: Field, in node: Node) {
    let (template, isNamed) = field.mapping.missing
    let key = field.key
    var sentence = ""
    expand(isNamed ? node - 1 : node, template, key.name.text, &sentence)
    switch key.absence {
    case .required(let hint), .conditional(let hint):
      if hint.utf8CodeUnitCount > 0 {
        sentence.add(": ")
        sentence.add(hint.text)
      }
    case .value, .meaning, .alternative: break
    }
    error(isNamed ? node - 1 : node, "%s", sentence)
  }

  /// Reports what is there and belongs to `owner` alone, which the mapping is not.
  @inline(always)
  mutating func refuse<Key: MappingKey>(_ fields: Fields<Key>, of owner: ConfigurationKey.Owner) {
    refuse(fields.nodes, Key.mapping, owner)
  }

  @inline(never)
  private mutating func refuse(
    _ nodes: FieldNodes, _ mapping: ConfigurationMapping, _ owner: ConfigurationKey.Owner
  ) {
    for (index, key) in mapping.rows where nodes[index] >= 0 && key.owner == owner {
      if owner == .file { warn(nodes[index] - 1, owner.refusal) } else { error(nodes[index] - 1, owner.refusal) }
    }
  }

  /// Of the keys of which one has to be there: how many are, and the second one's node.
  @inline(always)
  func alternatives<Key: MappingKey>(_ fields: Fields<Key>) -> (count: Int, second: Node) {
    alternatives(fields.nodes, Key.mapping)
  }

  @inline(never)
  private func alternatives(_ nodes: FieldNodes, _ mapping: ConfigurationMapping) -> (count: Int, second: Node) {
    var count = 0
    var second: Node = -1
    for (index, key) in mapping.rows where nodes[index] != -1 {
      guard case .alternative = key.absence else { continue }
      count += 1
      if count == 2, nodes[index] >= 0 { second = nodes[index] }
    }
    return (count, second)
  }

  @inline(never)
  func suggest(_ nearest: String?, _ sentence: inout String, else mapping: ConfigurationMapping? = nil) {
    if let nearest {
      sentence.add("; did you mean \"")
      sentence.add(nearest)
      sentence.add("\"?")
    } else if let mapping {
      sentence.add("; there are: ")
      sentence.add(mapping.list)
    }
  }
}
