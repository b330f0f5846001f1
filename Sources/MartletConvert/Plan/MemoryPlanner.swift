/// Places intervals of memory so that those alive at one time never overlap, aiming at the lower bound.
///
/// Greedy placement at the lowest free offset, in several orders, then hill climbing over orders with a fixed seed: the
/// same lifetimes always give the same plan. Offline placement is NP-hard; on real networks this reaches the bound.
struct MemoryPlanner {
  private let groups: [Lifetimes.Group]
  private let lowerBound: Int
  /// For each group, the others that are alive at the same time.
  private var neighbours: [[Int]]

  struct Placement {
    var offsets: [Int]
    var peak: Int
  }

  /// Beyond this many conflicting pairs every interval gets memory of its own: no real network comes near.
  private static let maxPairs = 1 << 23

  static func place(_ lifetimes: Lifetimes) -> Placement {
    guard let planner = MemoryPlanner(lifetimes) else {
      var offsets: [Int] = []
      var end = 0
      for group in lifetimes.groups {
        offsets.append(end)
        end += group.size
      }
      return Placement(offsets: offsets, peak: end)
    }
    return planner.search()
  }

  private init?(_ lifetimes: Lifetimes) {
    groups = lifetimes.groups
    lowerBound = lifetimes.lowerBound
    neighbours = Array(repeating: [], count: groups.count)
    let used = lifetimes.groups.indices.filter { lifetimes.groups[$0].size > 0 }
    let byStart = used.sorted { (lifetimes.groups[$0].first, $0) < (lifetimes.groups[$1].first, $1) }
    var alive: [Int] = []
    var pairs = 0
    for index in byStart {
      alive.removeAll { groups[$0].last < groups[index].first }
      pairs += alive.count
      guard pairs <= Self.maxPairs else { return nil }
      for other in alive {
        neighbours[index].append(other)
        neighbours[other].append(index)
      }
      alive.append(index)
    }
  }

  private func search() -> Placement {
    let all = groups.indices.filter { groups[$0].size > 0 }
    func ordered(_ key: (Lifetimes.Group) -> Int) -> [Int] {
      all.sorted { (key(groups[$0]), $0) < (key(groups[$1]), $1) }
    }
    func span(_ group: Lifetimes.Group) -> Int { group.last - group.first + 1 }
    let pressure = pressures()
    let orders = [
      ordered { -$0.size }, ordered { -span($0) }, ordered { -$0.size * span($0) }, ordered { $0.first },
      ordered { -$0.last },
      all.sorted { (-pressure[$0], -groups[$0].size, $0) < (-pressure[$1], -groups[$1].size, $1) },
    ]
    var best = place(orders[0])
    var bestOrder = orders[0]
    for order in orders.dropFirst() where best.peak > lowerBound {
      let candidate = place(order)
      if candidate.peak < best.peak { (best, bestOrder) = (candidate, order) }
    }
    climb(&best, &bestOrder)
    return best
  }

  /// The largest sum of live memory during each group's life: what is alive at the tightest moment goes first.
  private func pressures() -> [Int] {
    var sums: [Int: Int] = [:]
    for group in groups where group.size > 0 { sums[group.first] = 0 }
    let times = sums.keys.sorted()
    for (index, group) in groups.enumerated() where group.size > 0 {
      let sum = neighbours[index].reduce(group.size) {
        let other = groups[$1]
        return other.first <= group.first && other.last >= group.first ? $0 + other.size : $0
      }
      sums[group.first] = max(sums[group.first] ?? 0, sum)
    }
    // Long lives in deep graphs would cost a scan each; only small graphs are worth it.
    guard groups.count <= 4096 else { return groups.map(\.size) }
    return groups.map { group in
      group.size == 0 ? 0 : times.filter { $0 >= group.first && $0 <= group.last }.compactMap { sums[$0] }.max() ?? 0
    }
  }

  private func climb(_ best: inout Placement, _ order: inout [Int]) {
    guard order.count > 1, order.count <= 4096 else { return }
    var random = SplitMix(state: 0x4D61_7274_6C65_7421)
    var rounds = min(4000, 4_000_000 / order.count)
    var current = order
    var currentPeak = best.peak
    while best.peak > lowerBound, rounds > 0 {
      rounds -= 1
      var candidate = current
      for _ in 0...Int(random.next() % 3) {
        let moved = candidate.remove(at: Int(random.next() % UInt64(candidate.count)))
        candidate.insert(moved, at: Int(random.next() % UInt64(candidate.count + 1)))
      }
      let placement = place(candidate)
      guard placement.peak <= currentPeak else { continue }
      (current, currentPeak) = (candidate, placement.peak)
      if placement.peak < best.peak { (best, order) = (placement, candidate) }
    }
  }

  /// Each group in turn at the lowest offset where it fits between its placed neighbours.
  private func place(_ order: [Int]) -> Placement {
    var offsets = Array(repeating: -1, count: groups.count)
    var peak = 0
    var taken: [(start: Int, end: Int)] = []
    for index in order {
      taken.removeAll(keepingCapacity: true)
      for other in neighbours[index] where offsets[other] >= 0 {
        taken.append((offsets[other], offsets[other] + groups[other].size))
      }
      taken.sort { $0 < $1 }
      var offset = 0
      for interval in taken {
        if offset + groups[index].size <= interval.start { break }
        offset = max(offset, interval.end)
      }
      offsets[index] = offset
      peak = max(peak, offset + groups[index].size)
    }
    return Placement(offsets: offsets.map { max($0, 0) }, peak: peak)
  }
}

/// Steele, Lea and Flood's SplitMix64: small and the same everywhere.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
