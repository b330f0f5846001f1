import Testing

@testable import MartletDevice

/// The rule as its documentation says it, with the whole history.
private struct NaiveRule {
  let threshold: Float, release: Float
  let votes: Int, window: Int
  let fire: RuleConfiguration.Fire
  var history: [Float] = []
  var holds = false

  mutating func update(_ score: Float) -> (holds: Bool, fired: Bool, released: Bool) {
    history.append(score)
    let last = history.suffix(window)
    let before = holds
    let bound = before ? release : threshold
    holds = last.filter { $0 >= bound }.count >= votes
    return (holds, holds && (fire == .always || !before), before && !holds)
  }
}

@Suite struct RuleStateTests {
  @Test func equalsTheNaiveRule() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let window = Int.random(in: 1...64, using: &random)
      let votes = Int.random(in: 1...window, using: &random)
      let threshold = Float.random(in: 0...1, using: &random)
      let release = Float.random(in: 0...threshold, using: &random)
      let fire: RuleConfiguration.Fire = Bool.random() ? .once : .always
      var state = RuleState(threshold: threshold, release: release, votes: votes, window: window, fire: fire)
      var naive = NaiveRule(threshold: threshold, release: release, votes: votes, window: window, fire: fire)
      var drift = Float.random(in: 0...1, using: &random)
      for _ in 0..<200 {
        // Slow enough that rules begin and end to hold.
        drift = min(max(drift + Float.random(in: -0.2...0.2, using: &random), 0), 1)
        let special: [Float] = [.nan, .infinity, -.infinity, threshold, release]
        let score = Int.random(in: 0..<10, using: &random) == 0 ? special.randomElement(using: &random)! : drift
        let got = state.update(score: score)
        let want = naive.update(score)
        #expect(got.holds == want.holds && got.isFired == want.fired && got.isReleased == want.released)
      }
    }
  }

  @Test func hysteresis() {
    var state = RuleState(threshold: 0.8, release: 0.6, votes: 1, window: 1, fire: .once)
    let scores: [Float] = [0.7, 0.8, 0.7, 0.6, 0.59, 0.7, 0.9]
    let outcomes = scores.map { state.update(score: $0) }
    #expect(outcomes.map { $0.holds } == [false, true, true, true, false, false, true])
    #expect(outcomes.map { $0.isFired } == [false, true, false, false, false, false, true])
    #expect(outcomes.map { $0.isReleased } == [false, false, false, false, true, false, false])
  }

  @Test func everyPartFiresWhenToldSo() {
    var state = RuleState(threshold: 0.5, release: 0.5, votes: 1, window: 1, fire: .always)
    #expect([0.9, 0.9, 0.1, 0.5].map { state.update(score: $0).isFired } == [true, true, false, true])
  }

  @Test func resetForgetsVotes() {
    var state = RuleState(threshold: 0.5, release: 0.5, votes: 2, window: 3, fire: .once)
    _ = state.update(score: 1)
    state.reset()
    #expect(!state.update(score: 1).holds)
    #expect(state.update(score: 1).isFired)
  }
}
