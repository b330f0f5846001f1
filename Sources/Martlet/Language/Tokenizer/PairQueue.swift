/// The pairs of neighbouring symbols that can be merged, the best one first: a binary heap that knows where each pair
/// is, so that a pair whose symbols changed is moved or taken out instead of being left behind.
///
/// A pair is named by the place of its left symbol. Of two with equal priority the left one comes first.
struct PairQueue {
  private let heap: UnsafeMutablePointer<Int32>
  /// Where a pair is in `heap`, or -1.
  private let slots: UnsafeMutablePointer<Int32>
  /// As UInt32: lower is better.
  private let priorities: UnsafeMutablePointer<Int32>
  private(set) var count = 0

  /// Three columns of numbers, each with room for all places.
  init(
    _ heap: UnsafeMutablePointer<Int32>, _ slots: UnsafeMutablePointer<Int32>, _ priorities: UnsafeMutablePointer<Int32>
  ) {
    self.heap = heap
    self.slots = slots
    self.priorities = priorities
  }

  /// Must precede everything else for a place.
  func clear(_ place: Int) { slots[place] = -1 }

  mutating func set(_ place: Int, priority: UInt32) {
    priorities[place] = Int32(bitPattern: priority)
    var slot = Int(slots[place])
    if slot < 0 {
      slot = count
      count += 1
    }
    settle(Int32(truncatingIfNeeded: place), slot)
  }

  mutating func remove(_ place: Int) {
    let slot = Int(slots[place])
    guard slot >= 0 else { return }
    slots[place] = -1
    count -= 1
    if slot < count { settle(heap[count], slot) }
  }

  mutating func removeFirst() -> Int? {
    guard count > 0 else { return nil }
    let first = Int(heap[0])
    remove(first)
    return first
  }

  private func precedes(_ a: Int32, _ b: Int32) -> Bool {
    let first = UInt32(bitPattern: priorities[Int(a)])
    let second = UInt32(bitPattern: priorities[Int(b)])
    return first != second ? first < second : a < b
  }

  /// Puts a pair into a free slot, or one near it: up or down the heap as its priority wants.
  private func settle(_ pair: Int32, _ start: Int) {
    var slot = start
    while slot > 0 {
      let parent = (slot - 1) / 2
      guard precedes(pair, heap[parent]) else { break }
      put(heap[parent], slot)
      slot = parent
    }
    while true {
      var child = 2 * slot + 1
      guard child < count else { break }
      if child + 1 < count, precedes(heap[child + 1], heap[child]) { child += 1 }
      guard precedes(heap[child], pair) else { break }
      put(heap[child], slot)
      slot = child
    }
    put(pair, slot)
  }

  private func put(_ pair: Int32, _ slot: Int) {
    heap[slot] = pair
    slots[Int(pair)] = Int32(truncatingIfNeeded: slot)
  }
}
