// The values of keys, as the table says what they are. Each function reports what is wrong, and answers the key's
// default then and for a value that is not there; nil where the table has none. (Asked for a key of another kind it
// traps, with any configuration that has the mapping.)

extension ConfigurationReader {
  static let maxName = 63

  /// `KEY: VALUE: must be ...`, as the table has it.
  @inline(never)
  mutating func wrong(_ field: Field) {
    let kind = field.key.kind
    var sentence = ""
    expand(field.node, "%k: %v: must be ", "", &sentence)
    expand(field.node, kind.must, kind.range, &sentence)
    if case .number = kind, isScalar(field.node) {
      sentence.add(ConfigurationReader.hint(number: bytes(field.node)).text)
    }
    messages.add(line(field.node), column(field.node), sentence)
  }

  /// Numbers as people write them elsewhere.
  private static func hint(number text: UnsafeRawBufferPointer) -> StaticString {
    for byte in text {
      switch byte {
      case UInt8(ascii: ","): return "; the decimal sign is a point"
      case UInt8(ascii: "%"): return "; 80% is 0.8"
      case UInt8(ascii: "e"), UInt8(ascii: "E"): return "; it has no exponent"
      default: continue
      }
    }
    return ""
  }

  /// A scalar that is a value of a mapping.
  @inline(never)
  mutating func scalar(_ node: Node) -> UnsafeRawBufferPointer? {
    guard node >= 0 else { return nil }
    guard isScalar(node) else {
      wrong(node, "a single value")
      return nil
    }
    return bytes(node)
  }

  /// What `parse` makes of the value; nil from it: the value is wrong.
  mutating func value<Value>(_ field: Field, _ parse: (UnsafeRawBufferPointer) -> Value?) -> Value? {
    if let text = scalar(field.node) {
      if let value = parse(text) { return value }
      wrong(field)
    }
    guard case .value(let text) = field.key.absence else { return nil }
    return parse(text.bytes)
  }

  /// Which of the words the value is.
  @inline(never)
  mutating func position(_ field: Field) -> Int? {
    guard case .choice(let words) = field.key.kind else { field.isOfAnotherKind() }
    return value(field) { words.index(of: $0) }
  }

  /// Which case of an enum the value is: the words are its cases, in their order.
  mutating func choice<Value: RawRepresentable<Int>>(_ field: Field) -> Value? {
    guard case .choice(let words) = field.key.kind, Value(rawValue: words.count - 1) != nil,
      Value(rawValue: words.count) == nil
    else { field.isOfAnotherKind() }
    return position(field).flatMap { Value(rawValue: $0) }
  }

  @inline(never)
  mutating func flag(_ field: Field) -> Bool {
    guard case .flag = field.key.kind else { field.isOfAnotherKind() }
    return value(field) { ConfigurationReader.flag($0) } ?? false
  }

  @inline(never)
  mutating func integer(_ field: Field) -> Int? {
    guard case .integer(let low, let high) = field.key.kind else { field.isOfAnotherKind() }
    return value(field) { text in ConfigurationReader.integer(text).flatMap { $0 >= low && $0 <= high ? $0 : nil } }
  }

  /// A number of at least 0, without an exponent.
  @inline(never)
  mutating func number(_ field: Field) -> Double? {
    guard case .number(let low, let high, _) = field.key.kind else { field.isOfAnotherKind() }
    return value(field) { text in
      guard let number = ConfigurationReader.number(text) else { return nil }
      return number >= Double(low) && number <= Double(high) ? number : nil
    }
  }

  /// In nanoseconds.
  @inline(never)
  mutating func time(_ field: Field) -> UInt64? {
    guard case .time(let low, let high) = field.key.kind else { field.isOfAnotherKind() }
    return quantity(field, low, high, ConfigurationReader.time)
  }

  /// In bytes.
  @inline(never)
  mutating func size(_ field: Field) -> UInt64? {
    guard case .size(let low, let high) = field.key.kind else { field.isOfAnotherKind() }
    return quantity(field, low, high, ConfigurationReader.size)
  }

  private mutating func quantity(
    _ field: Field, _ low: StaticString, _ high: StaticString, _ parse: (UnsafeRawBufferPointer) -> UInt64?
  ) -> UInt64? {
    guard let low = parse(low.bytes), let high = parse(high.bytes) else { field.isOfAnotherKind() }
    return value(field) { text in parse(text).flatMap { $0 >= low && $0 <= high ? $0 : nil } }
  }

  @inline(never)
  mutating func text(_ field: Field) -> String? {
    guard case .text(let limit) = field.key.kind else { field.isOfAnotherKind() }
    guard !isExpansion(field) else { return nil }
    return value(field) { ConfigurationReader.word($0, limit) }
  }

  /// A definition by its name.
  @inline(never)
  mutating func reference(_ field: Field, _ names: [String]) -> Int? {
    guard case .name(let what) = field.key.kind else { field.isOfAnotherKind() }
    guard let wanted = scalar(field.node) else { return nil }
    var nearest = Nearest(to: wanted)
    for index in 0..<names.count {
      if names[index].isSame(as: wanted) { return index }
      nearest.offer(names[index])
    }
    var sentence = what.text
    sentence.add(" ")
    sentence.add(quoted(field.node))
    suggest(nearest.text, &sentence)
    error(field.node, "%k: there is no %s", sentence)
    return nil
  }

  /// The name that a definition has as its key.
  @inline(never)
  mutating func name(_ key: Node) -> String {
    if ConfigurationReader.word(bytes(key), ConfigurationReader.maxName) == nil {
      error(key, "%v: a name has 1 to 63 bytes and no control characters")
    }
    return text(key)
  }
}

extension Field {
  /// The reader and the table are at odds.
  func isOfAnotherKind() -> Never { preconditionFailure("the table has another kind for this key") }
}
