import CMartletKernels
import Foundation
import Martlet
import MartletDevice

/// A finished file, run by the very engine of the device; one thread each.
final class DeviceModel {
  private let file: UnsafeMutableRawBufferPointer
  private let region: UnsafeMutableRawBufferPointer
  private let teamRegion: UnsafeMutableRawBufferPointer
  private var engine: Engine
  private let team: Team

  /// - Parameter runsCascades: false lets every tensor exist whole, to be looked at.
  init(_ bytes: [UInt8], name: String, runsCascades: Bool = true) throws(ConversionError) {
    let alignment = ModelFormat.alignment
    file = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: alignment)
    file.copyBytes(from: bytes)
    let view = UnsafeRawBufferPointer(rebasing: file[0..<bytes.count])
    do throws(ModelError) {
      try Engine.verify(file: view)
      let budget = try Engine.budget(of: view, threads: 1, runsCascades: runsCascades)
      region = UnsafeMutableRawBufferPointer.allocate(byteCount: max(budget.arenaBytes, 1), alignment: alignment)
      engine = try Engine(
        file: view, region: region, threads: 1, runsCascades: runsCascades, isa: martlet_best_isa())
    } catch {
      throw .badData("\(name): \(error.sentence(look: ModelFile.Look(view)))")
    }
    let teamBytes = max(Team.byteCount(threads: 1), alignment)
    teamRegion = UnsafeMutableRawBufferPointer.allocate(byteCount: teamBytes, alignment: alignment)
    teamRegion.initializeMemory(as: UInt8.self, repeating: 0)
    team = Team(threads: 1, region: teamRegion)
  }

  deinit {
    file.deallocate()
    region.deallocate()
    teamRegion.deallocate()
  }

  // MARK: - What it is

  /// How its pictures are fitted; nil if it takes none.
  var fit: PictureFit? {
    let manifest = engine.manifest
    guard engine.pixels != nil, manifest.task == ModelTask.classification.rawValue else { return nil }
    let record = engine.tensor(Int(manifest.inputs[0].tensor))
    return PictureFit(
      width: Int(record.dims[2]), height: Int(record.dims[1]), channels: Int(record.dims[3]),
      policy: ResizePolicy(rawValue: manifest.resizePolicy) ?? .crop, shorterSide: Int(manifest.shorterSide))
  }

  var labels: [String] {
    (0..<engine.labelCount).map { String(decoding: engine.label($0), as: UTF8.self) }
  }

  /// `key: value` lines.
  var provenance: [String: String] {
    var result: [String: String] = [:]
    for line in String(decoding: engine.provenance, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      result[String(line[..<colon])] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return result
  }

  var arenaBytes: Int { engine.budget.arenaBytes }

  func arenaMapSVG(title: String) -> String { ArenaMap(engine).svg(title: title) }

  // MARK: - Running

  func setPicture(_ picture: [UInt8], channels: Int) {
    guard let table = engine.pixels else { return }
    let input = engine.bytes(ofInput: 0).bindMemory(to: Int8.self)
    precondition(input.count == picture.count)
    for (index, pixel) in picture.enumerated() { input[index] = table[index % channels * 256 + Int(pixel)] }
  }

  func scores(of picture: [UInt8], channels: Int) -> [Float] {
    setPicture(picture, channels: channels)
    engine.run(on: team)
    return scores
  }

  /// The scores of the picture that was run last, in real numbers.
  var scores: [Float] {
    let boundary = engine.manifest.outputs[0]
    let record = engine.tensor(Int(boundary.tensor))
    return engine.bytes(ofTensor: Int(boundary.tensor)).map { byte in
      Float(Int32(Int8(bitPattern: byte)) - record.zeroPoint) * record.scale
    }
  }

  /// Runs operator by operator and shows each result, once it is whole, while it is in the arena: without cascades.
  func runObserved(_ observe: (_ result: ObservedTensor) -> Void) {
    let outputs = (0..<engine.operatorCount).map { Int(engine.operatorRecord($0).output) }
    // A concatenation is written part by part.
    let lastWriter = Dictionary(zip(outputs, outputs.indices)) { $1 }
    for (index, output) in outputs.enumerated() {
      engine.runOperator(index, on: team)
      let record = engine.tensor(output)
      guard lastWriter[output] == index, record.type == ElementType.int8.rawValue else { continue }
      observe(
        ObservedTensor(
          name: String(decoding: engine.name(ofTensor: output), as: UTF8.self),
          quantization: TensorQuantization(scale: record.scale, zeroPoint: record.zeroPoint),
          bytes: engine.bytes(ofTensor: output)))
    }
  }
}

/// A tensor in the arena, just computed.
struct ObservedTensor {
  var name: String
  var quantization: TensorQuantization
  fileprivate let bytes: UnsafeRawBufferPointer

  var integers: [Int8] { bytes.map { Int8(bitPattern: $0) } }
}
