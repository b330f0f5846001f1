/// A part of a configuration that a service which runs cannot take anew: a camera's device, a line, the log.
///
/// Only what is listed here as changeable can be reloaded; whatever key is added is fixed until it is listed.
struct FixedPart: Sendable {
  /// Like `log`, or `camera eye: device`.
  var name: String
  /// Of its text, as the file has it.
  var hash: UInt64
}

extension Configuration {
  /// What differs in something that needs a restart; nil: nothing does.
  func needsRestart(for other: Configuration) -> String? {
    if let name = Self.difference(fixedParts, other.fixedParts) { return name }
    return Self.difference(other.fixedParts, fixedParts)
  }

  private static func difference(_ ones: [FixedPart], _ others: [FixedPart]) -> String? {
    for one in ones {
      var isSame = false
      for other in others where other.name.isSame(as: one.name) { isSame = other.hash == one.hash }
      if !isSame { return one.name }
    }
    return nil
  }
}

extension ConfigurationReader {
  /// Of the whole file, in its order.
  func fixedParts() -> [FixedPart] {
    var parts: [FixedPart] = []
    let changeable = WordList("model rules unknown-below resize")
    for (key, value, end) in entries(0, end: nodeCount) {
      let name = text(key)
      if name.isSame(as: "models") { continue }
      guard name.isSame(as: "cameras"), isMapping(value) else {
        parts.append(FixedPart(name: name, hash: hash(value..<end)))
        continue
      }
      for (key, value, end) in entries(value, end: end) {
        let camera = "camera " + text(key)
        parts.append(FixedPart(name: camera, hash: UInt64(parts.count)))
        guard isMapping(value) else { continue }
        for (key, value, end) in entries(value, end: end) where changeable.index(of: bytes(key)) == nil {
          parts.append(FixedPart(name: camera + ": " + text(key), hash: hash(value..<end)))
        }
      }
    }
    return parts
  }

  /// Of a mapping that ends before the node `end`: each key, its value, and the end of that. Nodes lie in the order of
  /// the file.
  private func entries(_ mapping: Node, end: Node) -> [(key: Node, value: Node, end: Node)] {
    var entries: [(key: Node, value: Node, end: Node)] = []
    var key = first(mapping)
    while key >= 0 {
      let value = next(key)
      guard value >= 0 else { break }
      let following = next(value)
      entries.append((key, value, following >= 0 ? following : end))
      key = following
    }
    return entries
  }

  /// FNV-1a of kinds and texts.
  private func hash(_ nodes: Range<Node>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for node in nodes {
      mix(isScalar(node) ? 0xFD : isSequence(node) ? 0xFE : 0xFF)
      if isScalar(node) { for byte in bytes(node) { mix(byte) } }
    }
    return hash
  }
}
