import Foundation

/// A JSON object of an untrusted file, with typed access; every error names the file and the key.
///
/// A key that is null counts as absent in all but `isNull`. Depth is bounded by JSONSerialization (512).
struct JSONObject {
  private let values: [String: Any]
  /// "config.json", or "config.json: text_config".
  let place: String

  init(_ bytes: [UInt8], place: String) throws(ConversionError) {
    self.place = place
    let parsed: Any
    do {
      parsed = try JSONSerialization.jsonObject(with: Data(bytes))
    } catch {
      throw .badData("\(place): is not JSON")
    }
    guard let values = parsed as? [String: Any] else { throw .badData("\(place): is not a JSON object") }
    self.values = values
  }

  private init(_ values: [String: Any], place: String) {
    self.values = values
    self.place = place
  }

  var keys: [String] { values.keys.sorted() }

  func isNull(_ key: String) -> Bool { values[key] is NSNull }

  func has(_ key: String) -> Bool { value(key) != nil }

  private func value(_ key: String) -> Any? {
    guard let value = values[key], !(value is NSNull) else { return nil }
    return value
  }

  func wrong(_ key: String, _ expected: String) -> ConversionError {
    .badData("\(place): \(printable(key)) is not \(expected)")
  }

  func missing(_ key: String) -> ConversionError { .badData("\(place): \(printable(key)) is missing") }

  func object(_ key: String) throws(ConversionError) -> JSONObject? {
    guard let value = value(key) else { return nil }
    guard let inner = value as? [String: Any] else { throw wrong(key, "an object") }
    return JSONObject(inner, place: "\(place): \(printable(key))")
  }

  func text(_ key: String) throws(ConversionError) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value as? String else { throw wrong(key, "a string") }
    return text
  }

  func integer(_ key: String) throws(ConversionError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let integer = Self.integer(value) else { throw wrong(key, "an integer") }
    return integer
  }

  func required(_ key: String) throws(ConversionError) -> Int {
    guard let integer = try integer(key) else { throw missing(key) }
    return integer
  }

  func real(_ key: String) throws(ConversionError) -> Float? {
    guard let value = value(key) else { return nil }
    guard let number = value as? NSNumber, !Self.isBoolean(number) else { throw wrong(key, "a number") }
    return Float(number.doubleValue)
  }

  func boolean(_ key: String) throws(ConversionError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let number = value as? NSNumber, Self.isBoolean(number) else { throw wrong(key, "a boolean") }
    return number.boolValue
  }

  func texts(_ key: String) throws(ConversionError) -> [String]? {
    guard let value = value(key) else { return nil }
    guard let list = value as? [Any], let texts = list as? [String] else { throw wrong(key, "a list of strings") }
    return texts
  }

  func integers(_ key: String) throws(ConversionError) -> [Int]? {
    guard let value = value(key) else { return nil }
    guard let list = value as? [Any] else { throw wrong(key, "a list of integers") }
    var result: [Int] = []
    for element in list {
      guard let integer = Self.integer(element) else { throw wrong(key, "a list of integers") }
      result.append(integer)
    }
    return result
  }

  /// One integer, or a list of them.
  func oneOrMoreIntegers(_ key: String) throws(ConversionError) -> [Int]? {
    if let value = value(key), value is [Any] { return try integers(key) }
    return try integer(key).map { [$0] }
  }

  func objects(_ key: String) throws(ConversionError) -> [JSONObject]? {
    guard let value = value(key) else { return nil }
    guard let list = value as? [Any], let objects = list as? [[String: Any]] else {
      throw wrong(key, "a list of objects")
    }
    return objects.map { JSONObject($0, place: "\(place): \(printable(key))") }
  }

  func isList(_ key: String) -> Bool { values[key] is [Any] }

  private static func integer(_ value: Any) -> Int? {
    guard let number = value as? NSNumber, !isBoolean(number) else { return nil }
    // A number past Int64 comes as UInt64 or as a double, and would wrap when it is asked for as another type.
    return switch String(cString: number.objCType) {
    case "d", "f": Int(exactly: number.doubleValue)
    case "Q": Int(exactly: number.uint64Value)
    default: Int(exactly: number.int64Value)
    }
  }

  private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
