import Foundation
import Testing

@testable import Martlet

/// Random ways through constraints: none ends where it must not, and what is complete is JSON.
@Suite struct ConstraintWalkTests {
  @Test("No dead ends; the fewest missing bytes are right", arguments: constraintSchemas)
  func walks(_ schema: String) throws {
    let test = try TestConstraint(schema)
    let constraint = test.constraint
    var random = ConstraintRandom(UInt64(schema.utf8.count))
    for _ in 0..<40 {
      var state = constraint.start
      var output: [UInt8] = []
      let budget = Int.random(in: 1...150, using: &random)
      while !constraint.mustEnd(state) {
        if constraint.isComplete(state), Bool.random(using: &random) { break }
        let missing = constraint.missingBytes(state)
        let next = test.successors(state)
        let fewest = try #require(next.map { constraint.missingBytes($0.state) }.min(), "a dead end")
        if constraint.isComplete(state) {
          #expect(missing == 0)
        } else {
          #expect(fewest == missing - 1, "\(String(decoding: output, as: UTF8.self))")
        }
        let usable = output.count < budget ? next : next.filter { constraint.missingBytes($0.state) == fewest }
        // Letters and brackets more often than the many bytes of multibyte characters.
        let plain = usable.filter { $0.byte < 0x80 }
        let pool = plain.isEmpty || Int.random(in: 0..<4, using: &random) == 0 ? usable : plain
        let pick = try #require(pool.randomElement(using: &random))
        output.append(pick.byte)
        state = pick.state
        if output.count >= budget, constraint.isComplete(state) { break }
      }
      #expect(constraint.isComplete(state))
      #expect(throws: Never.self, "\(String(decoding: output, as: UTF8.self))") {
        _ = try JSONSerialization.jsonObject(with: Data(output), options: .fragmentsAllowed)
      }
    }
  }

  @Test("A copy without the unused ways goes on as the whole does")
  func copies() throws {
    let test = try TestConstraint(constraintSchemas[3])
    let text = #"{"k": "x", "v": [true]}"#
    var whole = test.constraint.start
    let copy = UnsafeMutablePointer<ConstraintState>.allocate(capacity: 1)
    defer { copy.deallocate() }
    copy.initialize(to: ConstraintState())
    for byte in text.utf8 {
      withUnsafePointer(to: whole) { ConstraintState.copy($0, to: copy) }
      #expect(test.constraint.advance(&whole, byte: byte) == test.constraint.advance(&copy.pointee, byte: byte))
      #expect(whole.wayCount == copy.pointee.wayCount)
    }
    #expect(!test.constraint.isComplete(copy.pointee) || test.accepts(text))
    #expect(MemoryLayout<ConstraintState>.size < 800)
  }
}
