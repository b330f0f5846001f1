import Testing

@testable import Martlet

/// What a ring remembers, beside a ring that is really written.
@Suite struct CacheContentTests {
  @Test(arguments: [(1, 16), (20, 44), (48, 64), (5, 200)]) func beside(window: Int, ring: Int) {
    var content = CacheContent(window: window, ring: ring)
    var slots = [Int](repeating: -1, count: ring)
    var random: UInt64 = 7
    func pick(_ count: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % count
    }
    var rewinds = (kept: 0, lost: 0)
    for _ in 0..<3000 {
      if pick(3) > 0 {
        let end = content.count + 1 + pick(ring - window)
        content.write(upTo: end)
        for position in content.count..<end { slots[position % ring] = position }
        if pick(4) > 0 { content.extend(to: end) }
      } else {
        let length = pick(content.count + 1)
        let isThere = (max(0, length - window)..<length).allSatisfy { slots[$0 % ring] == $0 }
        let isLess = length < content.count
        content.rewind(to: length)
        #expect(content.count == length || content.count == 0 && isLess)
        // No more is read again than has to be.
        if isLess, length > 0 { #expect((content.count == length) == isThere) }
        if isLess { if isThere { rewinds.kept += 1 } else { rewinds.lost += 1 } }
      }
      let held = max(content.first(before: content.count), content.oldest)..<content.count
      #expect(held.allSatisfy { slots[$0 % ring] == $0 })
      #expect(content.oldest <= content.first(before: content.count))
    }
    #expect(rewinds.kept > 20 && (rewinds.lost > 20 || ring == 200))
  }

  @Test func withoutWindowNothingIsForgotten() {
    var content = CacheContent(window: .max, ring: .max)
    content.write(upTo: 1 << 20)
    content.extend(to: 1 << 20)
    content.trim()
    content.rewind(to: 3)
    #expect(content.count == 3 && content.oldest == 0)
  }
}
