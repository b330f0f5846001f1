import Foundation
import Martlet
import MartletDevice
import Testing

@testable import MartletConvert

/// Files with cascades: what they need, and that they give the bits of the same file without.
@Suite struct CascadeFileTests {
  private static func source() throws -> [UInt8] {
    try ShippedModelTests.bytes("resnet8-cifar10/resnet8-cifar10.tflite")
  }

  private static func converted(
    _ source: [UInt8], _ name: String, limit: Int? = nil, hasCascades: Bool = true
  ) throws(ConversionError) -> Conversion {
    var options = ConversionOptions()
    options.plan.arenaLimit = limit
    options.plan.hasCascades = hasCascades
    return try Converter.convert(source, name: name, options: options)
  }

  /// The least arena that a refusal names.
  private static func least(_ source: [UInt8], _ name: String, hasCascades: Bool = true) throws -> Int {
    let error = #expect(throws: ConversionError.self) {
      try converted(source, name, limit: 1, hasCascades: hasCascades)
    }
    let line = try #require(error?.lines.first)
    #expect(error?.lines.count == 1 && error?.kind == .badRequest && line.contains("1 bytes is too small"))
    return try #require(Int(line.split(separator: " ").dropLast().last ?? ""))
  }

  private static func input(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  @Test func aLimitIsMetOrTheLeastIsNamed() throws {
    let source = try Self.source()
    let usual = try Self.converted(source, "m.tflite").summary
    let least = try Self.least(source, "m.tflite")
    let whole = try Self.least(source, "m.tflite", hasCascades: false)
    #expect(least < usual.arenaBytes && whole >= usual.arenaBytes)
    #expect(throws: ConversionError.self) { try Self.converted(source, "m.tflite", limit: least - 1) }
    for limit in [least, least + 1000, (least + usual.arenaBytes) / 2, usual.arenaBytes - 1] {
      let summary = try Self.converted(source, "m.tflite", limit: limit).summary
      #expect(summary.arenaBytes <= limit && summary.cascadeCount > 0)
      #expect(summary.lowerBoundBytes < summary.wholeLowerBoundBytes)
    }
    // A limit above what is needed changes nothing.
    let roomy = try Self.converted(source, "m.tflite", limit: usual.arenaBytes)
    #expect(roomy.bytes == (try Self.converted(source, "m.tflite").bytes))
  }

  @Test func bitsAreTheSameWithAndWithout() throws {
    let source = try Self.source()
    let whole = try Self.converted(source, "m.tflite", hasCascades: false)
    #expect(whole.summary.cascadeCount == 0)
    let least = try Self.least(source, "m.tflite")
    for limit in [least, least + 4000] {
      let cut = try Self.converted(source, "m.tflite", limit: limit).bytes
      #expect(cut != whole.bytes)
      for seed in 1...3 {
        let input = Self.input(32 * 32 * 3, seed: UInt64(seed))
        let expected = try ModelRunner(file: whole.bytes).run([input])
        for threads in [1, 2, 4] { #expect(try ModelRunner(file: cut, threads: threads).run([input]) == expected) }
        #expect(try ModelRunner(file: cut, runsCascades: false).run([input]) == expected)
      }
    }
  }

  @Test func observedTensorsAreThoseOfWholeOnes() throws {
    let source = try Self.source()
    func tensors(_ file: [UInt8]) throws -> [String: [Int8]] {
      let device = try DeviceModel(file, name: "m", runsCascades: false)
      device.setPicture(Self.input(32 * 32 * 3, seed: 1), channels: 3)
      var seen: [String: [Int8]] = [:]
      device.runObserved { seen[$0.name] = $0.integers }
      return seen
    }
    let whole = try tensors(Self.converted(source, "m.tflite", hasCascades: false).bytes)
    let cut = try Self.converted(source, "m.tflite", limit: Self.least(source, "m.tflite")).bytes
    #expect(whole.count > 10)
    #expect(try tensors(cut) == whole)
  }

  @Test func theMapOfTheArenaShowsRings() throws {
    let source = try Self.source()
    let cut = try Self.converted(source, "m.tflite", limit: Self.least(source, "m.tflite"))
    let file = UnsafeMutableRawBufferPointer.allocate(byteCount: cut.bytes.count, alignment: 64)
    defer { file.deallocate() }
    file.copyBytes(from: cut.bytes)
    let view = UnsafeRawBufferPointer(file)
    let region = UnsafeMutableRawBufferPointer.allocate(
      byteCount: try ModelDescription.byteCount(of: view), alignment: 64)
    defer { region.deallocate() }
    let model = try ModelDescription(file: view, region: region, threads: 1)
    #expect(model.cascadeCount == cut.summary.cascadeCount)
    let map = ArenaMap(model)
    let sums = (0..<map.operatorCount).map { time in
      map.boxes.filter { $0.first <= time && time <= $0.last }.reduce(0) { $0 + Lifetimes.aligned($1.byteCount) }
    }
    let operators = (0..<model.cascadeCount).flatMap { Array(model.operators(ofCascade: $0)) }
    #expect(operators.map { sums[$0] }.max() == cut.summary.lowerBoundBytes)
    for (index, box) in map.boxes.enumerated() {
      for other in map.boxes[(index + 1)...] where operators.contains(max(box.first, other.first)) {
        let isApart = box.offset + box.byteCount <= other.offset || other.offset + other.byteCount <= box.offset
        #expect(isApart || box.last < other.first || other.last < box.first, "\(box) and \(other)")
      }
    }
  }

  @Test(
    .enabled(if: Corpus.isThere),
    arguments: [
      "mobilenet_v2_1.0_224_quant.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite",
      "efficientnet_lite0_int8_qdq.onnx",
    ])
  func wideTensorsNeverExistWhole(model: String) throws {
    let source = try Corpus.bytes("models/\(model)")
    let cut = try Self.converted(source, model)
    #expect(cut.summary.plannedPeakBytes <= 330_000)
    #expect(cut.summary.arenaBytes <= 400_000)
    #expect(cut.summary.wholeLowerBoundBytes == 1_505_280)
    let input = Self.input(224 * 224 * 3 * (model.hasSuffix("onnx") ? 4 : 1), seed: 7).map { $0 & 0x3F }
    let expected = try ModelRunner(file: cut.bytes, runsCascades: false).run([input])
    #expect(try ModelRunner(file: cut.bytes).run([input]) == expected)
  }
}
