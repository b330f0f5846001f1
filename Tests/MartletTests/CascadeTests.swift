import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

/// Cascades give the bits of the same operators one after another.
@Suite struct CascadeTests {
  private func output(
    _ file: [UInt8], threads: Int = 1, isa: martlet_isa = MARTLET_ISA_SCALAR, limit: Int64 = .max
  ) throws -> [UInt8] {
    var test = try TestEngine(file, threads: threads, isa: isa)
    let team = TestTeam(threads: threads)
    test.fillInput(5)
    while !test.engine.step(on: team.team, limit: limit) {}
    #expect(test.region.isIntact)
    return test.output
  }

  @Test func sameBitsOnEveryInstructionSetAndThreadCount() throws {
    var cascades = 0
    for seed in UInt64(0)..<40 {
      let model = CascadeModel(seed: seed)
      let expected = try output(model.whole)
      for stripRows in 1...3 {
        for slack in 0...1 {
          guard let file = model.cascade(stripRows: stripRows, slack: slack) else { continue }
          cascades += 1
          for isa in availableInstructionSets {
            for threads in [1, 2, 3, 8] {
              #expect(
                try output(file, threads: threads, isa: isa) == expected,
                "seed \(seed), strips of \(stripRows), \(slack) more, isa \(isa.rawValue), \(threads) threads")
            }
          }
        }
      }
    }
    #expect(cascades > 100)
  }

  /// Many more threads than processors: whoever waits is woken.
  @Test func anyNumberOfThreads() throws {
    for seed in UInt64(100)..<104 {
      let model = CascadeModel(seed: seed)
      guard let file = model.cascade(stripRows: 1) else { continue }
      let expected = try output(model.whole)
      for threads in [16, 64] {
        var test = try TestEngine(file, threads: threads)
        let team = TestTeam(threads: threads)
        for _ in 0..<40 {
          test.fillInput(5)
          test.engine.run(on: team.team)
          #expect(test.output == expected)
        }
      }
    }
  }

  @Test func stepsOfAnySizeGiveTheSameBits() throws {
    for seed in UInt64(200)..<215 {
      let model = CascadeModel(seed: seed)
      guard let file = model.cascade(stripRows: 2) else { continue }
      let expected = try output(model.whole)
      for limit in [Int64(1), 500, 20_000, 1_000_000] {
        for threads in [1, 2] {
          #expect(try output(file, threads: threads, isa: martlet_best_isa(), limit: limit) == expected)
        }
      }
    }
  }

  /// Steps on teams of different sizes, another model between them, and an inference that is given up.
  @Test func twoModelsInterleavedAndOneRestarted() throws {
    let models = [CascadeModel(seed: 301), CascadeModel(seed: 302)]
    let files = try models.map { try #require($0.cascade(stripRows: 1, slack: 1)) }
    let expected = try models.map { try output($0.whole) }
    let large = TestTeam(threads: 3)
    let small = TestTeam(threads: 1)
    var a = try TestEngine(files[0], threads: 3)
    var b = try TestEngine(files[1], threads: 3)
    for round in 0..<20 {
      a.fillInput(77)
      for _ in 0..<round { _ = a.engine.step(on: large.team, limit: Int64(100 * round)) }
      a.engine.restart()
      a.fillInput(5)
      b.fillInput(5)
      var doneA = false
      var doneB = false
      var turn = 0
      while !doneA || !doneB {
        turn += 1
        if !doneA, turn % 2 == 0 { doneA = a.engine.step(on: large.team, limit: 3000) }
        if !doneA, turn % 2 == 1 { doneA = a.engine.step(on: small.team, limit: 3000) }
        if !doneB { doneB = b.engine.step(on: large.team, limit: Int64(1000 * (round + 1))) }
      }
      #expect(a.output == expected[0])
      #expect(b.output == expected[1])
    }
  }

  /// Profiles and comparisons see every tensor whole.
  @Test func withoutCascadesEveryTensorIsWhole() throws {
    var rings = 0
    for seed in UInt64(400)..<415 {
      let model = CascadeModel(seed: seed)
      guard let file = model.cascade(stripRows: 1) else { continue }
      var plain = try TestEngine(model.whole)
      let memory = TestMemory(copying: file)
      let budget = try Engine.budget(of: memory.view, threads: 1, runsCascades: false)
      let region = TestMemory(budget.arenaBytes)
      var engine = try Engine(
        file: memory.view, region: region.bytes, threads: 1, runsCascades: false, isa: martlet_best_isa())
      let team = TestTeam(threads: 1)
      plain.fillInput(9)
      engine.bytes(ofInput: 0).copyMemory(from: UnsafeRawBufferPointer(plain.engine.bytes(ofInput: 0)))
      for index in 0..<engine.operatorCount {
        plain.engine.runOperator(index, on: team.team)
        engine.runOperator(index, on: team.team)
      }
      for index in 0..<engine.tensorCount {
        #expect(engine.bytes(ofTensor: index).elementsEqual(plain.engine.bytes(ofTensor: index)), "tensor \(index)")
      }
      #expect(region.isIntact)
      rings += try TestEngine(file).engine.budget.plannedPeakBytes < budget.plannedPeakBytes ? 1 : 0
    }
    #expect(rings > 5)
  }

  @Test func budgetIsExactToTheByte() throws {
    let file = TestMemory(copying: try #require(CascadeModel(seed: 500).cascade(stripRows: 2)))
    for threads in [1, 4] {
      let budget = try Engine.budget(of: file.view, threads: threads)
      #expect(
        budget.arenaBytes
          == budget.tableBytes + budget.plannedPeakBytes + threads * budget.scratchBytesPerThread)
      let region = TestMemory(budget.arenaBytes)
      _ = try Engine(file: file.view, region: region.bytes, threads: threads, isa: MARTLET_ISA_SCALAR)
      let small = UnsafeMutableRawBufferPointer(rebasing: region.bytes[..<(budget.arenaBytes - 64)])
      #expect(throws: ModelError.self) {
        _ = try Engine(file: file.view, region: small, threads: threads, isa: MARTLET_ISA_SCALAR)
      }
    }
  }
}
