/// An array whose capacity is fixed when it is made: elements lie where they are used and never move, may be
/// noncopyable, and every access is checked. It takes memory once. (The model is swift-collections' RigidArray.)
///
/// This and `Box` are the places of this module that own memory by a pointer without bounds.
public struct FixedArray<Element: ~Copyable>: ~Copyable {
  private let start: UnsafeMutablePointer<Element>
  public let capacity: Int
  /// How many elements there are: 0...capacity.
  public private(set) var count = 0

  public init(capacity: Int) {
    precondition(capacity >= 0)
    start = .allocate(capacity: max(capacity, 1))
    self.capacity = capacity
  }

  deinit {
    start.deinitialize(count: count)
    start.deallocate()
  }

  public var indices: Range<Int> { 0..<count }

  /// Behind the last one; there must be room.
  public mutating func append(_ element: consuming Element) {
    precondition(count < capacity)
    (start + count).initialize(to: element)
    count += 1
  }

  /// Takes all elements out and destroys them; the capacity stays.
  public mutating func removeAll() {
    start.deinitialize(count: count)
    count = 0
  }

  public subscript(index: Int) -> Element {
    @inline(__always)
    unsafeAddress {
      precondition(index >= 0 && index < count)
      return UnsafePointer(start + index)
    }
    @inline(__always)
    unsafeMutableAddress {
      precondition(index >= 0 && index < count)
      return start + index
    }
  }

  /// For C, which takes a pointer and a count; both are valid during the call.
  func withUnsafeMutableBufferPointer<Result>(_ body: (UnsafeMutableBufferPointer<Element>) -> Result) -> Result {
    body(UnsafeMutableBufferPointer(start: start, count: count))
  }
}
