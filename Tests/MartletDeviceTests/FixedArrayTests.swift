import Testing

@testable import MartletDevice

/// Counts the elements that live.
private final class Counter { var alive = 0 }

private struct Part: ~Copyable {
  var value: Int
  let counter: Counter
  init(_ value: Int, _ counter: Counter) {
    self.value = value
    self.counter = counter
    counter.alive += 1
  }
  deinit { counter.alive -= 1 }
}

@Suite struct FixedArrayTests {
  @Test func elementsAreUsedWhereTheyLieAndDestroyedOnce() {
    let counter = Counter()
    do {
      var array = FixedArray<Part>(capacity: 3)
      for value in 0..<3 { array.append(Part(value, counter)) }
      #expect(array.count == 3 && counter.alive == 3)
      for index in array.indices { array[index].value += 10 }
      #expect(array[0].value == 10 && array[2].value == 12)
      array.removeAll()
      #expect(array.count == 0 && counter.alive == 0)
      array.append(Part(7, counter))
      #expect(array[0].value == 7 && counter.alive == 1)
    }
    #expect(counter.alive == 0)
  }

  @Test func capacityOfNone() {
    let array = FixedArray<Int>(capacity: 0)
    #expect(array.count == 0 && array.indices.isEmpty)
  }

  @Test func whatIsOutsideTraps() async {
    await #expect(processExitsWith: .failure) {
      let array = FixedArray<Int>(capacity: 2)
      _ = array[0]
    }
    await #expect(processExitsWith: .failure) {
      var array = FixedArray<Int>(capacity: 1)
      array.append(1)
      array[-1] = 2
    }
    await #expect(processExitsWith: .failure) {
      var array = FixedArray<Int>(capacity: 1)
      array.append(1)
      array.append(2)
    }
  }
}
