/// What a constraint needs to know about a tokenizer.
public protocol ConstraintVocabulary {
  /// How many tokens there are; ids are 0..<count.
  var count: Int { get }
  /// What the token adds to the output. Nothing: the token is never allowed under a constraint.
  func bytes(of token: Int32) -> UnsafeRawBufferPointer
  /// Whether the token stands for no text. Such a token is never allowed, unless it is an end.
  func isControl(_ token: Int32) -> Bool
  /// Whether the token ends the output.
  func isEnd(_ token: Int32) -> Bool
}

/// A vocabulary's tokens sorted by their bytes, with the length of the prefix that each shares with the one before it:
/// after a refused prefix all tokens with it are passed over. Made once, at load.
public struct TokenOrder {
  let ids: UnsafeMutablePointer<Int32>
  let common: UnsafeMutablePointer<UInt8>
  let count: Int

  /// Bytes that `init` needs for a vocabulary of `tokens` tokens: five each.
  public static func workBytes(tokens: Int) -> Int { tokens * 5 }

  /// Sorts the tokens, in O(n log n) comparisons and without other memory.
  ///
  /// - Parameter region: `workBytes(tokens:)` bytes, aligned to 4.
  /// - Throws: `ConstraintError` of kind `badRegion`.
  public init(
    _ vocabulary: some ConstraintVocabulary, region: UnsafeMutableRawBufferPointer
  ) throws(ConstraintError) {
    let total = max(vocabulary.count, 0)
    guard total <= Int(Int32.max), region.count >= TokenOrder.workBytes(tokens: total) else {
      throw ConstraintError(.badRegion, at: 0, "the region is too small")
    }
    guard let base = region.baseAddress, UInt(bitPattern: base) % 4 == 0 else {
      throw ConstraintError(.badRegion, at: 0, "the region is not aligned to 4 bytes")
    }
    let ids = base.bindMemory(to: Int32.self, capacity: total)
    common = (base + total * 4).bindMemory(to: UInt8.self, capacity: total)
    var filled = 0
    for token in 0..<Int32(total) where !vocabulary.isControl(token) && !vocabulary.isEnd(token) {
      guard vocabulary.bytes(of: token).count > 0 else { continue }
      ids[filled] = token
      filled += 1
    }
    self.ids = ids
    count = filled
    HeapSort.sort(filled) { a, b in
      TokenOrder.precedes(vocabulary.bytes(of: ids[a]), vocabulary.bytes(of: ids[b]))
    } swap: { a, b in
      let kept = ids[a]
      ids[a] = ids[b]
      ids[b] = kept
    }
    for index in 0..<filled {
      common[index] =
        index == 0 ? 0 : TokenOrder.common(vocabulary.bytes(of: ids[index - 1]), vocabulary.bytes(of: ids[index]))
    }
  }

  /// Whether `a` comes before `b` by bytes, a prefix before what goes on.
  static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    for index in 0..<min(a.count, b.count) where a[index] != b[index] { return a[index] < b[index] }
    return a.count < b.count
  }

  private static func common(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> UInt8 {
    var length = 0
    while length < min(min(a.count, b.count), 255), a[length] == b[length] { length += 1 }
    return UInt8(length)
  }
}
