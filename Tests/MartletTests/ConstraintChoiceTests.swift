import Testing

@testable import Martlet

@Suite struct ConstraintChoiceTests {
  @Test("One of the choices, and nothing else")
  func choices() throws {
    let constraint = try TestConstraint(choices: #"scratched,dent,scratch,a\,b,c\\d,größe, x"#)
    for text in ["scratch", "scratched", "dent", "a,b", #"c\d"#, "größe", " x"] {
      #expect(constraint.accepts(text), "\(text)")
    }
    for text in ["", "scratche", "scratchedx", "x", "a", #"a\,b"#, "dent,", "Dent"] {
      #expect(!constraint.accepts(text), "\(text)")
    }
  }

  @Test("A choice that begins another may end or go on")
  func prefixes() throws {
    let constraint = try TestConstraint(choices: "scratch,scratched")
    let short = try #require(constraint.state(after: "scratch".utf8))
    #expect(constraint.constraint.isComplete(short))
    #expect(!constraint.constraint.mustEnd(short))
    #expect(constraint.constraint.missingBytes(short) == 0)
    let long = try #require(constraint.state(after: "scratched".utf8))
    #expect(constraint.constraint.mustEnd(long))
    let between = try #require(constraint.state(after: "scratche".utf8))
    #expect(!constraint.constraint.isComplete(between))
    #expect(constraint.constraint.missingBytes(between) == 1)
  }

  @Test(
    "Choices that are refused, with the place",
    arguments: [
      ("", 0), (",a", 0), ("a,", 2), ("a,,b", 2), ("ab,cd,ab", 6), (#"a\,b,x,y,a\,b"#, 9), (#"a,b\n"#, 3), (#"ab\"#, 2),
    ])
  func refused(_ choices: String, _ position: Int) {
    #expect(throws: ConstraintError(.badChoice, at: position, "")) { _ = try TestConstraint(choices: choices) }
  }

  @Test("As many choices as fit")
  func many() throws {
    let texts = (0..<9000).map { "c\($0)" }
    let constraint = try TestConstraint(choices: texts.joined(separator: ","))
    for text in texts { #expect(constraint.accepts(text)) }
    #expect(!constraint.accepts("c9000"))
    #expect(throws: ConstraintError.self) {
      _ = try TestConstraint(choices: String(repeating: "x", count: Constraint.maxSourceBytes + 1))
    }
  }

  @Test("Any bytes at all")
  func hostile() {
    var random = ConstraintRandom(11)
    for _ in 0..<2000 {
      let count = Int.random(in: 0..<12, using: &random)
      let scalars = (0..<count).map { _ in ["a", "b", ",", "\\", "\u{0}", "ü"].randomElement(using: &random) ?? "a" }
      let text = scalars.joined()
      guard let constraint = try? TestConstraint(choices: text) else { continue }
      // Walks end at one of the choices.
      var state = constraint.constraint.start
      while let next = constraint.successors(state).randomElement(using: &random) { state = next.state }
      #expect(constraint.constraint.mustEnd(state), "\(text)")
    }
  }
}
