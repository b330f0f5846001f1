import CMartletLinux
import Testing

@Suite struct GPIODebounceTests {
  static let period: UInt64 = 1000

  /// Times and levels that were told.
  struct Told: Equatable {
    var timeNs: UInt64
    var level: Int32
    init(_ timeNs: UInt64, _ level: Int32) {
      self.timeNs = timeNs
      self.level = level
    }
  }

  /// Feeds edges, and at the end silence until long after.
  func tell(_ edges: [(UInt64, Int32)], from level: Int32 = 0, endLevel: Int32? = nil) -> [Told] {
    var state = martlet_gpio_debounce()
    martlet_gpio_debounce_start(&state, Self.period, level)
    var told: [Told] = []
    var stable: UInt64 = 0
    for (time, level) in edges where martlet_gpio_debounce_edge(&state, time, level, &stable) {
      told.append(Told(stable, state.stable))
    }
    let last = endLevel ?? edges.last?.1 ?? level
    if martlet_gpio_debounce_quiet(&state, 1_000_000, last, &stable) { told.append(Told(stable, state.stable)) }
    #expect(martlet_gpio_debounce_deadline_ns(&state) == 0)
    return told
  }

  @Test func tellsALevelThatStays() {
    #expect(tell([(5000, 1)]) == [Told(6000, 1)])
    #expect(tell([(5000, 0)], from: 1) == [Told(6000, 0)])
  }

  @Test func tellsBouncesOnce() {
    #expect(tell([(100, 1), (200, 0), (300, 1), (400, 0), (500, 1)]) == [Told(1500, 1)])
  }

  @Test func doesNotTellWhatGoesBack() {
    #expect(tell([(100, 1), (200, 0)]) == [])
    #expect(tell([(100, 1), (1099, 0)]) == [])
    #expect(tell([]) == [])
  }

  @Test func tellsWhatStayedExactlyAsLong() {
    #expect(tell([(100, 1), (1100, 0)]) == [Told(1100, 1), Told(2100, 0)])
  }

  /// However late the edges are read, the same is told.
  @Test func doesNotDependOnTheReader() {
    let edges: [(UInt64, Int32)] = [(100, 1), (3000, 0), (3100, 1), (9000, 0), (9999, 1), (12000, 0)]
    let late = tell(edges)
    #expect(late == [Told(1100, 1), Told(13000, 0)])
    // An eager reader asks at every deadline.
    var state = martlet_gpio_debounce()
    martlet_gpio_debounce_start(&state, Self.period, 0)
    var told: [Told] = []
    var stable: UInt64 = 0
    var next = 0
    var level: Int32 = 0
    for now in stride(from: UInt64(0), to: 20000, by: 10) {
      while next < edges.count, edges[next].0 <= now {
        level = edges[next].1
        if martlet_gpio_debounce_edge(&state, edges[next].0, level, &stable) {
          told.append(Told(stable, state.stable))
        }
        next += 1
      }
      let deadline = martlet_gpio_debounce_deadline_ns(&state)
      guard deadline != 0, deadline <= now else { continue }
      if martlet_gpio_debounce_quiet(&state, now, level, &stable) { told.append(Told(stable, state.stable)) }
    }
    #expect(told == late)
  }

  /// The kernel dropped the last edges: what the line is at counts.
  @Test func trustsTheLine() {
    #expect(tell([(100, 1), (200, 0)], endLevel: 1) == [Told(1200, 1)])
    #expect(tell([(100, 1)], endLevel: 0) == [])
  }

  @Test func isNotQuietBeforeItsTime() {
    var state = martlet_gpio_debounce()
    var stable: UInt64 = 0
    martlet_gpio_debounce_start(&state, Self.period, 0)
    _ = martlet_gpio_debounce_edge(&state, 500, 1, &stable)
    #expect(martlet_gpio_debounce_deadline_ns(&state) == 1500)
    #expect(!martlet_gpio_debounce_quiet(&state, 1499, 1, &stable))
    #expect(martlet_gpio_debounce_quiet(&state, 1500, 1, &stable))
    #expect(stable == 1500)
  }
}
