/// The metadata `tokenizer.ggml.*`, each field of the type that it must have.
struct GGUFTokenizerFields {
  private let metadata: [String: GGUFValue]

  init(_ metadata: [String: GGUFValue]) {
    self.metadata = metadata
  }

  private subscript(_ name: String) -> GGUFValue? { metadata["tokenizer.ggml." + name] }

  func text(_ name: String) throws(ConversionError) -> String? {
    guard let value = self[name] else { return nil }
    guard case .string(let bytes) = value else { throw wrongType(name, "text") }
    return String(decoding: bytes, as: UTF8.self)
  }

  func flag(_ name: String) throws(ConversionError) -> Bool? {
    guard let value = self[name] else { return nil }
    guard case .boolean(let flag) = value else { throw wrongType(name, "a boolean") }
    return flag
  }

  /// A token's id; none if it is beyond the vocabulary (-1 in some files).
  func id(_ name: String, count: Int) throws(ConversionError) -> Int? {
    let id: Int?
    switch self[name] {
    case nil: return nil
    case .unsigned(let value): id = value >= UInt64(UInt32.max) ? -1 : Int(value)
    case .signed(let value): id = Int(value)
    default: throw wrongType(name, "an integer")
    }
    guard let id, id != -1 else { return nil }
    guard id >= 0, id < count else { throw .badData("tokenizer.ggml.\(name) is \(id), but there are \(count) tokens") }
    return id
  }

  func texts(_ name: String) throws(ConversionError) -> [[UInt8]]? {
    guard let value = self[name] else { return nil }
    guard case .strings(let texts) = value else { throw wrongType(name, "an array of texts") }
    return texts
  }

  func integers(_ name: String, count: Int) throws(ConversionError) -> [Int64]? {
    guard let value = self[name] else { return nil }
    guard case .integers(let numbers) = value else { throw wrongType(name, "an array of integers") }
    try check(name, numbers.count, count)
    return numbers
  }

  func reals(_ name: String, count: Int) throws(ConversionError) -> [Float]? {
    guard let value = self[name] else { return nil }
    guard case .reals(let numbers) = value else { throw wrongType(name, "an array of reals") }
    try check(name, numbers.count, count)
    return numbers.map { Float($0) }
  }

  /// Whether there is a field that is not empty.
  func hasBytes(_ name: String) throws(ConversionError) -> Bool {
    switch self[name] {
    case nil: return false
    case .integers(let values): return !values.isEmpty
    case .string(let bytes): return !bytes.isEmpty
    default: throw wrongType(name, "bytes")
    }
  }

  private func check(_ name: String, _ found: Int, _ count: Int) throws(ConversionError) {
    guard found == count else {
      throw .badData("tokenizer.ggml.\(name) has \(found) entries for \(count) tokens")
    }
  }

  private func wrongType(_ name: String, _ wanted: String) -> ConversionError {
    .badData("tokenizer.ggml.\(name) is not \(wanted)")
  }
}
