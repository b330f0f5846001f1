import CMartletKernels
import MartletTestSupport
import Testing

@testable import Martlet

struct EngineTests {
  private func reference(_ seed: UInt64) throws -> [UInt8] {
    var test = try TestEngine(isa: MARTLET_ISA_SCALAR)
    let team = TestTeam(threads: 1)
    test.fillInput(seed)
    test.engine.run(on: team.team)
    return test.output
  }

  @Test func sameBitsOnEveryInstructionSetAndThreadCount() throws {
    for seed in UInt64(1)...4 {
      let expected = try reference(seed)
      for isa in availableInstructionSets {
        for threads in [1, 2, 3] {
          var test = try TestEngine(threads: threads, isa: isa)
          let team = TestTeam(threads: threads)
          test.fillInput(seed)
          test.engine.run(on: team.team)
          #expect(test.output == expected, "isa \(isa.rawValue), \(threads) threads")
        }
      }
    }
  }

  @Test func stepsOfAnySizeGiveTheSameBits() throws {
    let expected = try reference(7)
    for limit in [Int64(1), 1000, 100_000, 3_000_000] {
      var test = try TestEngine(threads: 2)
      let team = TestTeam(threads: 2)
      test.fillInput(7)
      var steps = 1
      while !test.engine.step(on: team.team, limit: limit) { steps += 1 }
      #expect(test.output == expected)
      // A step does at least one unit and ends within one unit of its limit.
      #expect(steps <= 1 + Int(12_501_632 * 2 / limit) + 200)
      if limit == 1 { #expect(steps > test.engine.operatorCount) }
    }
  }

  /// A frame with a deadline goes ahead of another model's work between any two steps.
  @Test func twoModelsInterleavedOnOneTeam() throws {
    let expectedA = try reference(11)
    let expectedB = try reference(12)
    #expect(expectedA != expectedB)
    for threads in [1, 2, 3] {
      var a = try TestEngine(threads: threads)
      var b = try TestEngine(threads: threads)
      let team = TestTeam(threads: threads)
      for round in 0..<5 {
        a.fillInput(11)
        b.fillInput(12)
        var doneA = false
        var doneB = false
        while !doneA || !doneB {
          if !doneA { doneA = a.engine.step(on: team.team, limit: 300_000) }
          if !doneB { doneB = b.engine.step(on: team.team, limit: Int64(50_000 * (round + 1))) }
        }
        #expect(a.output == expectedA)
        #expect(b.output == expectedB)
      }
    }
  }

  @Test func noUnitIsLong() throws {
    let test = try TestEngine()
    for index in 0..<test.engine.operatorCount {
      #expect(test.engine.unitWork(ofOperator: index) <= 1 << 20)
    }
  }

  @Test func restartForgetsTheInferenceUnderWay() throws {
    let expected = try reference(3)
    var test = try TestEngine()
    let team = TestTeam(threads: 1)
    test.fillInput(4)
    _ = test.engine.step(on: team.team, limit: 500_000)
    test.engine.restart()
    test.fillInput(3)
    test.engine.run(on: team.team)
    #expect(test.output == expected)
  }

  @Test func budgetIsExactToTheByte() throws {
    let file = TestMemory(copying: shippedModel)
    let view = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.bytes)[..<shippedModel.count])
    for threads in [1, 2, 5] {
      let budget = try Engine.budget(of: view, threads: threads)
      #expect(
        budget.arenaBytes
          == budget.tableBytes + budget.plannedPeakBytes + threads * budget.scratchBytesPerThread)
      let region = TestMemory(budget.arenaBytes)
      _ = try Engine(
        file: view, region: .init(rebasing: region.bytes[..<budget.arenaBytes]), threads: threads,
        isa: MARTLET_ISA_SCALAR)
      // One byte less is refused, with the number that would do.
      do throws(ModelError) {
        _ = try Engine(
          file: view, region: .init(rebasing: region.bytes[..<(budget.arenaBytes - 64)]), threads: threads,
          isa: MARTLET_ISA_SCALAR)
        Issue.record("a region that is too small was accepted")
      } catch {
        #expect(error.kind == .arenaTooSmall)
      }
    }
  }

  /// What can be filled lies in the region; weights are only shown, where the file is mapped.
  @Test func nothingLeadsToTheWeightsButToReadThem() throws {
    let test = try TestEngine()
    func lies(_ bytes: UnsafeRawBufferPointer, in memory: TestMemory) -> Bool {
      let start = UInt(bitPattern: memory.bytes.baseAddress), place = UInt(bitPattern: bytes.baseAddress)
      return place >= start && place + UInt(bytes.count) <= start + UInt(memory.bytes.count)
    }
    for index in 0..<test.engine.inputCount {
      let bytes = test.engine.bytes(ofInput: index)
      #expect(lies(UnsafeRawBufferPointer(bytes), in: test.region))
      let tensor = Int(test.engine.manifest.inputs[index].tensor)
      #expect(UnsafeRawPointer(bytes.baseAddress) == test.engine.bytes(ofTensor: tensor).baseAddress)
    }
    let weights = TensorStorage.weights.rawValue
    let constants = (0..<test.engine.tensorCount).filter { test.engine.tensor($0).storage == weights }
    #expect(constants.count > 5)
    for tensor in constants { #expect(lies(test.engine.bytes(ofTensor: tensor), in: test.file)) }

    // A file that calls such a tensor its input, or its output, is refused.
    let manifest = try #require(TestFile.section(.manifest, in: shippedModel)).lowerBound
    for (field, place) in [(\ManifestRecord.inputs, ModelError.Place.input), (\.outputs, .output)] {
      let file = TestMemory(copying: shippedModel)
      let offset = manifest + MemoryLayout<ManifestRecord>.offset(of: field)!
      file.bytes.storeBytes(of: UInt32(constants[0]), toByteOffset: offset, as: UInt32.self)
      FileRepair.repairHashes(file.bytes)
      do throws(ModelError) {
        _ = try Engine.budget(of: file.view, threads: 1)
        Issue.record("an \(place) in the weights was accepted")
      } catch {
        #expect(error.place == place)
        #expect("\(error.field)" == "storage")
      }
    }
  }

  @Test func misalignedRegionIsRefused() throws {
    let file = TestMemory(copying: shippedModel)
    let view = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.bytes)[..<shippedModel.count])
    let region = TestMemory(1 << 20)
    do throws(ModelError) {
      _ = try Engine(file: view, region: .init(rebasing: region.bytes[8...]), threads: 1, isa: MARTLET_ISA_SCALAR)
      Issue.record("a misaligned region was accepted")
    } catch {
      #expect(error.kind == .arenaMisaligned)
    }
  }

  @Test func topScoresAreSortedAndStable() throws {
    let test = try TestEngine()
    let boundary = test.engine.manifest.outputs[0]
    let values = UnsafeMutableRawBufferPointer(mutating: test.engine.bytes(ofTensor: Int(boundary.tensor)))
      .bindMemory(to: Int8.self)
    let scores: [Int8] = [5, -128, 127, 5, 0, 127, -1, 5, 90, 1]
    for (index, score) in scores.enumerated() { values[index] = score }
    let expected = [2, 5, 8, 0, 3, 7, 9, 4, 6, 1]
    for k in [1, 3, 10, 14] {
      let buffer = UnsafeMutableBufferPointer<Score>.allocate(capacity: k)
      defer { buffer.deallocate() }
      #expect(test.engine.topScores(into: buffer) == min(k, 10))
      #expect(buffer.prefix(min(k, 10)).map(\.index) == Array(expected.prefix(k)))
      #expect(buffer[0].real == Float(127 - boundary.zeroPoint) * boundary.scale)
    }
  }
}
