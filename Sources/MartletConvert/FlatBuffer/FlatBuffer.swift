/// Bounds-checked reading of a FlatBuffer that nobody vouches for.
///
/// Every access is checked against the bytes that are there and throws a `ConversionError` that names the place.
/// `remaining` bounds the total decoded, because tables may share vectors: without it, a small file could describe
/// an endless amount of data.
struct FlatBuffer {
  let bytes: [UInt8]
  /// What is being read, for messages: "model.tflite" or "metadata".
  let name: String
  private let budget: Budget

  private final class Budget {
    var remaining: Int
    init(_ count: Int) { remaining = count }
  }

  init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
    budget = Budget(4 * bytes.count + (1 << 20))
  }

  func failure(_ place: String, _ reason: String) -> ConversionError {
    .badData("\(name): \(place): \(reason)")
  }

  /// Takes `count` bytes out of the budget for decoded data.
  func spend(_ count: Int, _ place: @autoclosure () -> String) throws(ConversionError) {
    guard count <= budget.remaining else { throw failure(place(), "describes more data than the file can hold") }
    budget.remaining -= count
  }

  /// The root table, whose file identifier must be `identifier` if there is one to check.
  func root(identifier: String?, _ place: String) throws(ConversionError) -> FlatTable {
    guard bytes.count >= 8 else { throw failure("file", "\(bytes.count) bytes are too few for a FlatBuffer") }
    if let identifier {
      guard Array(bytes[4..<8]) == Array(identifier.utf8) else {
        throw failure("file", "not a \(identifier) FlatBuffer (identifier at byte 4)")
      }
    }
    return try FlatTable(self, at: try offset(at: 0, "file"), place)
  }

  /// A little-endian integer at `position`.
  func integer<T: FixedWidthInteger>(_ type: T.Type, at position: Int, _ place: @autoclosure () -> String)
    throws(ConversionError) -> T
  {
    let size = MemoryLayout<T>.size
    guard position >= 0, position <= bytes.count - size else {
      throw failure(place(), "ends at byte \(position &+ size), past the file's \(bytes.count)")
    }
    return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: T.self)) }
  }

  /// Follows the unsigned 32-bit offset at `position`.
  func offset(at position: Int, _ place: @autoclosure () -> String) throws(ConversionError) -> Int {
    let relative = Int(try integer(UInt32.self, at: position, place()))
    guard relative != 0, relative <= bytes.count - position else {
      throw failure(place(), "offset \(relative) at byte \(position) leaves the file")
    }
    return position + relative
  }
}

/// A table: fields found through its vtable.
struct FlatTable {
  let buffer: FlatBuffer
  let position: Int
  /// For messages: "subgraph 0 tensor 17".
  let place: String
  private let vtable: Int
  private let vtableSize: Int

  init(_ buffer: FlatBuffer, at position: Int, _ place: String) throws(ConversionError) {
    self.buffer = buffer
    self.position = position
    self.place = place
    let relative = Int(try buffer.integer(Int32.self, at: position, place))
    vtable = position - relative
    vtableSize = Int(try buffer.integer(UInt16.self, at: vtable, "\(place): vtable"))
    guard vtableSize >= 4, vtableSize % 2 == 0, vtable <= buffer.bytes.count - vtableSize else {
      throw buffer.failure(place, "vtable of \(vtableSize) bytes at byte \(vtable) is not valid")
    }
    try buffer.spend(vtableSize, place)
  }

  /// Absolute position of field `id`, or nil if it is absent.
  private func field(_ id: Int) throws(ConversionError) -> Int? {
    let slot = 4 + 2 * id
    guard slot + 2 <= vtableSize else { return nil }
    let relative = Int(try buffer.integer(UInt16.self, at: vtable + slot, place))
    return relative == 0 ? nil : position + relative
  }

  func has(_ id: Int) throws(ConversionError) -> Bool { try field(id) != nil }

  /// How many fields the table may have.
  var fieldCount: Int { (vtableSize - 4) / 2 }

  func integer<T: FixedWidthInteger>(_ id: Int, default value: T) throws(ConversionError) -> T {
    guard let at = try field(id) else { return value }
    return try buffer.integer(T.self, at: at, "\(place) field \(id)")
  }

  func bool(_ id: Int) throws(ConversionError) -> Bool { try integer(id, default: UInt8(0)) != 0 }

  func float(_ id: Int, default value: Float) throws(ConversionError) -> Float {
    guard let at = try field(id) else { return value }
    return Float(bitPattern: try buffer.integer(UInt32.self, at: at, "\(place) field \(id)"))
  }

  func table(_ id: Int, _ name: String) throws(ConversionError) -> FlatTable? {
    guard let at = try field(id) else { return nil }
    let inner = "\(place) \(name)"
    return try FlatTable(buffer, at: try buffer.offset(at: at, inner), inner)
  }

  /// The vector in field `id`, empty if absent, with elements of `stride` bytes and at most `limit` of them.
  func vector(_ id: Int, _ name: String, stride: Int, limit: Int) throws(ConversionError) -> FlatVector {
    guard let at = try field(id) else { return FlatVector(buffer: buffer, start: 0, count: 0, stride: stride) }
    let inner = "\(place) \(name)"
    let start = try buffer.offset(at: at, inner)
    let count = Int(try buffer.integer(UInt32.self, at: start, inner))
    guard count <= limit else { throw buffer.failure(inner, "\(count) elements, more than \(limit)") }
    guard start + 4 <= buffer.bytes.count - count * stride else {
      throw buffer.failure(
        inner, "ends at byte \(start + 4 + count * stride), past the file's \(buffer.bytes.count)")
    }
    return FlatVector(buffer: buffer, start: start + 4, count: count, stride: stride)
  }

  func integers<T: FixedWidthInteger>(_ id: Int, _ name: String, of type: T.Type, limit: Int)
    throws(ConversionError) -> [T]
  {
    let size = MemoryLayout<T>.size
    let vector = try vector(id, name, stride: size, limit: limit)
    try buffer.spend(vector.count * size, "\(place) \(name)")
    var result: [T] = []
    result.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      result.append(try buffer.integer(T.self, at: vector.start + index * size, "\(place) \(name)"))
    }
    return result
  }

  func floats(_ id: Int, _ name: String, limit: Int) throws(ConversionError) -> [Float] {
    try integers(id, name, of: UInt32.self, limit: limit).map { Float(bitPattern: $0) }
  }

  /// Where the bytes of a [ubyte] vector are.
  func byteRange(_ id: Int, _ name: String) throws(ConversionError) -> Range<Int> {
    let vector = try vector(id, name, stride: 1, limit: buffer.bytes.count)
    return vector.start..<vector.start + vector.count
  }

  /// UTF-8 text, repaired where it is not valid; longer than `limit` bytes is refused.
  func string(_ id: Int, _ name: String, limit: Int = ConversionLimits.nameBytes) throws(ConversionError) -> String {
    let range = try byteRange(id, name)
    guard range.count <= limit else {
      throw buffer.failure("\(place) \(name)", "\(range.count) bytes, more than \(limit)")
    }
    try buffer.spend(range.count, "\(place) \(name)")
    return String(decoding: buffer.bytes[range], as: UTF8.self)
  }

  /// The tables of a vector of tables, each named "PLACE NAME INDEX".
  func tables(_ id: Int, _ name: String, limit: Int) throws(ConversionError) -> [FlatTable] {
    let vector = try vector(id, name, stride: 4, limit: limit)
    try buffer.spend(vector.count * 4, "\(place) \(name)")
    var result: [FlatTable] = []
    result.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      let inner = place.isEmpty ? "\(name) \(index)" : "\(place) \(name) \(index)"
      result.append(try FlatTable(buffer, at: try buffer.offset(at: vector.start + 4 * index, inner), inner))
    }
    return result
  }
}

/// A vector whose extent has been checked.
struct FlatVector {
  let buffer: FlatBuffer
  let start: Int
  let count: Int
  let stride: Int
}
