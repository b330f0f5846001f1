import CMartletKernels
import Foundation
import MartletTestSupport

@testable import Martlet

/// The model that ships.
let shippedModel: [UInt8] = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let path = root.appendingPathComponent("Models/resnet8-cifar10/resnet8-cifar10.martlet")
  return [UInt8](FileManager.default.contents(atPath: path.path)!)
}()

/// An engine with all that must outlive it.
struct TestEngine: ~Copyable {
  let file: TestMemory
  let region: TestMemory
  var engine: Engine

  init(_ model: [UInt8] = shippedModel, threads: Int = 1, isa: martlet_isa = martlet_best_isa()) throws {
    let file = TestMemory(copying: model)
    let view = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.bytes)[..<model.count])
    let budget = try Engine.budget(of: view, threads: threads)
    let region = TestMemory(budget.arenaBytes)
    let engine = try Engine(
      file: view, region: .init(rebasing: region.bytes[..<budget.arenaBytes]), threads: threads, isa: isa)
    self.file = file
    self.region = region
    self.engine = engine
  }

  /// A picture-like input that depends on `seed`.
  func fillInput(_ seed: UInt64) {
    var random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    let input = engine.bytes(ofInput: 0)
    for index in input.indices {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      input[index] = UInt8(truncatingIfNeeded: random >> 24)
    }
  }

  var output: [UInt8] { [UInt8](engine.bytes(ofTensor: Int(engine.manifest.outputs[0].tensor))) }
}

/// A team with its memory.
struct TestTeam: ~Copyable {
  let region: TestMemory
  let team: Team

  init(threads: Int) {
    region = TestMemory(Team.byteCount(threads: threads), filledWith: 0)
    team = Team(threads: threads, region: region.bytes)
  }
}

let availableInstructionSets = (0..<MARTLET_ISA_COUNT.rawValue).map { martlet_isa(rawValue: $0) }
  .filter { martlet_kernels_for($0) != nil }
