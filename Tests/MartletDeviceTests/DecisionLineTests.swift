import Foundation
import Testing

@testable import MartletDevice

/// A line written with these names and as many entries, parsed by Foundation's JSON.
private func line(
  camera: [UInt8] = Array("belt".utf8), label: [UInt8] = Array("cat".utf8), entries: Int = 2,
  bytes: Int = DecisionLine.recommendedBytes, score: Float = 0.8125, number: UInt64 = 7
) throws -> [String: Any] {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 1)
  defer { buffer.deallocate() }
  var line = DecisionLine(into: buffer)
  let text: UnsafeRawBufferPointer = camera.withUnsafeBytes { camera in
    label.withUnsafeBytes { label in
      line.begin(decision: number, camera: camera, sequence: .max, dropped: 3)
      line.times(capturedNs: 1, decidedNs: 2, actedNs: 3, wallUs: 1_795_821_622_123_456)
      line.model(camera, hash: 0x0123_4567_89AB_CDEF)
      line.beginScores(isUnknown: true)
      for index in 0..<entries { line.score(label: label, index: index, score: score, raw: -128) }
      line.endList()
      line.beginRules()
      let outcome = RuleState.Outcome(score: 1, holds: true, isFired: true, isReleased: false)
      for _ in 0..<entries { line.rule(label, outcome) }
      line.endList()
      line.beginActions()
      for _ in 0..<entries { line.action("pulse", line: label, atNs: 9, error: ENOSPC) }
      line.action("set", line: label)
      line.endList()
      return line.end()
    }
  }
  #expect(text.count <= bytes && text.last == UInt8(ascii: "\n"))
  #expect(text.dropLast().allSatisfy { $0 >= 0x20 })
  return try #require(try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
}

@Suite struct DecisionLineTests {
  @Test func holdsEverything() throws {
    let json = try line()
    #expect(json["decision"] as? Int == 7 && json["camera"] as? String == "belt" && json["dropped"] as? Int == 3)
    #expect((json["sequence"] as? NSNumber)?.uint64Value == .max)
    #expect(json["time"] as? String == "2026-11-27T23:20:22.123456Z")
    #expect(json["captured_ns"] as? Int == 1 && json["decided_ns"] as? Int == 2 && json["acted_ns"] as? Int == 3)
    #expect(json["hash"] as? String == "0123456789abcdef" && json["unknown"] as? Bool == true)
    let scores = try #require(json["scores"] as? [[String: Any]])
    #expect(scores.count == 2 && scores[1]["label"] as? String == "cat" && scores[1]["index"] as? Int == 1)
    #expect(scores[1]["score"] as? Double == 0.8125 && scores[1]["raw"] as? Int == -128)
    let rules = try #require(json["rules"] as? [[String: Any]])
    #expect(rules.count == 2 && rules[0]["holds"] as? Bool == true && rules[0]["fired"] as? Bool == true)
    let actions = try #require(json["actions"] as? [[String: Any]])
    #expect(actions.count == 3 && actions[0]["pulse"] as? String == "cat" && actions[0]["at_ns"] as? Int == 9)
    #expect(actions[0]["error"] as? String == "No space left on device" && actions[2].count == 1)
    #expect(json["omitted"] == nil)
  }

  @Test func anyBytesAreAName() throws {
    for _ in 0..<3000 {
      // Few different bytes, so that sequences of UTF-8 begin and break off.
      let pool: [UInt8] = [
        0, 9, 10, 0x1F, 0x22, 0x5C, 0x41, 0x7F, 0x80, 0xBF, 0xC3, 0xE2, 0x82, 0xAC, 0xED, 0xF0,
        0x9F, 0xFF,
      ]
      let name = (0..<Int.random(in: 0...40)).map { _ in pool.randomElement()! }
      let json = try line(camera: name, label: name)
      #expect(json["camera"] as? String == replaced(name))
    }
    #expect(try line(camera: Array("Öl \"3\" \\ 漏れ 😀".utf8))["camera"] as? String == "Öl \"3\" \\ 漏れ 😀")
  }

  /// Each byte that begins no whole sequence becomes one U+FFFD.
  private func replaced(_ bytes: [UInt8]) -> String {
    var text = ""
    var at = 0
    while at < bytes.count {
      var length = 0
      for candidate in 1...4 where at + candidate <= bytes.count && length == 0 {
        let part = Array(bytes[at..<at + candidate])
        if let valid = String(validating: part, as: UTF8.self), valid.unicodeScalars.count == 1 { length = candidate }
      }
      text += length == 0 ? "\u{FFFD}" : String(decoding: bytes[at..<at + length], as: UTF8.self)
      at += max(length, 1)
    }
    return text
  }

  @Test func whatDoesNotFitIsCounted() throws {
    let long = [UInt8](repeating: 1, count: 5000)
    for bytes in [DecisionLine.minimumBytes, 8192, DecisionLine.recommendedBytes] {
      let json = try line(camera: long, label: long, entries: 100, bytes: bytes)
      let kept = ["scores", "rules", "actions"].reduce(0) { $0 + ((json[$1] as? [Any])?.count ?? -1000) }
      #expect(kept + (json["omitted"] as? Int ?? 0) == 301)
    }
  }

  @Test func numbersAreThoseOfTheFloat() throws {
    for _ in 0..<2000 {
      let score = Float.random(in: -4...4)
      let scores = try #require(try line(score: score)["scores"] as? [[String: Any]])
      #expect(abs((scores[0]["score"] as? Double ?? 99) - Double(score)) <= 5.001e-7)
    }
    for score in [Float.nan, .infinity, -.infinity, 3e38] {
      let scores = try #require(try line(score: score)["scores"] as? [[String: Any]])
      #expect(scores[0]["score"] is NSNull)
    }
    #expect((try line(number: .max)["decision"] as? NSNumber)?.uint64Value == .max)
  }
}
