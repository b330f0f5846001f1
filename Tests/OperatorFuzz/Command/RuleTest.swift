#if CANARY
  import CMartletOperatorCases
  import Martlet
  import MartletDevice

  /// Takes each rule of the operators' validator out in turn. The fuzzer must then crash, see bits that differ, or see
  /// something accepted that is forbidden for certain; unless all that broke the rule breaks another one too.
  enum RuleTest {
    private enum Verdict: Int32 {
      case caught, covered, missed
    }

    static func run(count: Int) -> Int32 {
      var counts: InlineArray<3, Int> = [0, 0, 0]
      for opcode in 1...UInt16(martlet_operator_kinds()) {
        let rules = longest(opcode, count: count)
        for rule in 0..<rules {
          let verdict = judge(opcode, rule, count: count)
          counts[Int(verdict.rawValue)] += 1
          guard verdict == .missed else { continue }
          Output.write("FAILED \(Opcode.name(opcode)): nobody misses rule \(rule)\n")
        }
        let name = Opcode.name(opcode)
        Output.write("\(name): \(rules) rules\n")
      }
      Output.write("\(counts[0]) rules were missed when they were gone, \(counts[1]) are covered by others\n")
      Output.write("\(counts[0] + counts[1]) passed, \(counts[2]) failed\n")
      return counts[2] == 0 ? 0 : 1
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

    private static func judge(_ opcode: UInt16, _ rule: Int, count: Int) -> Verdict {
      var trial = Trial(opcode: opcode, rule: rule, count: count)
      // 0: nothing was noticed. Whoever crashes, hangs or finds a fault does not return 0.
      let survived = martlet_operator_survives({ RuleTest.runWithout($0) }, &trial, 20) == 0
      guard survived else { return .caught }
      return martlet_operator_survives({ RuleTest.isCovered($0) }, &trial, 20) == 0 ? .covered : .missed
    }

    private static func runWithout(_ context: UnsafeMutableRawPointer?) -> Int32 {
      guard let trial = context?.load(as: Trial.self), var fuzz = OperatorFuzz() else { return 0 }
      fuzz.isQuiet = true
      for seed in 0..<trial.count {
        RuleCanary.met = 0
        RuleCanary.taken = trial.rule
        fuzz.turn(UInt64(seed), trial.opcode)
        if fuzz.faults > 0 { return 1 }
      }
      return 0
    }

    /// 0 where everything that breaks the rule is refused without it too, and something does break it.
    private static func isCovered(_ context: UnsafeMutableRawPointer?) -> Int32 {
      guard let trial = context?.load(as: Trial.self), let file = OperatorFile() else { return 1 }
      var broken = 0
      for seed in 0..<trial.count {
        RuleCanary.met = 0
        RuleCanary.taken = trial.rule
        RuleCanary.isBroken = false
        let accepted = file.accepts(martlet_operator_case_of(UInt64(seed), trial.opcode))
        guard RuleCanary.isBroken else { continue }
        if accepted { return 1 }
        broken += 1
      }
      return broken > 0 ? 0 : 1
    }
  }
#endif
