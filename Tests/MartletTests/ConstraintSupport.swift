import Testing

@testable import Martlet

/// A constraint with its memory, which lives as long as the test.
final class TestConstraint {
  let constraint: Constraint
  private let region: UnsafeMutableRawBufferPointer

  /// What the region holds beyond what it must: bytes that have to stay as they are.
  private static let guardBytes = 64

  init(schema: [UInt8]) throws(ConstraintError) {
    (constraint, region) = try TestConstraint.compiled(schema) { bytes, region throws(ConstraintError) in
      try Constraint(jsonSchema: bytes, region: region)
    }
  }

  convenience init(_ schema: String) throws(ConstraintError) { try self.init(schema: Array(schema.utf8)) }

  init(choices: String) throws(ConstraintError) {
    (constraint, region) = try TestConstraint.compiled(Array(choices.utf8)) { bytes, region throws(ConstraintError) in
      try Constraint(choices: bytes, region: region)
    }
  }

  deinit { region.deallocate() }

  private static func region(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let region = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Constraint.workBytes(schemaBytes: count) + guardBytes, alignment: 64)
    for index in region.indices { region[index] = 0xA5 }
    return region
  }

  /// Gives the source in memory of exactly its size, and looks after the region's end.
  private static func compiled(
    _ source: [UInt8],
    _ body: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) throws(ConstraintError) -> Constraint
  ) throws(ConstraintError) -> (Constraint, UnsafeMutableRawBufferPointer) {
    let region = region(source.count)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 1)
    defer {
      // The constraint must not look at the source again.
      for index in copy.indices { copy[index] = 0 }
      copy.deallocate()
    }
    copy.copyBytes(from: source)
    let usable = UnsafeMutableRawBufferPointer(rebasing: region[..<(region.count - guardBytes)])
    let result = Result { () throws(ConstraintError) in try body(UnsafeRawBufferPointer(copy), usable) }
    #expect(region[(region.count - guardBytes)...].allSatisfy { $0 == 0xA5 }, "written past the region")
    if case .failure = result { region.deallocate() }
    return (try result.get(), region)
  }

  /// The state after `bytes`; nil if they are refused.
  func state(after bytes: some Sequence<UInt8>) -> ConstraintState? {
    var state = constraint.start
    for byte in bytes where !constraint.advance(&state, byte: byte) { return nil }
    return state
  }

  func accepts(_ text: String) -> Bool { state(after: text.utf8).map(constraint.isComplete) ?? false }

  /// Whether bytes of any kind can go on or the output is complete; every state must say yes.
  func successors(_ state: ConstraintState) -> [(byte: UInt8, state: ConstraintState)] {
    (UInt8.min...UInt8.max).compactMap { byte in
      var next = state
      return constraint.advance(&next, byte: byte) ? (byte, next) : nil
    }
  }
}

/// The error of a schema that must be refused.
func refusal(_ schema: [UInt8]) -> ConstraintError? {
  do {
    _ = try TestConstraint(schema: schema)
    return nil
  } catch {
    return error
  }
}

/// xorshift64*: Vigna, 2016.
struct ConstraintRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

/// Schemas that between them use everything.
let constraintSchemas: [String] = [
  ##"""
  {"type":"object","properties":{"a":{"type":"string","maxLength":3},"ab":{"type":"integer","minimum":-5,
  "maximum":120},"abc":{"type":"number","minimum":-0.5,"exclusiveMaximum":2},"b":{"type":["string","null"],
  "maxLength":1}},"required":["ab","b"]}
  """##,
  ##"{"type":"array","minItems":2,"maxItems":4,"items":{"enum":["a","ab",1,12,123.5,null,true,"ü\n"]}}"##,
  ##"""
  {"$defs":{"n":{"type":"number"},"p":{"type":"object","properties":{"x":{"$ref":"#/$defs/n"},
  "y":{"$ref":"#/$defs/n"}},"required":["x","y"],"additionalProperties":false}},
  "type":"array","items":{"$ref":"#/$defs/p"},"maxItems":2}
  """##,
  ##"""
  {"anyOf":[{"type":"object","properties":{"k":{"const":"x"},"v":{"type":"integer"}},"required":["k"]},
  {"type":"object","properties":{"k":{"type":"string","minLength":1,"maxLength":2},"v":{"type":"array","items":
  {"type":"boolean"},"maxItems":2}},"required":["v"]},{"type":"null"},{"type":"string","minLength":2,"maxLength":3}]}
  """##,
  ##"{"type":"integer","minimum":17,"maximum":1703}"##,
  ##"{"type":"integer","exclusiveMinimum":-1000,"maximum":-37}"##,
  ##"{"type":"number","minimum":0.000125,"maximum":0.0013}"##,
]
