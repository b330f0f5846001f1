import Foundation
import Martlet
import Testing

@testable import MartletConvert

/// Converted models against the tensors that the reference kernels gave.
@Suite struct GoldenTests {
  @Test(
    .enabled(if: Corpus.isThere),
    arguments: [
      "pretrainedResnet_quant", "kws_ref_model", "vww_96_int8", "ad01_int8", "micro_kws_m_quantized", "person_detect",
      "mobilenet_v1_0.25_128_quant", "mobilenet_v1_0.5_160_quant", "mobilenet_v2_1.0_224_quant",
      "tf2_mobilenet_v2_1.0_224_ptq",
    ])
  func goldens(model: String) throws {
    let conversion = try Converter.convert(try Corpus.bytes("models/\(model).tflite"), name: "\(model).tflite")
    let summary = conversion.summary
    #expect(Double(summary.plannedPeakBytes) <= 1.05 * Double(summary.lowerBoundBytes))
    let runner = ModelRunner(file: conversion.bytes)
    for index in 0..<2 {
      let input = try Corpus.bytes("golden/\(model)/\(index).in.bin")
      let expected = try Corpus.bytes("golden/\(model)/\(index).out0.bin")
      let outputs = try runner.run([input])
      let differing = zip(outputs[0], expected).filter { $0 != $1 }.count
      #expect(outputs[0].count == expected.count && differing == 0, "\(model) \(index): \(differing) bytes differ")
    }
  }

  @Test(.enabled(if: Corpus.isThere))
  func layersConvert() throws {
    let directory = try #require(Corpus.directory).appendingPathComponent("layers")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".tflite") }
    #expect(names.count == 70)
    for name in names.sorted() {
      let conversion = try Converter.convert(try Corpus.bytes("layers/\(name)"), name: name)
      #expect(conversion.summary.plannedPeakBytes == conversion.summary.lowerBoundBytes, "\(name)")
    }
  }
}
