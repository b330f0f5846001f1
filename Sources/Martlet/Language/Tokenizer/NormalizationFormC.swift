import CMartletUnicode

/// Unicode's normalization form C (Unicode Standard Annex 15), in place, without heap.
struct NormalizationFormC {
  /// Room for `capacity` characters each.
  let codes: UnsafeMutablePointer<UInt32>
  let scratch: UnsafeMutablePointer<UInt32>
  let capacity: Int
  private var count = 0

  init(codes: UnsafeMutablePointer<UInt32>, scratch: UnsafeMutablePointer<UInt32>, capacity: Int) {
    self.codes = codes
    self.scratch = scratch
    self.capacity = capacity
  }

  /// Whether text could change: below U+0300 every character stays as it is.
  static func isNeeded(_ bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
    // U+0300 is 0xCC 0x80.
    for index in 0..<count where bytes[index] >= 0xCC { return true }
    return false
  }

  /// Normalizes `count` bytes of valid UTF-8 at `bytes`, which has room for `room`; returns the new number of bytes, or
  /// nil if there is no room.
  mutating func normalize(_ bytes: UnsafeMutablePointer<UInt8>, count byteCount: Int, room: Int) -> Int? {
    guard decompose(bytes, byteCount) else { return nil }
    order()
    compose()
    var written = 0
    for index in 0..<count {
      guard written + 4 <= room else { return nil }
      written += UTF8Scalar.write(codes[index], to: bytes + written)
    }
    return written
  }

  private mutating func decompose(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> Bool {
    var index = 0
    var parts = InlineArray<4, UInt32>(repeating: 0)
    count = 0
    while index < byteCount {
      let scalar = UTF8Scalar(bytes + index, count: byteCount - index)
      index += scalar.length
      let partCount = withUnsafeMutableBytes(of: &parts) {
        Int(martlet_unicode_decompose(scalar.code, $0.baseAddress!.assumingMemoryBound(to: UInt32.self)))
      }
      guard count + partCount <= capacity else { return false }
      for part in 0..<partCount { codes[count + part] = parts[part] }
      count += partCount
    }
    return true
  }

  /// Canonical ordering: each run of combining characters, stably, by class.
  private func order() {
    var start = 0
    while start < count {
      guard martlet_unicode_combining_class(codes[start]) != 0 else {
        start += 1
        continue
      }
      var end = start + 1
      var isOrdered = true
      while end < count {
        let kind = martlet_unicode_combining_class(codes[end])
        if kind == 0 { break }
        if kind < martlet_unicode_combining_class(codes[end - 1]) { isOrdered = false }
        end += 1
      }
      if !isOrdered { sort(start, end) }
      start = end
    }
  }

  /// Counting sort: a run can be as long as the text.
  private func sort(_ start: Int, _ end: Int) {
    var places = InlineArray<256, Int>(repeating: 0)
    for index in start..<end { places[Int(martlet_unicode_combining_class(codes[index]))] += 1 }
    var place = start
    for kind in 0..<256 {
      let found = places[kind]
      places[kind] = place
      place += found
    }
    for index in start..<end {
      let kind = Int(martlet_unicode_combining_class(codes[index]))
      scratch[places[kind]] = codes[index]
      places[kind] += 1
    }
    for index in start..<end { codes[index] = scratch[index] }
  }

  /// Canonical composition: each character with the last starter before it, unless something between them blocks it.
  private mutating func compose() {
    var written = 0
    var starter: Int?
    var lastClass: UInt32 = 0
    for index in 0..<count {
      let code = codes[index]
      let kind = martlet_unicode_combining_class(code)
      if let place = starter, written == place + 1 || (lastClass < kind && lastClass != 0) {
        let composite = martlet_unicode_compose(codes[place], code)
        if composite != 0 {
          codes[place] = composite
          continue
        }
      }
      if kind == 0 { starter = written }
      lastClass = kind
      codes[written] = code
      written += 1
    }
    count = written
  }
}
