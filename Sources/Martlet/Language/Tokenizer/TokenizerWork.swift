/// The caller's work space, divided: the normalized text, and seven 32-bit numbers for each of its bytes.
///
/// Byte-pair encoding keeps its symbols and its queue there, the unigram model its lattice, normalization its
/// characters; one after another.
struct TokenizerWork {
  static let columns = 7

  /// Bytes that the normalized text may have.
  let capacity: Int
  let text: UnsafeMutablePointer<UInt8>
  private let numbers: UnsafeMutablePointer<Int32>

  /// Work bytes for a normalized text of `capacity` bytes; room for aligning the region included.
  static func byteCount(capacity: Int) -> Int {
    let (bytes, overflow) = capacity.multipliedReportingOverflow(by: 1 + columns * MemoryLayout<Int32>.stride)
    return overflow ? .max : bytes.addingReportingOverflow(16).overflow ? .max : bytes + 16
  }

  init(_ region: UnsafeMutableRawBufferPointer) {
    let capacity = max(region.count - 16, 0) / (1 + TokenizerWork.columns * MemoryLayout<Int32>.stride)
    self.capacity = capacity
    guard capacity > 0, let start = region.baseAddress?.alignedUp(for: Int32.self) else {
      // Never written to: a text needs capacity first.
      numbers = UnsafeMutablePointer(bitPattern: 16)!
      text = UnsafeMutablePointer(bitPattern: 16)!
      return
    }
    numbers = start.bindMemory(to: Int32.self, capacity: TokenizerWork.columns * capacity)
    text = (start + TokenizerWork.columns * capacity * MemoryLayout<Int32>.stride)
      .bindMemory(to: UInt8.self, capacity: capacity)
  }

  /// `capacity` numbers, 0...6.
  func column(_ index: Int) -> UnsafeMutablePointer<Int32> { numbers + index * capacity }
}
