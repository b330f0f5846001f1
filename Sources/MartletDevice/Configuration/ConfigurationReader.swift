import CMartletLinux

/// Reads a configuration and finds everything that is wrong with it in one go.
///
/// A value is a node of the YAML document: an index, or -1 for one that is not there.
struct ConfigurationReader: ~Copyable {
  typealias Node = Int32

  private(set) var yaml = martlet_yaml()
  /// Of the file, with its slash: what paths in it are relative to.
  let folder: String
  let checksFiles: Bool
  var configuration = Configuration()
  var messages = ConfigurationMessages()
  var modelNames: [String] = []
  var lineNames: [String] = []
  /// Whether something refers to the model, to the line.
  var usedModels: [Bool] = []
  var usedLines: [Bool] = []
  var outputUses: [OutputUse] = []
  var ruleCount = 0
  var needsLog: Node = -1
  var needsFrames: Node = -1

  /// Up to the last slash; empty without one.
  @inline(never)
  static func folderWithSlash(of path: String) -> String {
    var path = path
    return path.withUTF8 { bytes in
      var end = bytes.count
      while end > 0, bytes[end - 1] != UInt8(ascii: "/") { end -= 1 }
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[..<end]), as: UTF8.self)
    }
  }

  init(_ bytes: UnsafeRawBufferPointer, path: String, checksFiles: Bool) {
    self.checksFiles = checksFiles
    configuration.path = path
    folder = ConfigurationReader.folderWithSlash(of: path)
    let error = martlet_yaml_read(bytes.baseAddress, bytes.count, &yaml)
    if error != 0 {
      messages.add(Int(yaml.line), Int(yaml.column), sentence(error))
    } else if yaml.node_count == 0 || yaml.nodes[0].kind != UInt8(MARTLET_YAML_MAPPING) {
      var sentence = yaml.node_count == 0 ? "there is nothing in it: " : ""
      sentence.add("a configuration is a mapping with the keys ")
      sentence.add(ConfigurationMapping.root.list)
      messages.add(1, 1, sentence)
    } else {
      reportDuplicates()
      readRoot()
    }
    messages.sort()
  }

  deinit {
    var yaml = yaml
    martlet_yaml_free(&yaml)
  }

  private mutating func reportDuplicates() {
    for node in 0..<Node(yaml.node_count) where yaml.nodes[Int(node)].is_duplicate != 0 {
      error(node, "the key %v is there twice")
    }
  }
}

// MARK: - Nodes

extension ConfigurationReader {
  var nodeCount: Node { Node(yaml.node_count) }
  func isScalar(_ node: Node) -> Bool { yaml.nodes[Int(node)].kind == UInt8(MARTLET_YAML_SCALAR) }
  func isSequence(_ node: Node) -> Bool { yaml.nodes[Int(node)].kind == UInt8(MARTLET_YAML_SEQUENCE) }
  func isMapping(_ node: Node) -> Bool { yaml.nodes[Int(node)].kind == UInt8(MARTLET_YAML_MAPPING) }
  func line(_ node: Node) -> Int { Int(yaml.nodes[Int(node)].line) }
  func column(_ node: Node) -> Int { Int(yaml.nodes[Int(node)].column) }
  /// 0, 0 of what is not there.
  func place(_ field: Field) -> ConfigurationPlace {
    field.isGiven ? ConfigurationPlace(line: line(field.node), column: column(field.node)) : ConfigurationPlace()
  }
  func first(_ node: Node) -> Node { yaml.nodes[Int(node)].first }
  func next(_ node: Node) -> Node { yaml.nodes[Int(node)].next }

  /// A scalar's bytes.
  func bytes(_ node: Node) -> UnsafeRawBufferPointer {
    let record = yaml.nodes[Int(node)]
    return UnsafeRawBufferPointer(start: yaml.text + Int(record.text), count: Int(record.text_count))
  }

  func text(_ node: Node) -> String { String(utf8: bytes(node)) }

  /// For messages: in quotes, and cut where it is long.
  @inline(never)
  func quoted(_ node: Node) -> String {
    guard isScalar(node) else { return isSequence(node) ? "a list" : "a mapping" }
    return ConfigurationMessages.quoted(bytes(node))
  }

  /// Nothing was given: an empty value, `~` or `null`.
  func isNull(_ node: Node) -> Bool {
    let record = yaml.nodes[Int(node)]
    guard record.kind == UInt8(MARTLET_YAML_SCALAR), record.is_text == 0 else { return false }
    return record.text_count == 0 || WordList("~ null Null NULL").index(of: bytes(node)) != nil
  }

  /// Texts are templates, since building them where they are used would cost a kilobyte a function: `%v` is the node's
  /// text in quotes, `%n` without, `%k` that of the node before it, which is the key of a mapping's value; `%s` is
  /// `more`.
  @inline(never)
  mutating func error(_ node: Node, _ template: StaticString, _ more: String = "") {
    var sentence = ""
    expand(node, template, more, &sentence)
    messages.add(line(node), column(node), sentence)
  }

  @inline(never)
  mutating func warn(_ node: Node, _ template: StaticString, _ more: String = "") {
    var sentence = ""
    expand(node, template, more, &sentence)
    messages.add(line(node), column(node), sentence, isWarning: true)
  }

  /// `KEY: VALUE: must be ...`, of a value in a mapping.
  @inline(never)
  mutating func wrong(_ node: Node, _ must: StaticString, _ more: String = "") {
    var sentence = ""
    expand(node, "%k: %v: must be ", "", &sentence)
    expand(node, must, more, &sentence)
    messages.add(line(node), column(node), sentence)
  }

  func expand(_ node: Node, _ template: StaticString, _ more: String, _ sentence: inout String) {
    let bytes = template.bytes
    var start = 0
    for index in 0..<bytes.count where bytes[index] == UInt8(ascii: "%") {
      sentence.add(String(utf8: UnsafeRawBufferPointer(rebasing: bytes[start..<index])))
      start = index + 2
      switch bytes[index + 1] {
      case UInt8(ascii: "v"): sentence.add(quoted(node))
      case UInt8(ascii: "n"): sentence.add(String(visible: self.bytes(node)))
      case UInt8(ascii: "k"): sentence.add(String(visible: self.bytes(node - 1)))
      default: sentence.add(more)
      }
    }
    sentence.add(String(utf8: UnsafeRawBufferPointer(rebasing: bytes[start...])))
  }
}
