import CMartletKernels
import CMartletOperatorCases
import Martlet
import MartletDevice

/// Random operators of every kind: the loader says which are legal, and those run between unreadable pages on every
/// instruction set, with one hash.
struct OperatorFuzz: ~Copyable {
  /// What became of the operators of one kind.
  struct Tally {
    var made = 0
    var accepted = 0
    var run = 0
    var units = 0
  }

  private let file: OperatorFile
  private(set) var tallies: [Tally]
  private(set) var hash: UInt64 = 0
  private(set) var faults = 0
  /// What went wrong is told here, at most so often.
  var isQuiet = false

  init?() {
    guard let file = OperatorFile() else { return nil }
    self.file = file
    tallies = [Tally](repeating: Tally(), count: Int(martlet_operator_kinds()))
  }

  /// Makes the operator of that seed, asks the loader, and runs it if it is of interest. Returns whether it was
  /// accepted.
  @discardableResult
  mutating func turn(_ seed: UInt64, _ opcode: UInt16, ifWanted isWanted: () -> Bool = { true }) -> Bool {
    var operation = martlet_operator_case_of(seed, opcode)
    let index = Int(opcode) - 1
    tallies[index].made += 1
    guard file.accepts(operation) else { return false }
    tallies[index].accepted += 1
    guard isWanted() else { return true }
    if let broken = operation.broken {
      fault(seed, opcode, "accepted with " + String(cString: broken))
      return true
    }
    let run = martlet_operator_case_run(&operation)
    if run.units > 0 { tallies[index].run += 1 }
    tallies[index].units += Int(run.units)
    hash = (hash ^ run.hash) &* 0x100_0000_01B3
    if let wrong = run.fault { fault(seed, opcode, String(cString: wrong)) }
    return true
  }

  private mutating func fault(_ seed: UInt64, _ opcode: UInt16, _ what: String) {
    faults += 1
    if isQuiet || faults > 20 { return }
    let name = Opcode.name(opcode)
    Output.write("FAILED " + name + ", seed " + String(seed) + ": " + what + "\n")
  }

  /// A line for each kind.
  func report() {
    Output.write("kind                 made  accepted       run     units\n")
    for index in 0..<tallies.count {
      let tally = tallies[index]
      var line = Opcode.name(UInt16(index + 1)).padded(to: 16)
      for number in [tally.made, tally.accepted, tally.run, tally.units] {
        line.add(String(number).padded(to: 10, left: true))
      }
      Output.write(line + "\n")
    }
  }
}
