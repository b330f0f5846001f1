/// An array of fixed-size records in a mapped section. Its bounds are checked once, its values by whoever uses them:
/// the file can change under us.
struct SectionArray<Element: BitwiseCopyable> {
  let base: UnsafeRawPointer
  let count: Int

  /// - Parameters:
  ///   - offset: into `section`, in bytes.
  ///   - count: elements.
  ///   - field: for the error.
  init(
    _ section: UnsafeRawBufferPointer, offset: UInt32, count: Int, field: StaticString
  ) throws(ModelError) {
    // Counts are below 2^32 and records are small: no overflow.
    let end = Int(offset) + count * MemoryLayout<Element>.stride
    guard end <= section.count, let base = section.baseAddress else {
      throw ModelError(.outOfBounds, .tokenizer, field: field, found: Int64(end), expected: Int64(section.count))
    }
    self.base = base + Int(offset)
    self.count = count
  }

  /// The element, or nil if there is none at that index.
  @inline(__always)
  subscript(_ index: Int) -> Element? {
    guard index >= 0, index < count else { return nil }
    return base.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.stride, as: Element.self)
  }
}
