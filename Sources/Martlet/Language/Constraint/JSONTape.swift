/// One JSON value or key.
struct JSONToken: BitwiseCopyable {
  static let none: UInt16 = 0xFFFF

  var kind: JSONReader.Event
  /// Index after the whole value, what is inside included.
  var next: UInt16
  var position: UInt16
  var text: UInt16
  var textLength: UInt16
  /// The node that a schema has become; `none` if it has not.
  var node = JSONToken.none
  /// FNV-1a of the text.
  var hash: UInt32
}

/// A JSON text as a table of tokens in the caller's memory, in order: a container before what is inside, a key before
/// its value. Keys are unique in their object.
struct JSONTape {
  let tokens: UnsafeMutablePointer<JSONToken>
  let text: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private(set) var textCount = 0
  private let capacity: Int

  /// A value takes two bytes with its comma or its end, except for the last one and the containers that are open.
  static func capacity(bytes: Int) -> Int { (bytes + JSONReader.maxDepth) / 2 + 2 }

  /// - Parameters:
  ///   - source: at most 65,535 bytes.
  ///   - tokens: room for `capacity(bytes:)`.
  ///   - text: room for as many bytes as `source`.
  init(
    _ source: UnsafeRawBufferPointer, tokens: UnsafeMutablePointer<JSONToken>, text: UnsafeMutablePointer<UInt8>
  ) throws(ConstraintError) {
    self.tokens = tokens
    self.text = text
    capacity = JSONTape.capacity(bytes: source.count)
    var reader = JSONReader(source, text: text)
    // The innermost open container; while one is open its `next` is the container around it.
    var open = JSONToken.none
    while true {
      let event = try reader.next()
      switch event {
      case .end:
        textCount = reader.textEnd
        return
      case .endObject, .endArray:
        let parent = tokens[Int(open)].next
        tokens[Int(open)].next = UInt16(count)
        if event == .endObject { try refuseDuplicates(Int(open)) }
        open = parent
      default:
        try append(event, reader)
        guard event == .beginObject || event == .beginArray else { continue }
        tokens[count - 1].next = open
        open = UInt16(count - 1)
      }
    }
  }

  private mutating func append(_ event: JSONReader.Event, _ reader: JSONReader) throws(ConstraintError) {
    guard count < capacity else { throw ConstraintError(.overLimit, at: reader.position, "too many values") }
    var hash: UInt32 = 0x811C_9DC5
    for index in reader.textStart..<reader.textEnd { hash = (hash ^ UInt32(text[index])) &* 0x0100_0193 }
    tokens[count] = JSONToken(
      kind: event, next: UInt16(count + 1), position: UInt16(reader.position), text: UInt16(reader.textStart),
      textLength: UInt16(reader.textEnd - reader.textStart), hash: hash)
    count += 1
  }

  private func refuseDuplicates(_ object: Int) throws(ConstraintError) {
    var key = object + 1
    while key < Int(tokens[object].next) {
      var earlier = object + 1
      while earlier < key {
        if isEqual(earlier, key) {
          throw ConstraintError(.syntax, at: Int(tokens[key].position), "the object has this key twice")
        }
        earlier = after(earlier)
      }
      key = after(key)
    }
  }

  /// The key that follows `key` and its value.
  func after(_ key: Int) -> Int { Int(tokens[key + 1].next) }

  func isEqual(_ a: Int, _ b: Int) -> Bool {
    tokens[a].hash == tokens[b].hash && matches(a, text + Int(tokens[b].text), Int(tokens[b].textLength))
  }

  /// Whether the token's text is these bytes.
  func matches(_ token: Int, _ bytes: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    guard Int(tokens[token].textLength) == length else { return false }
    let own = text + Int(tokens[token].text)
    for index in 0..<length where own[index] != bytes[index] { return false }
    return true
  }

  /// Whether the token is the string or key `name`, which is given without quotes.
  func isNamed(_ token: Int, _ name: StaticString) -> Bool {
    let length = name.utf8CodeUnitCount
    guard Int(tokens[token].textLength) == length + 2 else { return false }
    let own = text + Int(tokens[token].text) + 1
    for index in 0..<length where own[index] != name.utf8Start[index] { return false }
    return true
  }
}
