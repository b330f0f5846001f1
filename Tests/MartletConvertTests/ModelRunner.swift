import CMartletKernels
import Foundation
import Martlet
import Testing

@testable import MartletConvert

/// Runs a converted model on raw tensors in the source model's own types.
struct ModelRunner {
  let file: [UInt8]
  var threads = 1
  var runsCascades = true

  /// One tensor in, all tensors out; int8, uint8 and index tensors.
  func run(_ inputs: [[UInt8]], isa: martlet_isa = martlet_best_isa()) throws -> [[UInt8]] {
    let mapped = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 64)
    defer { mapped.deallocate() }
    mapped.copyBytes(from: file)
    let view = UnsafeRawBufferPointer(mapped)
    let budget = try Engine.budget(of: view, threads: threads, runsCascades: runsCascades)
    let region = UnsafeMutableRawBufferPointer.allocate(byteCount: budget.arenaBytes, alignment: 64)
    defer { region.deallocate() }
    // What the arena holds beforehand must not matter.
    for index in region.indices { region[index] = 0xA5 }
    let teamBytes = Team.byteCount(threads: threads)
    let teamRegion = UnsafeMutableRawBufferPointer.allocate(byteCount: max(64, teamBytes), alignment: 64)
    defer { teamRegion.deallocate() }
    teamRegion.initializeMemory(as: UInt8.self, repeating: 0)

    var engine = try Engine(
      file: view, region: region, threads: threads, runsCascades: runsCascades, isa: isa)
    let team = Team(threads: threads, region: teamRegion)
    let manifest = engine.manifest
    for (index, bytes) in inputs.enumerated() {
      let boundary = manifest.inputs[index]
      let tensor = engine.bytes(ofInput: index)
      let held = engine.tensor(Int(boundary.tensor)).type
      if boundary.type == ElementType.float32.rawValue, held == ElementType.int8.rawValue {
        for (place, real) in floats(bytes).enumerated() {
          let steps = (real / boundary.scale).rounded(.toNearestOrAwayFromZero)
          tensor[place] = UInt8(bitPattern: Int8(max(-128, min(127, steps + Float(boundary.zeroPoint)))))
        }
      } else {
        precondition(tensor.count == bytes.count)
        tensor.copyBytes(from: boundary.type == ElementType.uint8.rawValue ? bytes.map { $0 ^ 0x80 } : bytes)
      }
    }
    engine.run(on: team)
    return (0..<Int(manifest.outputCount)).map { index in
      let boundary = manifest.outputs[index]
      let bytes = Array(engine.bytes(ofTensor: Int(boundary.tensor)))
      if boundary.type == ElementType.uint8.rawValue { return bytes.map { $0 ^ 0x80 } }
      guard boundary.type == ElementType.float32.rawValue,
        engine.tensor(Int(boundary.tensor)).type == ElementType.int8.rawValue
      else { return bytes }
      return bytes.flatMap { byte in
        let real = Float(Int32(Int8(bitPattern: byte)) - boundary.zeroPoint) * boundary.scale
        return withUnsafeBytes(of: real) { Array($0) }
      }
    }
  }

  private func floats(_ bytes: [UInt8]) -> [Float] {
    ArraySlice(bytes).integers(of: UInt32.self).map { Float(bitPattern: $0) }
  }
}

/// Real models and results beside the checkout; tests that need them are skipped where they are not.
enum Corpus {
  static let directory: URL? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let corpus = root.appendingPathComponent("../shared/corpus").standardizedFileURL
    return FileManager.default.fileExists(atPath: corpus.path) ? corpus : nil
  }()

  static var isThere: Bool { directory != nil }

  static func bytes(_ path: String) throws -> [UInt8] {
    let directory = try #require(Corpus.directory)
    return [UInt8](try Data(contentsOf: directory.appendingPathComponent(path)))
  }
}
