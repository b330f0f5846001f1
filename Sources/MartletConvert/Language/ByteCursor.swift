/// Reads little-endian values from untrusted bytes, one after the other.
struct ByteCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  /// `what` names the value in an error.
  mutating func integer<Value: FixedWidthInteger>(
    _ type: Value.Type = Value.self, _ what: @autoclosure () -> String
  ) throws(ConversionError) -> Value {
    let size = MemoryLayout<Value>.size
    guard size <= remaining else { throw truncated(what()) }
    defer { position += size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
  }

  /// A count or a length, which is at most `limit` and for whose elements of at least `elementBytes` there is room.
  mutating func count(
    limit: Int, elementBytes: Int, _ what: @autoclosure () -> String
  ) throws(ConversionError) -> Int {
    let value = try integer(UInt64.self, what())
    guard value <= UInt64(limit) else { throw .badData("\(what()) is \(value); at most \(limit) are taken") }
    guard Int(value) <= remaining / max(elementBytes, 1) else {
      throw .badData("\(what()) is \(value), but the file ends \(remaining) bytes later")
    }
    return Int(value)
  }

  /// A 64-bit length and as many bytes.
  mutating func string(limit: Int, _ what: @autoclosure () -> String) throws(ConversionError) -> [UInt8] {
    let length = try count(limit: limit, elementBytes: 1, "the length of \(what())")
    defer { position += length }
    return [UInt8](bytes[position..<position + length])
  }

  func truncated(_ what: String) -> ConversionError { .badData("the file ends at byte \(bytes.count), within \(what)") }
}
