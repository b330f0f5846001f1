/// The caller's work space, divided: the normalized text, and seven 32-bit numbers for each of its bytes.
///
/// Byte-pair encoding keeps its symbols and its queue there, the unigram model its lattice, normalization its
/// characters; one after another.
struct TokenizerWork {
  static let columns = 7
  private static let alignmentBytes = 16

  /// Bytes that the normalized text may have.
  let capacity: Int
  let text: UnsafeMutablePointer<UInt8>
  private let numbers: UnsafeMutablePointer<Int32>

  /// Work bytes for a normalized text of `capacity` bytes; room for aligning the region included.
  static func byteCount(capacity: Int) -> Int {
    let (bytes, overflow) = capacity.multipliedReportingOverflow(by: 1 + columns * MemoryLayout<Int32>.stride)
    return overflow || bytes > .max - alignmentBytes ? .max : bytes + alignmentBytes
  }

  init(_ region: UnsafeMutableRawBufferPointer) {
    let perByte = 1 + TokenizerWork.columns * MemoryLayout<Int32>.stride
    let capacity = max(region.count - TokenizerWork.alignmentBytes, 0) / perByte
    self.capacity = capacity
    guard capacity > 0, let start = region.baseAddress?.alignedUp(for: Double.self) else {
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

  /// Two columns from an even one on, as `capacity` doubles.
  func doubles(_ index: Int) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(column(index)).assumingMemoryBound(to: Double.self)
  }

  /// Two columns from this one on, as 2 x `capacity` characters.
  func codes(_ index: Int) -> UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(column(index)).assumingMemoryBound(to: UInt32.self)
  }
}
