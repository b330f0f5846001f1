import CMartletKernels
import Foundation
import Martlet
import MartletTestSupport
import Testing

@testable import MartletConvert

/// `convert --weights int4 --calibration TEXT`.
@Suite struct CalibrationTests {
  /// The byte tokenizer makes a token of nearly every byte.
  private static func text(_ bytes: Int = 3000, chunks: Int = 8) throws -> CalibrationText {
    let words = ["the", "river", "and", "a", "mill", "under", "grey", "hills", "turned", "slowly"]
    var state: UInt64 = 9
    var text = ""
    while text.utf8.count < bytes {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text += words[Int(state >> 33) % words.count] + " "
    }
    return try CalibrationText(Array(text.utf8.prefix(bytes)), name: "river.txt", chunks: chunks)
  }

  private static func options(_ head: LanguageWeights?, _ text: CalibrationText?) -> LanguageConversionOptions {
    var options = LanguageConversionOptions()
    options.weights = .int4
    options.head = head
    options.calibration = text
    return options
  }

  @Test(arguments: [nil, LanguageWeights.int4]) func fileNamesItsText(_ head: LanguageWeights?) throws {
    let text = try Self.text()
    let (bytes, summary) = try LanguageConverter.convert(
      SyntheticLanguageModel.llama(), options: Self.options(head, text))
    #expect(summary.calibrationTokens == 5 * 512)
    let section = try #require(TestFile.section(.provenance, in: bytes))
    let lines = String(decoding: bytes[section], as: UTF8.self)
    #expect(lines.contains("calibration-sha256: \(SHA256.hexDigest(of: text.bytes))\n"))
    #expect(lines.contains("calibration: river.txt, 2560 tokens\n"))
    #expect(lines.contains("rounding: GPTQ"))
    let plain = try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: Self.options(head, nil))
    #expect(plain.bytes.count < bytes.count + 200 && plain.bytes.count > bytes.count - 200)
    #expect(plain.summary.notes.contains { $0.contains("--calibration") })
    #expect(!summary.notes.contains { $0.contains("--calibration") })
    let fewer = try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: Self.options(.int4, nil))
    #expect(fewer.summary.bitsPerWeight < plain.summary.bitsPerWeight || head == .int4)
  }

  @Test func sameBytesInEveryRun() throws {
    let options = Self.options(.int4, try Self.text())
    let first = try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: options).bytes
    #expect(try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: options).bytes == first)
  }

  /// Hidden channels' last stage: the logits behind each token of the text are closer to float's.
  @Test func resultsComeCloserToFloat() throws {
    let source = SyntheticLanguageModel.llama()
    let text = try Self.text()
    let ids = try text.parts(source, context: 512)[0]
    func logits(_ options: LanguageConversionOptions) throws -> [Float] {
      let path = NSTemporaryDirectory() + "martlet-calibration-\(UUID().uuidString).martlet"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try Data(LanguageConverter.convert(source, options: options).bytes).write(to: URL(fileURLWithPath: path))
      let bytes = try LanguageRunner(path: path, options: LanguageOptions(contextLength: 512, isCacheFloat: true))
        .logits(behind: ids)
      return bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    var exact = LanguageConversionOptions()
    exact.weights = .f32
    let expected = try logits(exact)
    func error(_ found: [Float]) -> Double {
      zip(found, expected).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    let plain = error(try logits(Self.options(nil, nil)))
    let fitted = error(try logits(Self.options(nil, text)))
    #expect(fitted < 0.8 * plain, "\(fitted), \(plain)")
  }

  @Test func badTextsAreRefused() throws {
    #expect(throws: ConversionError(.badData, "x.txt: is not UTF-8")) {
      try CalibrationText([0x41, 0xFF, 0x42], name: "x.txt")
    }
    let short = try Self.text(200)
    #expect(throws: ConversionError.self) {
      try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: Self.options(nil, short))
    }
    let whole = try Self.text()
    #expect(throws: ConversionError.self) {
      try LanguageConverter.convert(
        SyntheticLanguageModel.llama(tokenizer: nil), options: Self.options(nil, whole))
    }
    var other = Self.options(nil, whole)
    other.weights = .int8
    #expect(throws: ConversionError(.badRequest, "--calibration is for --weights int4 only")) {
      try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: other)
    }
    #expect(throws: ConversionError(.badRequest, "--head f32: must be int8 or int4")) {
      try LanguageConverter.convert(SyntheticLanguageModel.llama(), options: Self.options(.f32, nil))
    }
  }
}
