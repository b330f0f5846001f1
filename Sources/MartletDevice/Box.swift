/// A value in memory of its own, which does not move when its owner does.
struct Box<Value: ~Copyable>: ~Copyable {
  let address: UnsafeMutablePointer<Value>

  init(_ value: consuming Value) {
    address = .allocate(capacity: 1)
    address.initialize(to: value)
  }

  deinit {
    address.deinitialize(count: 1)
    address.deallocate()
  }

  var value: Value {
    unsafeAddress { UnsafePointer(address) }
    unsafeMutableAddress { address }
  }
}
