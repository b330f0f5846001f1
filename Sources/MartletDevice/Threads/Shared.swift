/// A value at an address that two threads know, until one of them destroys it. Which of them may touch it when is a
/// matter of `SharedWords`.
///
/// This and `FixedArray` are the places of this module that own memory by a pointer without bounds.
struct Shared<Value: ~Copyable> {
  private let address: UnsafeMutablePointer<Value>

  init(_ value: consuming Value) {
    address = .allocate(capacity: 1)
    address.initialize(to: value)
  }

  /// The one whose `context` was handed through C.
  init(_ context: UnsafeMutableRawPointer) { address = context.assumingMemoryBound(to: Value.self) }

  var context: UnsafeMutableRawPointer { UnsafeMutableRawPointer(address) }

  var value: Value {
    unsafeAddress { UnsafePointer(address) }
    nonmutating unsafeMutableAddress { address }
  }

  /// By the last one who knows it.
  func destroy() {
    address.deinitialize(count: 1)
    address.deallocate()
  }

  /// Destroys it and hands out what it was.
  func take() -> Value {
    let value = address.move()
    address.deallocate()
    return value
  }
}

/// A shared value with one owner.
struct Box<Value: ~Copyable>: ~Copyable {
  let shared: Shared<Value>

  init(_ value: consuming Value) { shared = Shared(value) }

  deinit { shared.destroy() }
}
