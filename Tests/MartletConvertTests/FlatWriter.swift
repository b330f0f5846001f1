/// Writes FlatBuffers for tests: sound ones, and with the raw bytes at hand, unsound ones.
struct FlatWriter {
  indirect enum Field {
    case int8(Int8), uint8(UInt8), int32(Int32), uint32(UInt32), int64(Int64), float(Float)
    case bytes([UInt8]), ints([Int32]), longs([Int64]), floats([Float]), text(String)
    case table([Int: Field]), tables([[Int: Field]])
  }

  private var bytes: [UInt8] = []

  static func file(_ root: [Int: Field], identifier: String) -> [UInt8] {
    var writer = FlatWriter()
    writer.append(UInt32(0))
    writer.bytes += Array(identifier.utf8)
    writer.patch(0, to: writer.table(root))
    return writer.bytes
  }

  private mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  private mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }

  private mutating func patch(_ position: Int, to target: Int) {
    let relative = UInt32(target - position)
    withUnsafeBytes(of: relative.littleEndian) { bytes.replaceSubrange(position..<position + 4, with: $0) }
  }

  private mutating func table(_ fields: [Int: Field]) -> Int {
    let count = (fields.keys.max() ?? -1) + 1
    align(8)
    let vtable = bytes.count
    let size = 4 + 2 * count
    let start = (vtable + size + 7) / 8 * 8
    var slots: [UInt16] = []
    for id in 0..<count { slots.append(fields[id] == nil ? 0 : UInt16(8 + 8 * id)) }
    append(UInt16(size))
    append(UInt16(8 + 8 * count))
    for slot in slots { append(slot) }
    align(8)
    append(Int32(start - vtable))
    append(Int32(0))
    bytes += Array(repeating: 0, count: 8 * count)
    for (id, field) in fields.sorted(by: { $0.key < $1.key }) { write(field, at: start + 8 + 8 * id) }
    return start
  }

  private mutating func set<T: FixedWidthInteger>(_ value: T, at position: Int) {
    withUnsafeBytes(of: value.littleEndian) { raw in
      bytes.replaceSubrange(position..<position + raw.count, with: raw)
    }
  }

  private mutating func write(_ field: Field, at position: Int) {
    switch field {
    case .int8(let value): set(value, at: position)
    case .uint8(let value): set(value, at: position)
    case .int32(let value): set(value, at: position)
    case .uint32(let value): set(value, at: position)
    case .int64(let value): set(value, at: position)
    case .float(let value): set(value.bitPattern, at: position)
    case .bytes(let values): vector(at: position, count: values.count) { $0.bytes += values }
    case .text(let text): vector(at: position, count: text.utf8.count) { $0.bytes += Array(text.utf8) + [0] }
    case .ints(let values): vector(at: position, count: values.count) { for value in values { $0.append(value) } }
    case .longs(let values): vector(at: position, count: values.count) { for value in values { $0.append(value) } }
    case .floats(let values):
      vector(at: position, count: values.count) { for value in values { $0.append(value.bitPattern) } }
    case .table(let fields): patch(position, to: table(fields))
    case .tables(let tables):
      align(4)
      let start = bytes.count
      append(UInt32(tables.count))
      for _ in tables { append(UInt32(0)) }
      patch(position, to: start)
      for (index, fields) in tables.enumerated() { patch(start + 4 + 4 * index, to: table(fields)) }
    }
  }

  private mutating func vector(at position: Int, count: Int, _ elements: (inout FlatWriter) -> Void) {
    align(16)
    bytes += Array(repeating: 0, count: 12)
    patch(position, to: bytes.count)
    append(UInt32(count))
    elements(&self)
  }
}
