import Foundation
import Testing

@testable import Martlet

/// The sampler against its definition, written down again in float64 with sorted arrays.
@Suite struct SamplerTests {
  /// A sampler with its memory, and the scores it works on.
  private final class TestSampler {
    var sampler: Sampler
    let logits: UnsafeMutableBufferPointer<Float>
    private let region: UnsafeMutableRawPointer

    init(_ values: [Float], _ options: SamplingOptions) {
      region = .allocate(byteCount: Sampler.workBytes(vocabulary: values.count), alignment: 64)
      logits = .allocate(capacity: values.count)
      _ = logits.initialize(from: values)
      sampler = Sampler(options, region: region)
    }

    deinit {
      region.deallocate()
      logits.deallocate()
    }

    func next(recent: [Int32] = [], mask: [UInt32]? = nil) -> Int32? {
      recent.withUnsafeBufferPointer { recent in
        guard let mask else { return sampler.next(logits, recent: recent) }
        return mask.withUnsafeBufferPointer { sampler.next(logits, recent: recent, mask: $0.baseAddress) }
      }
    }
  }

  private static func options(
    _ temperature: Float, topK: Int = 0, topP: Float = 1, minP: Float = 0, seed: UInt64 = 1
  ) -> SamplingOptions {
    var options = SamplingOptions()
    options.temperature = temperature
    (options.topK, options.topP, options.minP, options.seed) = (topK, topP, minP, seed)
    return options
  }

  /// Scores about as a model's: most of them low.
  private static func logits(_ count: Int, seed: UInt64) -> [Float] {
    var generator = Sampler.Generator(seed: seed)
    return (0..<count).map { _ in 8 * generator.nextUnit() * generator.nextUnit() - 4 }
  }

  /// Which tokens may come, and how probable each is.
  private static func expected(_ logits: [Float], _ options: SamplingOptions) -> [Int32: Double] {
    var left = logits.enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
      .map { (token: Int32($0.offset), score: Double($0.element)) }
    if options.topK > 0 { left = Array(left.prefix(options.topK)) }
    func shares(_ temperature: Double) -> [Double] {
      let powers = left.map { exp(($0.score - left[0].score) / temperature) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    if options.topP < 1 {
      var sum = 0.0
      var kept = 0
      for share in shares(1) where kept == 0 || sum < Double(options.topP) {
        sum += share
        kept += 1
      }
      left = Array(left.prefix(kept))
    }
    let best = shares(1)[0]
    left = zip(left, shares(1)).filter { $1 / best >= Double(options.minP) }.map { $0.0 }
    return Dictionary(uniqueKeysWithValues: zip(left.map(\.token), shares(Double(options.temperature))))
  }

  // MARK: Greedy

  @Test func greedyTakesTheLowestOfEquals() {
    let cases: [([Float], Int32)] = [
      ([1, 3, 3, 2], 1), ([0, 0, 0], 0), ([-.infinity, -5, -5], 1), ([.nan, -7], 1), ([2, .infinity, .infinity], 1),
      ([.nan, .nan], 0), ([-.infinity, -.infinity], 0), ([-0.0, 0.0], 0),
    ]
    for (logits, token) in cases {
      #expect(TestSampler(logits, Self.options(0)).next() == token, "\(logits)")
      #expect(TestSampler(logits, Self.options(1, topK: 1)).next() == token, "top-k 1: \(logits)")
    }
  }

  @Test func topKOfOneIsGreedy() {
    for seed in UInt64(1)...50 {
      let logits = Self.logits(300, seed: seed)
      let greedy = TestSampler(logits, Self.options(0)).next()
      let sampler = TestSampler(logits, Self.options(3, topK: 1, seed: seed))
      for _ in 0..<5 { #expect(sampler.next() == greedy) }
    }
  }

  // MARK: What may come, and how often

  /// So flat a temperature comes last that each token which is left comes up.
  @Test(arguments: [
    (0, Float(1), Float(0)), (7, 1, 0), (0, 0.5, 0), (0, 0.9, 0), (0, 1, 0.2), (40, 0.95, 0.05), (10, 0.7, 0),
    (30, 1, 0.5), (0, 0.01, 0), (0, 1, 1), (5, 0.999, 0.001),
  ]) func exactlyTheseMayCome(topK: Int, topP: Float, minP: Float) {
    for seed in UInt64(1)...8 {
      let logits = Self.logits(90, seed: seed)
      let options = Self.options(10_000, topK: topK, topP: topP, minP: minP, seed: seed)
      let sampler = TestSampler(logits, options)
      var seen: Set<Int32> = []
      for _ in 0..<3000 { seen.insert(sampler.next()!) }
      #expect(seen == Set(Self.expected(logits, options).keys))
    }
  }

  @Test(arguments: [(Float(1), 0, Float(1), Float(0)), (0.7, 0, 1, 0), (1.5, 12, 0.9, 0.05), (0.8, 40, 0.95, 0.05)])
  func frequenciesAreTheSoftmax(temperature: Float, topK: Int, topP: Float, minP: Float) {
    let draws = 20_000
    let logits = Self.logits(60, seed: 5)
    let options = Self.options(temperature, topK: topK, topP: topP, minP: minP, seed: 3)
    let sampler = TestSampler(logits, options)
    var counts: [Int32: Int] = [:]
    for _ in 0..<draws { counts[sampler.next()!, default: 0] += 1 }
    let expected = Self.expected(logits, options)
    #expect(Set(counts.keys).isSubset(of: expected.keys))
    for (token, share) in expected {
      let sigma = (Double(draws) * share * (1 - share)).squareRoot()
      #expect(abs(Double(counts[token, default: 0]) - Double(draws) * share) <= 5 * sigma + 1e-6, "\(token)")
    }
  }

  @Test func maskAllowsWhatItSays() {
    let logits = Self.logits(100, seed: 2)
    let mask: [UInt32] = [0, 0x8000_0001, 0x10, 0b1000]
    for temperature: Float in [0, 1000] {
      let sampler = TestSampler(logits, Self.options(temperature))
      var seen: Set<Int32> = []
      for _ in 0..<300 { seen.insert(sampler.next(mask: mask)!) }
      let allowed: [Int32] = [32, 63, 68, 99]
      #expect(seen == (temperature == 0 ? [allowed.max { logits[Int($0)] < logits[Int($1)] }!] : Set(allowed)))
      #expect(sampler.next(mask: [0, 0, 0, 0]) == nil)
    }
  }

  // MARK: Penalty

  @Test(arguments: [0, 1, 3, 64, -5, .max]) func penaltyIsItsFormula(window: Int) {
    let recent: [Int32] = [9, 4, 4, -1, 200, 7, 0, 7, .max, 4]
    var logits = Self.logits(20, seed: 8)
    (logits[4], logits[7], logits[0], logits[9]) = (1.5, -2, 0, .infinity)
    var options = Self.options(0)
    options.repeatPenalty = 1.3
    options.penaltyWindow = window
    let sampler = TestSampler(logits, options)
    _ = sampler.next(recent: recent)
    let touched = Set(recent.suffix(min(max(window, 0), 10)))
    for (token, score) in logits.enumerated() {
      let penalized = score > 0 ? score / 1.3 : score * 1.3
      #expect(sampler.logits[token] == (touched.contains(Int32(token)) ? penalized : score), "\(token)")
    }
  }

  @Test func penaltyChangesTheChoice() {
    var options = Self.options(0)
    options.repeatPenalty = 2
    #expect(TestSampler([1, 5, 4], options).next(recent: [1]) == 2)
    #expect(TestSampler([-1, -5, -1.5], options).next(recent: [0]) == 2)
  }

  // MARK: Anything at all

  @Test func oddScoresAndOptionsChooseAToken() {
    let odd: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
      1,
    ]
    var generator = Sampler.Generator(seed: 4)
    func pick<T>(_ values: [T]) -> T { values[Int(generator.next() >> 33) % values.count] }
    for round in 0..<5000 {
      let logits = (0..<1 + round % 40).map { _ in pick(odd) }
      var options = Self.options(
        pick([0, 1, .nan, .infinity, 1e-42, -1, 1e38]), topK: pick([0, 1, 3, -2, .max]),
        topP: pick([0, 0.5, 1, .nan, -1, 7]), minP: pick([0, 0.5, 1, .nan, 9, -1]), seed: UInt64(round))
      options.repeatPenalty = pick([1, 0, .nan, .infinity, -1, 1.1])
      options.penaltyWindow = pick([0, 64, -3])
      let token = TestSampler(logits, options).next(recent: [0, 1, 2, -7, .max])
      #expect(token != nil && logits.indices.contains(Int(token!)))
    }
  }

  @Test func whatIsNoNumberIsNotChosen() {
    let logits: [Float] = [.nan, -1, .nan, -3, -.infinity, -2, .nan]
    for temperature: Float in [0, 1, 1000] {
      let sampler = TestSampler(logits, Self.options(temperature))
      for _ in 0..<500 { #expect([1, 3, 5].contains(sampler.next()!)) }
    }
  }

  // MARK: The generator

  /// The test vectors of Rust's rand_xoshiro and of splitmix64's own author.
  @Test func generatorIsXoshiro() {
    var generator = Sampler.Generator(seed: 0)
    let seeded = generator.state
    #expect(
      (0..<4).map { seeded[$0] }
        == [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F, 0xF88B_B8A8_724C_81EC])
    generator.state = [1, 2, 3, 4]
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
      16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    #expect((0..<10).map { _ in generator.next() } == expected)
    for _ in 0..<1000 { #expect((0..<1).contains(generator.nextUnit())) }
  }

  @Test func sameSeedSameTokens() {
    let logits = Self.logits(200, seed: 1)
    func draws(_ seed: UInt64) -> [Int32] {
      let sampler = TestSampler(logits, Self.options(1, seed: seed))
      return (0..<100).map { _ in sampler.next()! }
    }
    #expect(draws(7) == draws(7))
    #expect(draws(7) != draws(8))
  }
}
