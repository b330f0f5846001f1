import CMartletFuzz

/// Changes numbers of a message rather than its bytes: sizes, axes and attributes are varints, packed lists of them, or
/// int64 in raw data, which random bytes hardly ever make extreme without breaking the message.
struct ONNXMutator {
  private var state: UInt64

  init(_ seed: UInt32) {
    state = UInt64(seed) | 1 << 40
  }

  private mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(max(bound, 1)))
  }

  private static let interesting: [UInt64] = [
    0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 4096, 4097, 1 << 20, 1 << 24, 1 << 28, 1 << 30, 1 << 31, 1 << 32, 1 << 40,
    1 << 62, .max >> 1, 1 << 63, .max - 1, .max,
  ]

  /// Where a number is: a varint's bytes, or eight bytes of raw data.
  private enum Number {
    case varint(Range<Int>)
    case raw(Int)
  }

  /// A message's way down: its range, and the ranges of the lengths that lead to it.
  private struct Message {
    var range: Range<Int>
    var lengths: [Range<Int>]
  }

  consuming func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maxSize: Int) -> Int {
    // Every fourth time libFuzzer's own mutation, which also inserts, removes and crosses over.
    guard next(4) != 0 else { return martlet_fuzz_mutate(data, size, maxSize) }
    var bytes = Array(UnsafeBufferPointer(start: data, count: size))
    for _ in 0..<1 + next(3) {
      let found = Self.numbers(in: bytes)
      guard !found.isEmpty else { return martlet_fuzz_mutate(data, size, maxSize) }
      let (number, lengths) = found[next(found.count)]
      let value = Self.interesting[next(Self.interesting.count)]
      switch number {
      case .raw(let start):
        for index in 0..<8 { bytes[start + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
      case .varint(let range): Self.replace(range, by: value, lengths, in: &bytes)
      }
    }
    guard bytes.count <= maxSize else { return martlet_fuzz_mutate(data, size, maxSize) }
    for index in bytes.indices { data[index] = bytes[index] }
    return bytes.count
  }

  /// Writes a varint of another length, and mends the lengths of the messages around it, from the inside out.
  private static func replace(
    _ range: Range<Int>, by value: UInt64, _ lengths: [Range<Int>], in bytes: inout [UInt8]
  ) {
    var grown = splice(range, varint(value), &bytes)
    for length in lengths.reversed() {
      guard let (old, _) = read(bytes, length.lowerBound, bytes.count) else { return }
      grown += splice(length, varint(UInt64(max(0, Int(truncatingIfNeeded: old) + grown))), &bytes)
    }
  }

  private static func splice(_ range: Range<Int>, _ new: [UInt8], _ bytes: inout [UInt8]) -> Int {
    bytes.replaceSubrange(range, with: new)
    return new.count - range.count
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, result) = (value, [UInt8]())
    while rest >= 128 {
      result.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  private static func read(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (value: UInt64, next: Int)? {
    var (value, place, shift) = (UInt64(0), start, UInt64(0))
    while place < end, shift < 64 {
      value |= UInt64(bytes[place] & 127) << shift
      place += 1
      if bytes[place - 1] < 128 { return (value, place) }
      shift += 7
    }
    return nil
  }

  /// The messages of a model that lead to numbers, by field: model 7 is the graph; its nodes 1, initializers 5 and
  /// inputs 11; a node's attributes 5; an attribute's tensor 5; a value's type 2, tensor type 1, shape 2 and dimensions
  /// 1.
  private static let children: [[Int]: Bool] = {
    let paths: [[Int]] = [
      [7], [7, 1], [7, 5], [7, 11], [7, 1, 5], [7, 1, 5, 5], [7, 11, 2], [7, 11, 2, 1], [7, 11, 2, 1, 2],
      [7, 11, 2, 1, 2, 1],
    ]
    return Dictionary(uniqueKeysWithValues: paths.map { ($0, true) })
  }()

  /// An attribute's number and list; a tensor's dimensions and int64 data; a dimension's size.
  private static func isNumber(_ path: [Int], _ field: Int) -> Bool {
    switch path {
    case [7, 1, 5]: field == 3 || field == 8
    case [7, 5], [7, 1, 5, 5]: field == 1 || field == 7
    case [7, 11, 2, 1, 2, 1]: field == 1
    default: false
    }
  }

  private static func numbers(in bytes: [UInt8]) -> [(Number, [Range<Int>])] {
    var result: [(Number, [Range<Int>])] = []
    var open: [(path: [Int], message: Message)] = [([], Message(range: 0..<bytes.count, lengths: []))]
    while let (path, message) = open.popLast(), result.count < 1 << 14 {
      var place = message.range.lowerBound
      let end = message.range.upperBound
      while place < end, let (key, afterKey) = read(bytes, place, end) {
        let field = Int(truncatingIfNeeded: key >> 3)
        switch key & 7 {
        case 0:
          guard let (_, after) = read(bytes, afterKey, end) else { place = end; continue }
          if isNumber(path, field) { result.append((.varint(afterKey..<after), message.lengths)) }
          place = after
        case 1: place = afterKey + 8
        case 5: place = afterKey + 4
        case 2:
          guard let (length, after) = read(bytes, afterKey, end), length <= UInt64(end - after) else {
            place = end
            continue
          }
          let inner = after..<after + Int(length)
          let lengths = message.lengths + [afterKey..<after]
          if children[path + [field]] == true {
            open.append((path + [field], Message(range: inner, lengths: lengths)))
          } else if isNumber(path, field) {
            var item = inner.lowerBound
            while item < inner.upperBound, let (_, next) = read(bytes, item, inner.upperBound) {
              result.append((.varint(item..<next), lengths))
              item = next
            }
          } else if field == 9, path == [7, 5] || path == [7, 1, 5, 5], inner.count % 8 == 0 {
            // A tensor's raw data; of another type they are numbers all the same.
            for start in stride(from: inner.lowerBound, to: min(inner.upperBound, inner.lowerBound + 64), by: 8) {
              result.append((.raw(start), []))
            }
          }
          place = inner.upperBound
        default: place = end
        }
      }
    }
    return result
  }
}
