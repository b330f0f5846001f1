#if CANARY
  import CMartletOperatorCases
  import Martlet
  import MartletDevice

  /// Takes each rule of the operators' validator out in turn. Of the operators that break it, each must be refused by
  /// another rule, or it must be noticed: by a crash, by bits that differ, or as something that is forbidden for
  /// certain.
  enum RuleTest {
    private enum Verdict: Int32 {
      /// Something broke the rule, was accepted, and was noticed.
      case caught
      /// Whatever broke it broke another rule as well.
      case covered
      /// Something broke it, was accepted, and nobody noticed.
      case unnoticed
      /// Nothing broke it.
      case untried
    }

    static func run(count: Int) -> Int32 {
      var counts: InlineArray<4, Int> = [0, 0, 0, 0]
      var untried = 0
      for opcode in 1...UInt16(martlet_operator_kinds()) {
        let rules = longest(opcode, count: count)
        for rule in 0..<rules {
          let verdict = judge(Trial(opcode: opcode, rule: rule, count: count))
          counts[Int(verdict.rawValue)] += 1
          let place = Opcode.name(opcode) + ", rule \(rule) of \(rules) (" + name(opcode, rule, count: count) + ")"
          if verdict == .unnoticed { Output.write("FAILED " + place + ": breaking it was accepted and not noticed\n") }
          // Most operators take no scratch and little work.
          if verdict == .untried, !place.contains("scratch of"), !place.contains("work in") {
            untried += 1
            Output.write("FAILED " + place + ": nothing broke it\n")
          }
        }
        Output.write(Opcode.name(opcode) + ": \(rules) rules\n")
      }
      Output.write("\(counts[0]) rules were missed when they were gone, \(counts[1]) are covered by others\n")
      let failed = counts[2] + untried
      Output.write("\(counts[0] + counts[1]) passed, \(failed) failed\n")
      return failed == 0 ? 0 : 1
    }

    /// What the rule is about.
    private static func name(_ opcode: UInt16, _ rule: Int, count: Int) -> String {
      guard let file = OperatorFile() else { return "" }
      RuleCanary.taken = rule
      defer { RuleCanary.taken = -1 }
      for seed in 0..<count {
        RuleCanary.met = 0
        _ = file.accepts(martlet_operator_case_of(UInt64(seed), opcode))
        if RuleCanary.met > rule { break }
      }
      return "\(RuleCanary.field)"
    }

    /// The most rules that an operator of this kind met.
    private static func longest(_ opcode: UInt16, count: Int) -> Int {
      guard let file = OperatorFile() else { return 0 }
      var most = 0
      for seed in 0..<count {
        RuleCanary.met = 0
        _ = file.accepts(martlet_operator_case_of(UInt64(seed), opcode))
        most = max(most, RuleCanary.met)
      }
      return most
    }

    private struct Trial {
      var opcode: UInt16
      var rule: Int
      var count: Int
    }

    private static func judge(_ trial: Trial) -> Verdict {
      var trial = trial
      let code = martlet_operator_child({ RuleTest.runWithout($0) }, &trial, 20)
      // A crash or a hang is how it is noticed.
      return Verdict(rawValue: code) ?? .caught
    }

    private static func runWithout(_ context: UnsafeMutableRawPointer?) -> Int32 {
      guard let trial = context?.load(as: Trial.self), var fuzz = OperatorFuzz() else { return -1 }
      fuzz.isQuiet = true
      RuleCanary.taken = trial.rule
      var verdict = Verdict.untried
      for seed in 0..<trial.count {
        RuleCanary.met = 0
        RuleCanary.isBroken = false
        let accepted = fuzz.turn(UInt64(seed), trial.opcode) { RuleCanary.isBroken }
        if fuzz.faults > 0 { return Verdict.caught.rawValue }
        guard RuleCanary.isBroken else { continue }
        if accepted { verdict = .unnoticed } else if verdict == .untried { verdict = .covered }
      }
      return verdict.rawValue
    }
  }
#endif
