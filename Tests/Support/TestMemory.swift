/// Memory that lives as long as a test needs it, aligned as engines and teams want it.
public final class TestMemory {
  public let bytes: UnsafeMutableRawBufferPointer
  private let whole: UnsafeMutableRawBufferPointer

  /// Filled with a pattern, behind too: what memory held before must not matter. Teams want it zeroed.
  public init(_ count: Int, filledWith pattern: UInt8 = 0xA5) {
    whole = .allocate(byteCount: count + 64, alignment: 64)
    whole.initializeMemory(as: UInt8.self, repeating: pattern)
    bytes = UnsafeMutableRawBufferPointer(rebasing: whole[..<count])
  }

  public convenience init(copying data: [UInt8]) {
    self.init(data.count)
    bytes.copyBytes(from: data)
  }

  /// To read.
  public var view: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

  /// Whether what lies behind is as it was.
  public var isIntact: Bool { whole[bytes.count...].allSatisfy { $0 == 0xA5 } }

  deinit { whole.deallocate() }
}
