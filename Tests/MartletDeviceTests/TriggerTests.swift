import Martlet
import Testing

@testable import MartletDevice

@Suite struct TriggerTests {
  static let ms: UInt64 = 1_000_000

  private func onLine(_ line: Int = 3, delayMs: UInt64 = 0, patienceMs: UInt64 = 2000) -> TriggerState {
    TriggerState(.line(line, delayNs: delayMs * Self.ms), patienceNs: patienceMs * Self.ms, nowNs: 0)
  }

  @Test func everyFrame() {
    var state = TriggerState(.frames, patienceNs: 1, nowNs: 0)
    #expect(state.isContinuous && state.wantedFrom(nowNs: 5) == 0 && state.deadlineNs(nowNs: 5) == nil)
    state.satisfied(nowNs: 6)
    state.edge(ofLine: 0, at: 7)
    #expect(state.wantedFrom(nowNs: 8) == 0 && state.triggers == 0 && state.expire(nowNs: .max) == 0)
  }

  @Test func oneEdgeIsOneFrame() {
    var state = onLine()
    #expect(!state.isContinuous && state.wantedFrom(nowNs: 10) == nil)
    state.edge(ofLine: 2, at: 10)
    #expect(state.wantedFrom(nowNs: 10) == nil)
    state.edge(ofLine: 3, at: 11)
    #expect(state.wantedFrom(nowNs: 11) == 11)
    state.satisfied(nowNs: 12)
    #expect(state.wantedFrom(nowNs: 13) == nil && state.triggers == 1 && state.missed == 0)
  }

  @Test func theDelayPassesFirst() {
    var state = onLine(delayMs: 20)
    state.edge(ofLine: 3, at: 5 * Self.ms)
    #expect(state.wantedFrom(nowNs: 24 * Self.ms) == nil)
    #expect(state.deadlineNs(nowNs: 24 * Self.ms) == 25 * Self.ms)
    #expect(state.wantedFrom(nowNs: 25 * Self.ms) == 25 * Self.ms)
    #expect(state.deadlineNs(nowNs: 25 * Self.ms) == nil)
  }

  @Test func edgesWaitInTheirOrder() {
    var state = onLine(delayMs: 10)
    for edge in 0..<TriggerState.capacity + 2 { state.edge(ofLine: 3, at: UInt64(edge)) }
    #expect(state.missed == 2 && state.triggers == TriggerState.capacity + 2)
    for edge in 0..<TriggerState.capacity {
      #expect(state.wantedFrom(nowNs: 100 * Self.ms) == UInt64(edge) + 10 * Self.ms)
      state.satisfied(nowNs: 100 * Self.ms)
    }
    #expect(state.wantedFrom(nowNs: 100 * Self.ms) == nil)
  }

  @Test func whatWaitsTooLongIsMissed() {
    var state = onLine(patienceMs: 50)
    state.edge(ofLine: 3, at: 0)
    state.edge(ofLine: 3, at: 40 * Self.ms)
    #expect(state.expire(nowNs: 50 * Self.ms) == 0)
    #expect(state.expire(nowNs: 51 * Self.ms) == 1)
    #expect(state.wantedFrom(nowNs: 51 * Self.ms) == 40 * Self.ms && state.missed == 1)
  }

  @Test func anIntervalKeepsItsRhythm() {
    var state = TriggerState(.interval(ns: 100), patienceNs: 1000, nowNs: 7)
    #expect(state.wantedFrom(nowNs: 7) == 7)
    state.satisfied(nowNs: 30)
    #expect(state.wantedFrom(nowNs: 106) == nil && state.deadlineNs(nowNs: 106) == 107)
    #expect(state.wantedFrom(nowNs: 107) == 107)
    // A slow decision: the ticks in between are left out.
    state.satisfied(nowNs: 507)
    #expect(state.deadlineNs(nowNs: 507) == 607)
    state.satisfied(nowNs: 608)
    #expect(state.deadlineNs(nowNs: 608) == 707)
    // A camera that was away.
    #expect(state.expire(nowNs: 5000) == 0 && state.deadlineNs(nowNs: 4999) == 5007)
    #expect(state.missed == 0 && state.triggers == 3)
  }

  @Test(arguments: [
    (0, false, Orientation.upright), (90, false, .turnedRight), (180, false, .upsideDown), (270, false, .turnedLeft),
    (0, true, .mirrored), (90, true, .transposed), (180, true, .flipped), (270, true, .transversed),
  ])
  func turnedThenMirrored(_ degrees: Int, _ isMirrored: Bool, _ wanted: Orientation) {
    // Where the corner at the stored (0, 0) of a picture of 3 x 2 goes: turned step by step, then mirrored.
    var (x, y, width, height) = (0, 0, 3, 2)
    for _ in 0..<degrees / 90 { (x, y, width, height) = (height - 1 - y, x, height, width) }
    if isMirrored { x = width - 1 - x }
    let orientation = Orientation(clockwise: degrees, isMirrored: isMirrored)
    #expect(orientation == wanted && orientation.swapsAxes == (width == 2))
    // reversesX is about the stored x axis.
    let alongX = orientation.reversesX ? (orientation.swapsAxes ? height : width) - 1 : 0
    let alongY = orientation.reversesY ? (orientation.swapsAxes ? width : height) - 1 : 0
    #expect((x, y) == (orientation.swapsAxes ? (alongY, alongX) : (alongX, alongY)))
  }
}

@Suite struct LineHolderTests {
  @Test func activeWhileAnyRuleHolds() {
    var line = LineHolders(isSafeActive: false)
    for rule in [0, 5, 63] { line.add(rule: rule) }
    #expect(!line.level)
    line.note(rule: 63, true)
    line.note(rule: 0, true)
    #expect(line.level)
    line.note(rule: 0, false)
    #expect(line.level)
    line.note(rule: 63, nil)
    #expect(!line.level)
  }

  /// At start and while a camera is away the safe level, but for what another rule still says.
  @Test func anActiveSafeLevel() {
    var line = LineHolders(isSafeActive: true)
    line.add(rule: 1)
    line.add(rule: 2)
    #expect(line.level)
    line.note(rule: 1, false)
    #expect(line.level)
    line.note(rule: 2, false)
    #expect(!line.level)
    line.note(rule: 2, nil)
    #expect(line.level)
    line.note(rule: 2, false)
    line.note(rule: 1, true)
    #expect(line.level)
    line.note(rule: 1, false)
    #expect(!line.level)
    line.forget()
    #expect(line.level)
    #expect(LineHolders(isSafeActive: true).level && !LineHolders(isSafeActive: false).level)
  }
}
