/// Typed access to GGUF metadata under an architecture's prefix; every error names the key.
struct GGUFMetadata {
  let values: [String: GGUFValue]
  let architecture: String

  private func key(_ name: String) -> String { "\(architecture).\(name)" }

  private func shown(_ name: String) -> String { "key \(printable(key(name)))" }

  private func missing(_ name: String) -> ConversionError { .badData("\(shown(name)) is missing") }

  func has(_ name: String) -> Bool { values[key(name)] != nil }

  /// An integer, or an array of one per layer that are all the same.
  func integer(_ name: String) throws(ConversionError) -> Int? {
    guard let value = values[key(name)] else { return nil }
    if case .integers(let list) = value, let first = list.first {
      guard list.allSatisfy({ $0 == first }) else {
        throw .unsupported("\(shown(name)): differs between layers, which is not supported")
      }
      return Int(first)
    }
    guard let integer = value.integer else { throw .badData("\(shown(name)): is \(value.typeName), not an integer") }
    return integer
  }

  func required(_ name: String) throws(ConversionError) -> Int {
    guard let value = try integer(name) else { throw missing(name) }
    return value
  }

  func real(_ name: String) throws(ConversionError) -> Float? {
    guard let value = values[key(name)] else { return nil }
    guard let number = value.number else { throw .badData("\(shown(name)): is \(value.typeName), not a number") }
    return Float(number)
  }

  func requiredReal(_ name: String) throws(ConversionError) -> Float {
    guard let value = try real(name) else { throw missing(name) }
    return value
  }

  func text(_ name: String) throws(ConversionError) -> String? {
    guard let value = values[key(name)] else { return nil }
    guard let text = value.text else { throw .badData("\(shown(name)): is \(value.typeName), not a string") }
    return text
  }

  /// Refuses a model that sets `name` to anything but `neutral`, since nothing here would heed it.
  func refuse(_ name: String, unless neutral: Double = 0) throws(ConversionError) {
    guard let value = values[key(name)] else { return }
    if case .boolean(let flag) = value, (flag ? 1 : 0) == neutral { return }
    if value.number == neutral { return }
    throw .unsupported("\(shown(name)) is not supported")
  }

  /// A period or one flag per layer; nil where the key is absent.
  func pattern(_ name: String, layerCount: Int) throws(ConversionError) -> [Bool]? {
    let flags: [Bool]
    switch values[key(name)] {
    case nil: return nil
    case .booleans(let list)?: flags = list
    case .integers(let list)?: flags = list.map { $0 != 0 }
    case let value?:
      guard let period = value.integer, period >= 0 else {
        throw .badData("\(shown(name)): is neither a period nor a flag per layer")
      }
      return Self.everyLast(of: period, layerCount: layerCount)
    }
    guard flags.count >= layerCount else { throw .badData("\(shown(name)): \(flags.count) for \(layerCount) layers") }
    return Array(flags[..<layerCount])
  }

  /// Windowed except the last layer of each period; with period 0 all of them.
  static func everyLast(of period: Int, layerCount: Int) -> [Bool] {
    (0..<layerCount).map { period == 0 || $0 % period != period - 1 }
  }
}
