import Foundation
import Martlet

/// A text whose tokens show which errors of a language model's weights matter.
public struct CalibrationText: Sendable {
  /// Tokens of a part that is evaluated from an empty cache, as in `Perplexity`.
  static let chunk = 512
  public static let defaultChunks = 32
  /// Less says too little about a few hundred columns.
  static let leastTokens = 1024

  public let name: String
  let bytes: [UInt8]
  public let sha256: String
  /// Parts at most, spread evenly over the text. They bound the time: each runs through every layer twice.
  public let chunks: Int

  /// - Parameter name: for messages and provenance.
  public init(_ bytes: [UInt8], name: String, chunks: Int = defaultChunks) throws(ConversionError) {
    guard chunks >= 1 else { throw ConversionError(.badRequest, "--calibration-chunks must be at least 1") }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .badData("\(printable(name)): is not UTF-8") }
    self.name = printable(name)
    self.bytes = bytes
    self.chunks = chunks
    sha256 = SHA256.hexDigest(of: bytes)
  }

  /// How int4 weights were rounded, for the section `provenance`.
  static func provenance(_ text: CalibrationText?, _ tokens: Int?) -> [String] {
    guard let text else { return ["rounding: nearest, scales by least squares"] }
    return [
      "rounding: GPTQ, damping \(CalibratedRounding.damping)", "calibration: \(text.name), \(tokens ?? 0) tokens",
      "calibration-sha256: \(text.sha256)",
    ]
  }

  /// The parts' ids, all of one length.
  func parts(_ source: any LanguageSource, context: Int) throws(ConversionError) -> [[Int32]] {
    guard let tokenizer = source.tokenizer else {
      throw ConversionError(.badRequest, "\(source.name): has no tokenizer, so a calibration text cannot be read")
    }
    let section = try tokenizer.section()
    let length = min(CalibrationText.chunk, context)
    let bytes = bytes
    let ids = try section.withUnsafeBufferPointer { (raw) throws(ConversionError) in
      let opened: Tokenizer
      do throws(ModelError) { opened = try Tokenizer(UnsafeRawBufferPointer(raw)) } catch {
        throw .badData("\(source.name): the tokenizer is damaged")
      }
      return try opened.ids(of: bytes, name: source.name)
    }
    guard ids.count >= CalibrationText.leastTokens else {
      throw .badData("\(name): has \(ids.count) tokens; calibration needs at least \(CalibrationText.leastTokens)")
    }
    let available = ids.count / length
    let count = min(chunks, available)
    let beginning = tokenizer.addsBeginning ? tokenizer.beginning : nil
    return (0..<count).map { index in
      let first = index * available / count * length
      var part = Array(ids[first..<first + length])
      if let beginning { part[0] = Int32(beginning) }
      return part
    }
  }
}

extension Tokenizer {
  /// The ids of a whole text.
  func ids(of text: [UInt8], name: String) throws(ConversionError) -> [Int32] {
    let work = UnsafeMutableRawBufferPointer.allocate(byteCount: workBytes(textBytes: text.count), alignment: 64)
    defer { work.deallocate() }
    var ids = [Int32](repeating: 0, count: 3 * text.count + 2)
    var count = 0
    do throws(TokenizerError) {
      count = try text.withUnsafeBufferPointer { (text) throws(TokenizerError) in
        try ids.withUnsafeMutableBufferPointer { (ids) throws(TokenizerError) in
          try encode(UnsafeRawBufferPointer(text), parsesSpecial: false, isStart: true, work: work, into: ids)
        }
      }
    } catch {
      throw .badData("\(name): the tokenizer is damaged")
    }
    return Array(ids[..<count])
  }
}
