import Foundation
import Testing

@testable import MartletDevice

private func state(
  _ threshold: Float, _ highest: Float = .infinity, marginBelow: Float = .infinity, oneIn: Int = 1,
  pauseNs: UInt64 = 0, hours: RuleHours? = nil, fire: RuleConfiguration.Fire = .always
) -> RuleState {
  RuleState(
    threshold: threshold, release: threshold, highest: highest, marginBelow: marginBelow, votes: 1, window: 1,
    fire: fire, oneIn: oneIn, pauseNs: pauseNs, hours: hours)
}

private func at(_ ns: UInt64) -> RuleMoment { RuleMoment(capturedNs: ns) }

/// What a rule asks for beside a least score.
@Suite(.serialized) struct RuleConditionTests {
  @Test func betweenTwoScores() {
    var rule = state(0.3, 0.6)
    let scores: [Float] = [0.29, 0.3, 0.45, 0.6, 0.61, .nan, -.infinity]
    #expect(scores.map { rule.update(score: $0).holds } == [false, true, true, true, false, false, false])
    // The score of an unknown frame, for a rule that names it.
    #expect(rule.update(score: .infinity).holds)
  }

  @Test func theMarginOfTheBestTwo() {
    var rule = state(-.greatestFiniteMagnitude, marginBelow: 0.1)
    let margins: [Float] = [0, 0.09, 0.1, 0.5, .infinity, .nan]
    #expect(margins.map { rule.update(score: -3, margin: $0).holds } == [true, true, false, false, false, false])
    #expect(!rule.update(score: .nan, margin: 0).holds)
    // Of an unknown frame: the class has no score.
    #expect(!rule.update(score: -.infinity, margin: 0).holds)
    // Without the condition nothing is asked of the margin.
    var plain = state(0.5)
    #expect(plain.update(score: 0.5, margin: .nan).holds && plain.update(score: 0.5, margin: .infinity).holds)
  }

  @Test func oneInSome() {
    var rule = state(0.5, oneIn: 3)
    let scores: [Float] = [0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9]
    #expect(
      scores.map { rule.update(score: $0).isFired } == [true, false, false, false, true, false, false, true])
    #expect(scores.map { rule.update(score: $0).holds } == scores.map { $0 > 0.5 })
    // With once, of the times at which it begins to hold.
    var once = state(0.5, oneIn: 2, fire: .once)
    let fired = [0.9, 0.9, 0.1, 0.9, 0.1, 0.9].map { once.update(score: $0).isFired }
    #expect(fired == [true, false, false, false, false, true])
  }

  @Test func aPause() {
    var rule = state(0.5, pauseNs: 100)
    let times: [UInt64] = [0, 50, 99, 100, 150, 200, 1000, 1001]
    #expect(
      times.map { rule.update(score: 1, at: at($0)).isFired }
        == [true, false, false, true, false, true, true, false])
    // A clock that was set back does not stop it for ever.
    #expect(rule.update(score: 1, at: at(5)).isFired && !rule.update(score: 1, at: at(6)).isFired)
    #expect(rule.update(score: 1, at: at(.max)).isFired && !rule.update(score: 1, at: at(.max)).isFired)
    // A camera that comes and goes does not shorten it.
    var flaky = state(0.5, pauseNs: 100)
    #expect(flaky.update(score: 1, at: at(10)).isFired)
    flaky.reset()
    #expect(!flaky.update(score: 1, at: at(20)).isFired && flaky.update(score: 1, at: at(110)).isFired)
    // Of those after the pause one in two.
    var both = state(0.5, oneIn: 2, pauseNs: 100)
    let fired = (0..<8).map { both.update(score: 1, at: at(UInt64($0) * 60)).isFired }
    #expect(fired == [true, false, false, true, false, false, true, false])
  }

  /// A reload does not shorten a pause.
  @Test func anotherRuleGoesOn() {
    var old = state(0.5, oneIn: 2, pauseNs: 100)
    #expect(old.update(score: 1, at: at(1000)).isFired)
    var rule = state(0.9, oneIn: 2, pauseNs: 100)
    rule.goOn(from: old)
    #expect(rule.holds)
    let fired = [1050, 1100, 1150, 1200].map { rule.update(score: 1, at: at($0)).isFired }
    #expect(fired == [false, false, true, false])
  }

  // MARK: Hours

  /// Each minute of the week, by the shifts written out.
  @Test(arguments: [
    (360, 1320, 0x7F), (1320, 360, 0x7F), (1320, 360, 0x10), (0, 1440, 0x40), (1439, 1, 0x40), (5, 4, 1),
  ])
  func hours(from: Int, to: Int, days: UInt8) {
    let hours = RuleHours(from: from, to: to, days: days)
    var inside = [Bool](repeating: false, count: 7 * 1440)
    for day in 0..<7 where days >> UInt8(day) & 1 == 1 {
      let end = to > from ? to : to + 1440
      for minute in from..<end { inside[(day * 1440 + minute) % inside.count] = true }
    }
    for minute in inside.indices where hours.contains(minute) != inside[minute] {
      Issue.record("minute \(minute): \(hours.contains(minute))")
    }
  }

  @Test func outsideItsHoursARuleDoesNotHold() {
    var rule = state(0.5, hours: RuleHours(from: 60, to: 120), fire: .once)
    func decide(_ minute: Int) -> RuleState.Outcome { rule.update(score: 1, at: RuleMoment(minuteOfWeek: minute)) }
    let before = decide(59)
    #expect(!before.holds && !before.isFired && before.level == nil)
    #expect(decide(60).isFired && decide(119).level == true)
    let after = decide(120)
    #expect(!after.holds && after.isReleased && after.level == nil && !decide(121).isReleased)
    // On the next day it begins anew.
    #expect(decide(1440 + 60).isFired)
    // Without a decision.
    let last = decide(1440 + 61)
    #expect(rule.leave(at: 1440 + 119, last) == nil)
    let left = rule.leave(at: 1440 + 120, last)
    #expect(left?.isReleased == true && left?.level == nil && !rule.holds)
    if let left { #expect(rule.leave(at: 1440 + 121, left) == nil) }
  }

  /// The line of a rule whose safe level is the active one.
  @Test func theLineOfARuleOutsideItsHours() {
    var holders = LineHolders(isSafeActive: true)
    holders.add(rule: 0)
    var rule = state(0.5, hours: RuleHours(from: 0, to: 60))
    for (minute, score, level) in [(0, 1, true), (1, 0, false), (60, 0, true), (61, 1, true), (1440, 0, false)] {
      holders.note(rule: 0, rule.update(score: Float(score), at: RuleMoment(minuteOfWeek: minute)).level)
      #expect(holders.level == level, "\(minute)")
    }
  }

  @Test func aCameraLetsGoOfRulesWhoseHoursAreOver() throws {
    var configuration = CameraConfiguration()
    for hours in [RuleHours(from: 0, to: 60), nil] {
      var rule = RuleConfiguration()
      (rule.votes, rule.window, rule.threshold, rule.hours) = (1, 1, -1000, hours)
      configuration.rules.append(rule)
    }
    var model = ModelConfiguration()
    model.file = PipelineTests.root + "/Models/resnet8-cifar10/resnet8-cifar10.martlet"
    var loaded = try PipelineModel(model, in: Configuration())
    loaded.scores.update(unknownBelow: nil)
    var camera = try PipelineCamera(configuration, firstRule: 0, nowNs: 0)
    // Before the first decision nobody knows.
    let isEarly = camera.leaveHours(minuteOfWeek: 60)
    camera.updateRules(loaded.scores, at: RuleMoment(minuteOfWeek: 59))
    let (first, second) = (camera.rules[0].outcome, camera.rules[1].outcome)
    #expect(!isEarly && first.holds && second.holds)
    let (isInside, isLeft) = (camera.leaveHours(minuteOfWeek: 59), camera.leaveHours(minuteOfWeek: 60))
    let (left, other) = (camera.rules[0].outcome, camera.rules[1].outcome)
    #expect(!isInside && isLeft && left.level == nil && other.holds)
    let isAgain = camera.leaveHours(minuteOfWeek: 60)
    #expect(!isAgain)
  }

  /// Summer time in central Europe, from the rule itself, without a table of zones.
  @Test func localTime() {
    let before = getenv("TZ").map { String(cString: $0) }
    defer {
      if let before { setenv("TZ", before, 1) } else { unsetenv("TZ") }
      tzset()
    }
    func minute(_ text: String, _ clock: inout LocalClock) -> Int {
      let date = try! Date(text, strategy: .iso8601)
      return clock.minuteOfWeek(wallUs: UInt64(date.timeIntervalSince1970) * 1_000_000 + 999_999)
    }
    let sunday = 6 * 1440
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1)
    var clock = LocalClock()
    #expect(minute("2026-03-29T00:59:59Z", &clock) == sunday + 1 * 60 + 59)
    #expect(minute("2026-03-29T01:00:00Z", &clock) == sunday + 3 * 60)
    #expect(minute("2026-10-25T00:59:59Z", &clock) == sunday + 2 * 60 + 59)
    #expect(minute("2026-10-25T01:00:00Z", &clock) == sunday + 2 * 60)
    #expect(minute("2026-12-31T23:30:00Z", &clock) == 4 * 1440 + 30)
    // Behind and ahead of UTC, also at the beginning of time.
    for (zone, minutes) in [("XXX8", 2 * 1440 + 16 * 60), ("XXX-14", 3 * 1440 + 14 * 60), ("UTC0", 3 * 1440)] {
      setenv("TZ", zone, 1)
      var clock = LocalClock()
      #expect(clock.minuteOfWeek(wallUs: 0) == minutes, "\(zone)")
    }
  }
}
