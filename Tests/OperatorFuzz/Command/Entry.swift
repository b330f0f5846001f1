import CMartletOperatorCases
import MartletDevice

/// Where the process starts; SwiftPM links `main` to MODULE_main.
///
///     martlet-operators COUNT [SEED]    COUNT random operators, an equal share of each kind
///     martlet-operators rules [COUNT]   (with a canary) each of the validator's rules taken out in turn
@_cdecl("martlet_operators_main")
func entry(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  func number(_ index: Int) -> Int? {
    index < Int(argc) ? argv[index].flatMap { Int(String(cString: $0)) } : nil
  }
  #if CANARY
    if argc >= 2, number(1) == nil { return RuleTest.run(count: number(2) ?? 6000) }
  #endif
  guard let count = number(1), count > 0, var fuzz = OperatorFuzz() else {
    Output.write("usage: martlet-operators COUNT [SEED]\n", to: .error)
    return ExitCode.usage
  }
  let kinds = Int(martlet_operator_kinds())
  let first = number(2) ?? 1
  for turn in 0..<count {
    fuzz.turn(UInt64(first + turn / kinds), UInt16(turn % kinds + 1))
  }
  fuzz.report()
  let accepted = fuzz.tallies.reduce(0) { $0 + $1.accepted }
  Output.write("\(accepted) of \(count) accepted, hash " + NumberText.hash(fuzz.hash) + "\n")
  // Half of all, and 42 of 100 of each kind: less would mean that the makers of operators, or the rules, have changed
  // for the worse.
  let isEnough = accepted * 2 >= count && fuzz.tallies.allSatisfy { $0.accepted * 100 >= $0.made * 42 }
  if !isEnough { Output.write("FAILED too few were accepted\n") }
  let failed = fuzz.faults + (isEnough ? 0 : 1)
  Output.write("\(count - fuzz.faults) passed, \(failed) failed\n")
  return failed == 0 ? 0 : 1
}
